"""What price lists take and answer."""

from flask_smorest.fields import Upload
from marshmallow import fields, validate

from shop.catalog.price_lists.models import ERROR, FULL, MODES, WARNING
from shop.http.fields import MAX_ID, AnswerSchema, Schema


class UploadPriceListSchema(Schema):
    file = Upload(required=True, metadata={"description": "YAML in UTF-8: shop, categories, goods"})
    mode = fields.String(
        load_default=FULL,
        validate=validate.OneOf(MODES),
        metadata={"description": "full withdraws what the list does not name; update does not; stock_only: quantities"},
    )
    supplier_id = fields.Integer(
        load_default=None,
        validate=validate.Range(min=1, max=MAX_ID),
        metadata={"description": "For managers: whose list this is"},
    )


class PriceListSchema(AnswerSchema):
    """An import, its progress and what it did."""

    id = fields.Integer(required=True)
    supplier_id = fields.Integer(required=True)
    source = fields.String(required=True)
    mode = fields.String(required=True)
    file_name = fields.String(required=True)
    sha256 = fields.Function(lambda price_list: price_list.sha256.hex(), metadata={"type": "string"})
    state = fields.String(
        required=True, metadata={"description": "queued, checking, held, applying, applied, failed or discarded"}
    )
    message = fields.String(required=True, allow_none=True, metadata={"description": "Why it failed, for people"})
    rows_total = fields.Integer(required=True)
    rows_done = fields.Integer(required=True, metadata={"description": "Progress while the list is checked"})
    rows_rejected = fields.Integer(required=True)
    offers_new = fields.Integer(required=True)
    offers_changed = fields.Integer(required=True)
    offers_withdrawn = fields.Integer(required=True)
    offers_unchanged = fields.Integer(required=True)
    stock_changed = fields.Integer(required=True)
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
