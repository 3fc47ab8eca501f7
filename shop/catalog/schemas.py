"""What the catalog takes and answers."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from marshmallow import ValidationError, fields, post_load, pre_load, validate, validates_schema

from shop.catalog.bulk_export import CSV, NDJSON
from shop.catalog.models import STOCK_KINDS
from shop.catalog.search.filters import HIGHEST_PRICE
from shop.catalog.search.pages import RELEVANCE, SORTS
from shop.companies.schemas import TermsSchema
from shop.http.fields import MAX_ID, AnswerSchema, CountedList, Identifier, Money, Quantity, Schema, Text
from shop.http.pagination import PageArgsSchema
from shop.money import VAT_RATES

PARAMETER = "param."
PARAMETERS_PARAMETER = {
    "in": "query",
    "name": "parameters",
    "description": "`param.NAME=VALUE`: offers whose free parameter NAME is VALUE. The same NAME again: either value",
    "style": "form",
    "explode": True,
    "schema": {
        "type": "object",
        "propertyNames": {"pattern": r"^param\.."},
        "additionalProperties": True,
    },
}
LONGEST_PARAMETER, MOST_PARAMETER_VALUES = 500, 50
MOST_IDS = 500


def _is_price(value: Decimal | None) -> None:
    if value is not None and not 0 <= value <= HIGHEST_PRICE:
        raise ValidationError("Must be between 0 and 10,000,000,000.")


def _query_id(**options: Any) -> fields.Integer:
    """An id in an address is text."""
    return fields.Integer(validate=validate.Range(min=1, max=MAX_ID), **options)


def _checked(parameters: dict[str, list[str]]) -> dict[str, tuple[str, ...]]:
    """Names and values as the database can hold them, and not too many."""
    values = [value for given in parameters.values() for value in given]
    if len(values) > MOST_PARAMETER_VALUES:
        raise ValidationError(f"At most {MOST_PARAMETER_VALUES} values can be asked for.", PARAMETER)
    for name, given in parameters.items():
        if not name or any(len(text) > LONGEST_PARAMETER or "\x00" in text for text in (name, *given)):
            raise ValidationError("Must be text of at most 500 characters with a name.", PARAMETER + name)
    return {name: tuple(dict.fromkeys(given)) for name, given in parameters.items()}


class OfferFilterSchema(Schema):
    """What narrows a search. `param.NAME=VALUE` filters by a free parameter; `parameters` holds them once read."""

    q = Text(max_length=200, blank=False, metadata={"description": "Words of name and model, part of a SKU, a barcode"})
    category = CountedList(_query_id(), max_length=MOST_IDS, metadata={"description": "Several: any of them"})
    supplier = CountedList(_query_id(), max_length=MOST_IDS, metadata={"description": "Several: any of them"})
    price_min = Money(validate=_is_price, metadata={"description": "Of price_with_vat"})
    price_max = Money(validate=_is_price, metadata={"description": "Of price_with_vat"})
    base_unit = Text(max_length=20, blank=False, metadata={"description": "As offers name it: шт, кг, л, м …"})
    in_stock = fields.Boolean(metadata={"description": "true: at hand now; false: sold out or on order"})
    orderable = fields.Boolean(metadata={"description": "true: an order of the minimum quantity would be taken now"})
    sku = Text(max_length=100, blank=False)
    barcode = Text(max_length=20, blank=False)

    def unknown_names(self, data: Mapping[str, Any]) -> list[str]:
        return [name for name in super().unknown_names(data) if not name.startswith(PARAMETER)]

    @pre_load
    def _leave_parameters(self, query: Any, **_: Any) -> dict[str, Any]:
        """The names are the suppliers' own, so no schema can list them."""
        return {name: query[name] for name in query if not name.startswith(PARAMETER)}

    @post_load(pass_original=True)
    def _add_parameters(self, args: dict[str, Any], query: Any, **_: Any) -> dict[str, Any]:
        args |= {name: tuple(args[name]) for name in ("category", "supplier") if name in args}
        parameters = {
            name.removeprefix(PARAMETER): query.data.getlist(name) for name in query if name.startswith(PARAMETER)
        }
        return args | {"parameters": _checked(parameters)} if parameters else args


class SearchOffersSchema(PageArgsSchema, OfferFilterSchema):
    cursor = Text(load_default=None, max_length=4000, metadata={"description": "next_cursor of the page before"})
    sort = fields.String(
        load_default=None,
        validate=validate.OneOf(list(SORTS)),
        metadata={"description": "By default relevance with q, else newest; compare_price goes unit by unit"},
    )
    changed_since = fields.AwareDateTime(
        load_default=None,
        metadata={"description": "Also withdrawn offers, in the order of change; send as_of the next time"},
    )

    @validates_schema
    def _sorts_as_it_can(self, args: dict[str, Any], **_: Any) -> None:
        if args.get("sort") == RELEVANCE and not args.get("q"):
            raise ValidationError("Relevance needs words to look for in q.", "sort")
        if args.get("sort") and args.get("changed_since"):
            raise ValidationError("Changes come in the order of change; leave out sort.", "sort")


class NamedSchema(AnswerSchema):
    id = fields.Integer(required=True)
    name = fields.String(required=True)


class StockSchema(AnswerSchema):
    kind = fields.String(required=True, validate=validate.OneOf(STOCK_KINDS))
    available = Quantity(
        required=True, metadata={"description": "Bounds an order if kind is exact or at_least; else ask the supplier"}
    )


class OfferSchema(AnswerSchema):
    """One supplier's listing of a product."""

    id = fields.Integer(required=True)
    product_id = fields.Integer(required=True)
    supplier = fields.Nested(NamedSchema, required=True)
    external_id = fields.String(required=True, metadata={"description": "The id in the supplier's list"})
    sku = fields.String(required=True)
    name = fields.String(required=True)
    model = fields.String(required=True)
    category = fields.Nested(NamedSchema, required=True, allow_none=True)
    price = Money(required=True)
    price_rrc = Money(required=True, allow_none=True, metadata={"description": "Recommended retail price"})
    currency = fields.String(required=True)
    vat_rate = fields.String(required=True, allow_none=True, validate=validate.OneOf(VAT_RATES))
    price_includes_vat = fields.Boolean(required=True)
    unit = fields.String(required=True)
    unit_code = fields.String(required=True, allow_none=True, metadata={"description": "Code of the unit in ОКЕИ"})
    quantity_step = Quantity(required=True)
    minimum_quantity = Quantity(required=True)
    units_per_pack = Quantity(required=True, allow_none=True)
    base_price = Money(required=True, metadata={"description": "price of one base_unit, on the supplier's own terms"})
    base_unit = fields.String(required=True, metadata={"description": "What is compared: piece, kg, l, m …"})
    price_with_vat = Money(required=True, metadata={"description": "price with its VAT, whatever the supplier's terms"})
    compare_price = Money(
        required=True, metadata={"description": "Of one base_unit, by which offers of the same base_unit compare"}
    )
    compare_includes_vat = fields.Boolean(
        required=True, metadata={"description": "false for buyers whose legal entity deducts VAT"}
    )
    barcodes = fields.List(fields.String(), required=True)
    parameters = fields.Dict(keys=fields.String(), required=True)
    stock = fields.Nested(StockSchema, required=True)
    is_orderable = fields.Boolean(required=True)
    is_listed = fields.Boolean(required=True)
    revision = fields.Integer(required=True)
    updated_at = fields.AwareDateTime(required=True)


class OffersPageSchema(AnswerSchema):
    items = fields.List(fields.Nested(OfferSchema), required=True)
    next_cursor = fields.String(required=True, allow_none=True)
    approximate = fields.Boolean(
        required=True, metadata={"description": "Nothing was found as typed; these are what was probably meant"}
    )
    gone = fields.List(
        fields.Integer(),
        metadata={"description": "With changed_since only: ids of offers whose supplier was blocked, to be deleted"},
    )
    as_of = fields.AwareDateTime(
        metadata={"description": "With changed_since only: send it as changed_since next time"}
    )


class CountedSchema(NamedSchema):
    offers = fields.Integer(required=True)


class PriceRangeSchema(AnswerSchema):
    min = Money(required=True)
    max = Money(required=True)


class ParameterValueSchema(AnswerSchema):
    value = fields.Raw(required=True, metadata={"description": "Text, a number or a boolean"})
    offers = fields.Integer(required=True)


class ParameterFacetSchema(AnswerSchema):
    name = fields.String(required=True)
    offers = fields.Integer(required=True)
    values = fields.List(fields.Nested(ParameterValueSchema), required=True)


class FacetsSchema(AnswerSchema):
    """What the current search holds, the most frequent first; each facet without its own filter."""

    offers = fields.Integer(required=True, metadata={"description": "How many the search finds with all filters"})
    approximate = fields.Boolean(required=True)
    price = fields.Nested(PriceRangeSchema, required=True, allow_none=True)
    categories = fields.List(fields.Nested(CountedSchema), required=True)
    suppliers = fields.List(fields.Nested(CountedSchema), required=True)
    parameters = fields.List(fields.Nested(ParameterFacetSchema), required=True)


class ExportArgsSchema(Schema):
    format = fields.String(load_default=NDJSON, validate=validate.OneOf([NDJSON, CSV]))


class OtherPackSchema(NamedSchema):
    base_price = Money(required=True, metadata={"description": "Of the offer that compares as the cheapest"})
    compare_price = Money(required=True)
    base_unit = fields.String(required=True)


class ProductSchema(AnswerSchema):
    """What a thing is, and every supplier's offer of it."""

    id = fields.Integer(required=True)
    name = fields.String(required=True)
    category = fields.Nested(NamedSchema, required=True, allow_none=True)
    compare_includes_vat = fields.Boolean(
        required=True, metadata={"description": "Whether the offers are compared by what they cost with VAT"}
    )
    offers = fields.List(fields.Nested(OfferSchema), required=True)
    other_packs = fields.List(
        fields.Nested(OtherPackSchema), required=True, metadata={"description": "Products: the same in another pack"}
    )


class MergeProductsSchema(Schema):
    product_id = Identifier(required=True, metadata={"description": "The product that becomes part of this one"})


class SplitProductSchema(Schema):
    offer_ids = CountedList(
        Identifier(),
        required=True,
        min_length=1,
        max_length=1000,
        metadata={"description": "Some of its offers"},
    )


class CategoryArgsSchema(Schema):
    empty = fields.Boolean(load_default=False, metadata={"description": "true: also those that hold nothing"})


class RenameCategorySchema(Schema):
    name = Text(required=True, blank=False)


class SupplierCategoryArgsSchema(PageArgsSchema):
    supplier = _query_id(load_default=None)
    category = _query_id(load_default=None)


class SupplierCategorySchema(NamedSchema):
    """What a supplier's own category means here."""

    external_id = fields.String(required=True, metadata={"description": "Its number in the supplier's lists"})
    supplier = fields.Nested(NamedSchema, required=True)
    category = fields.Nested(NamedSchema, required=True)


class SupplierCategoriesSchema(AnswerSchema):
    items = fields.List(fields.Nested(SupplierCategorySchema), required=True)
    next_cursor = fields.String(required=True, allow_none=True)


class MapSupplierCategorySchema(Schema):
    category_id = Identifier(required=True)


class CategorySchema(NamedSchema):
    offers = fields.Integer(required=True, metadata={"description": "How many are listed in it"})


class CategoriesSchema(AnswerSchema):
    items = fields.List(fields.Nested(CategorySchema), required=True)
    next_cursor = fields.String(required=True, allow_none=True)


class SupplierSchema(TermsSchema):
    offers = fields.Integer(required=True, metadata={"description": "How many are listed"})


class SuppliersSchema(AnswerSchema):
    items = fields.List(fields.Nested(SupplierSchema), required=True)
    next_cursor = fields.String(required=True, allow_none=True)


def page_of_all(items: list[dict[str, Any]]) -> dict[str, Any]:
    """A list that always fits on one page, in the shape of all lists."""
    return {"items": items, "next_cursor": None}
