"""What price lists take and answer."""

from collections.abc import Mapping
from typing import Any

import orjson
from marshmallow import ValidationError, fields, pre_dump, validate, validates_schema

from shop.companies.schemas import ChangeTermsOfTradeSchema
from shop.http.fields import MAX_ID, AnswerSchema, CountedDict, CountedList, Flag, Money, Schema, Text, UploadedFile
from shop.http.pagination import PageArgsSchema
from shop.money import VAT_RATES
from shop.price_lists.models import ERROR, MODES, SOURCES, STATES, WARNING
from shop.price_lists.reasons import said_facts
from shop.spreadsheets.headings import FIELDS, HEADINGS, IGNORED


class Columns(CountedDict):
    """An object, or in a form the JSON text of one: the meaning of columns by their names."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
        if isinstance(value, str):
            try:
                value = orjson.loads(value)
            except orjson.JSONDecodeError:
                raise ValidationError("Must be JSON: the meaning of columns by their names.") from None
        return super()._deserialize(value, attr, data, **kwargs)


def _columns(**options: Any) -> Columns:
    return Columns(
        keys=Text(max_length=200, blank=False),
        values=fields.String(validate=validate.OneOf([*FIELDS, IGNORED])),
        max_length=200,
        metadata={"description": 'What columns mean, by their names: {"€ без ПДВ": "price"}; remembered'},
        **options,
    )


MODE: dict[str, Any] = {
    "validate": validate.OneOf(MODES),
    "metadata": {
        "description": "full withdraws what the list does not name; update does not; prices_and_stock takes these of "
        "known goods, stock_only quantities. "
        "Remembered, for files and for addresses apart: what is left out is as the last time, at first full"
    },
}
HEADING: dict[str, Any] = {
    "validate": validate.OneOf(HEADINGS),
    "metadata": {"description": "What titles between the rows of a table are: categories, or skipped; remembered"},
}


class TakePriceListSchema(Schema):
    mode = fields.String(load_default=None, **MODE)
    columns = _columns(load_default=None)
    headings = fields.String(load_default=None, **HEADING)
    supplier_id = fields.Integer(
        load_default=None,
        validate=validate.Range(min=1, max=MAX_ID),
        metadata={"description": "For managers: whose list this is"},
    )
    dry_run = fields.Boolean(
        load_default=False,
        metadata={
            "description": "Only show what the list would do; nothing is changed or remembered until it is applied"
        },
    )


ADDRESS: dict[str, Any] = {"max_length": 2000, "blank": False}


class FetchPriceListSchema(TakePriceListSchema):
    """The body where it is JSON: only an address can be given."""

    url = Text(required=True, metadata={"description": "Where it is fetched from, http or https"}, **ADDRESS)

    EXAMPLE = {"url": "https://supplier.example/price.yaml", "mode": "full"}


class UploadPriceListSchema(TakePriceListSchema):
    file = UploadedFile(metadata={"description": "YAML, JSON, CSV, XLSX or YML; also packed by gzip"})
    url = Text(
        load_default=None,
        allow_none=True,
        metadata={"description": "In place of a file: where it is fetched from, http or https"},
        **ADDRESS,
    )

    @validates_schema
    def _has_one_source(self, data: dict[str, Any], **_: Any) -> None:
        if data.get("file") is None and data["url"] is None:
            raise ValidationError("Send a file, or the url of one.", "file")
        if data.get("file") is not None and data["url"] is not None:
            raise ValidationError("Send either a file or a url.", "url")


class ImportTermsSchema(AnswerSchema):
    """How your lists are taken."""

    url = fields.String(required=True, allow_none=True)
    interval_hours = fields.Integer(required=True, allow_none=True)
    next_fetch_at = fields.AwareDateTime(required=True, allow_none=True)
    mode = fields.String(
        required=True, validate=validate.OneOf(MODES), metadata={"description": "Of lists that are fetched"}
    )
    upload_mode = fields.String(
        required=True, validate=validate.OneOf(MODES), metadata={"description": "Of files, where one does not say"}
    )
    columns = fields.Dict(required=True)
    headings = fields.String(required=True, validate=validate.OneOf(HEADINGS))


class ChangeImportTermsSchema(Schema):
    url = Text(
        allow_none=True, max_length=2000, blank=False, metadata={"description": "Where your list is fetched from"}
    )
    interval_hours = fields.Integer(
        allow_none=True,
        validate=validate.Range(min=1, max=168),
        metadata={"description": "How often it is fetched; null: never"},
    )
    mode = fields.String(**MODE)
    upload_mode = fields.String(**MODE)
    columns = _columns()
    headings = fields.String(**HEADING)


class ChangeTermsSchema(ChangeTermsOfTradeSchema):
    price_lists = fields.Nested(ChangeImportTermsSchema, metadata={"description": "How your lists are taken"})

    EXAMPLE = {"accepts_orders": True, "delivery_fee": "500.00", "free_delivery_from": "15000.00"}


def _percent(description: str) -> fields.Integer:
    validator = validate.Range(min=0, max=1_000_000)
    return fields.Integer(strict=True, allow_none=True, validate=validator, metadata={"description": description})


class ChangeGuardsSchema(Schema):
    guard_price_percent = _percent("A price that moves more is quarantined")
    guard_median_percent = _percent("A list whose median price moves more is held")
    guard_withdrawn_percent = _percent("A list that withdraws more of the offers is held")


class GuardsSchema(AnswerSchema):
    guard_price_percent = fields.Integer(required=True, allow_none=True)
    guard_median_percent = fields.Integer(required=True, allow_none=True)
    guard_withdrawn_percent = fields.Integer(required=True, allow_none=True)


class RollBackSchema(Schema):
    take_stock_back = Flag(
        load_default=False,
        metadata={"description": "Stock, too, less what was shipped since; not where it was stated since"},
    )


class DecideRowsSchema(Schema):
    rows = CountedList(
        fields.Integer(strict=True, validate=validate.Range(min=1, max=MAX_ID)),
        load_default=None,
        min_length=1,
        max_length=10_000,
        metadata={"description": "Only these rows of the list; left out: all that waits"},
    )


class ApplySchema(DecideRowsSchema):
    with_quarantined = Flag(
        load_default=False,
        metadata={"description": "Of a held list that is applied as a whole: its quarantined rows, too"},
    )


class PriceListReasonSchema(AnswerSchema):
    """Why a list is held or failed, for programs: what `message` says."""

    code = fields.String(required=True, metadata={"description": "docs/price-lists.md lists them"})
    facts = fields.Dict(keys=fields.String(), required=True)

    @pre_dump
    def say(self, reason: Mapping[str, Any], **_: Any) -> dict[str, Any]:
        return {"code": reason["code"], "facts": said_facts(reason["facts"])}


class PriceListSchema(AnswerSchema):
    """An import, its progress and what it did."""

    id = fields.Integer(required=True)
    supplier_id = fields.Integer(required=True)
    source = fields.String(required=True, validate=validate.OneOf(SOURCES))
    mode = fields.String(required=True, validate=validate.OneOf(MODES))
    dry_run = fields.Boolean(
        required=True, attribute="is_dry_run", metadata={"description": "Whether the list was only tried so far"}
    )
    file_name = fields.String(required=True)
    url = fields.String(required=True, allow_none=True)
    format = fields.String(required=True, allow_none=True, metadata={"description": "yaml, json, csv, xlsx or yml"})
    had = fields.List(
        fields.String(),
        required=True,
        allow_none=True,
        metadata={
            "description": "The fields that the list states, parameters as param:…; what it has not stays as it is"
        },
    )
    rolls_back_id = fields.Integer(required=True, allow_none=True)
    sha256 = fields.Function(
        lambda price_list: price_list.sha256.hex() if price_list.sha256 else None,
        metadata={"type": ["string", "null"], "description": "Of the file, once there is one"},
    )
    state = fields.String(
        required=True,
        validate=validate.OneOf(STATES),
        metadata={"description": "Ask again until it is held, applied, failed or discarded"},
    )
    message = fields.String(required=True, allow_none=True, metadata={"description": "Why it is held or failed"})
    reasons = fields.List(fields.Nested(PriceListReasonSchema), required=True)
    rows_total = fields.Integer(required=True)
    rows_done = fields.Integer(required=True, metadata={"description": "Progress while the list is checked"})
    rows_rejected = fields.Integer(required=True)
    offers_new = fields.Integer(required=True)
    offers_changed = fields.Integer(required=True)
    offers_withdrawn = fields.Integer(required=True)
    offers_unchanged = fields.Integer(required=True)
    offers_quarantined = fields.Integer(required=True, metadata={"description": "Rows that wait for a decision"})
    stock_changed = fields.Integer(required=True)
    stock_left = fields.Integer(
        required=True, metadata={"description": "Of a rollback that takes stock back: what was stated since, and stays"}
    )
    created_at = fields.AwareDateTime(required=True)
    started_at = fields.AwareDateTime(required=True, allow_none=True)
    finished_at = fields.AwareDateTime(required=True, allow_none=True)


class PriceListsPageSchema(AnswerSchema):
    items = fields.List(fields.Nested(PriceListSchema), required=True)
    next_cursor = fields.String(required=True, allow_none=True)


class IssueSchema(AnswerSchema):
    """What was wrong with one good; row 0 is the list as a whole."""

    row = fields.Integer(required=True, metadata={"description": "Which of the goods, from 1"})
    severity = fields.String(
        required=True,
        validate=validate.OneOf([ERROR, WARNING]),
        metadata={"description": "error: the good was not taken; warning: taken without what the message names"},
    )
    external_id = fields.String(required=True, allow_none=True)
    field = fields.String(required=True)
    code = fields.String(required=True)
    message = fields.String(required=True)


class IssuesPageSchema(AnswerSchema):
    items = fields.List(fields.Nested(IssueSchema), required=True)
    next_cursor = fields.String(required=True, allow_none=True)


CHANGES = ("new", "changed", "withdrawn", "quarantined", "discarded")


class ChangesArgsSchema(PageArgsSchema):
    change = fields.String(load_default=None, validate=validate.OneOf(CHANGES))


class ChangedFieldSchema(AnswerSchema):
    field = fields.String(required=True)
    before = fields.Raw(required=True, allow_none=True)
    after = fields.Raw(required=True, allow_none=True)


class ChangeSchema(AnswerSchema):
    """What the list does to one offer."""

    row = fields.Integer(required=True, allow_none=True, metadata={"description": "Of the list; none where withdrawn"})
    change = fields.String(required=True, validate=validate.OneOf(CHANGES))
    offer_id = fields.Integer(required=True, allow_none=True)
    external_id = fields.String(required=True)
    name = fields.String(required=True)
    price = Money(required=True, allow_none=True, metadata={"description": "As the list states it"})
    fields_ = fields.List(fields.Nested(ChangedFieldSchema), required=True, data_key="fields", attribute="fields")
    reasons = fields.List(
        fields.String(),
        required=True,
        metadata={"description": "Why quarantined: price, price_refused, unit, units_per_pack, vat_rate"},
    )


class ChangeCountsSchema(AnswerSchema):
    new = fields.Integer(required=True, attribute="offers_new")
    changed = fields.Integer(required=True, attribute="offers_changed")
    withdrawn = fields.Integer(required=True, attribute="offers_withdrawn")
    unchanged = fields.Integer(required=True, attribute="offers_unchanged")
    quarantined = fields.Integer(required=True, attribute="offers_quarantined")
    stock_changed = fields.Integer(required=True)


class ChangesPageSchema(AnswerSchema):
    counts = fields.Nested(ChangeCountsSchema, required=True)
    items = fields.List(fields.Nested(ChangeSchema), required=True)
    next_cursor = fields.String(required=True, allow_none=True)


class ExportArgsSchema(Schema):
    format = fields.String(load_default="yaml", validate=validate.OneOf(["yaml", "csv", "xlsx"]))
    supplier_id = fields.Integer(
        load_default=None,
        validate=validate.Range(min=1, max=MAX_ID),
        metadata={"description": "For managers: whose list"},
    )


class RevisionSchema(AnswerSchema):
    """An offer as it was from created_at on."""

    revision = fields.Integer(required=True)
    created_at = fields.AwareDateTime(required=True)
    name = fields.String(required=True)
    model = fields.String(required=True)
    category = fields.String(required=True, allow_none=True)
    price = Money(required=True)
    price_rrc = Money(required=True, allow_none=True)
    currency = fields.String(required=True)
    vat_rate = fields.String(required=True, allow_none=True, validate=validate.OneOf(VAT_RATES))
    unit = fields.String(required=True)
    is_listed = fields.Boolean(required=True)


class HistoryPageSchema(AnswerSchema):
    items = fields.List(fields.Nested(RevisionSchema), required=True)
    next_cursor = fields.String(required=True, allow_none=True)
