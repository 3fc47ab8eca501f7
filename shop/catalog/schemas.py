"""What the catalog takes and answers."""

from decimal import Decimal
from typing import Any

from marshmallow import ValidationError, fields, validate

from shop.auth.models import FREE, PHYSICAL
from shop.catalog.models import STOCK_KINDS
from shop.catalog.search import HIGHEST_PRICE, SORTS
from shop.http.fields import MAX_ID, AnswerSchema, Money, Quantity, Schema, Text
from shop.http.pagination import PageArgsSchema
from shop.money import VAT_RATES

HIGHEST_SUM = Decimal("999999999999.99")


def _is_price(value: Decimal | None) -> None:
    if value is not None and not 0 <= value <= HIGHEST_PRICE:
        raise ValidationError("Must be between 0 and 10,000,000,000.")


def _is_sum(value: Decimal | None) -> None:
    if value is not None and (not 0 <= value <= HIGHEST_SUM or value != round(value, 2)):
        raise ValidationError("Must be 0 or more, with at most two decimals.")


class SearchOffersSchema(PageArgsSchema):
    cursor = Text(load_default=None, max_length=4000, metadata={"description": "next_cursor of the page before"})
    q = Text(max_length=200, blank=False, metadata={"description": "Words of name and model, or a SKU or barcode"})
    category = fields.Integer(validate=validate.Range(min=1, max=MAX_ID))
    supplier = fields.Integer(validate=validate.Range(min=1, max=MAX_ID))
    price_min = Money(validate=_is_price)
    price_max = Money(validate=_is_price)
    in_stock = fields.Boolean(metadata={"description": "true: at hand now; false: sold out or on order"})
    sku = Text(max_length=100, blank=False)
    barcode = Text(max_length=20, blank=False)
    sort = fields.String(load_default="newest", validate=validate.OneOf(list(SORTS)))


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


class ProductSchema(AnswerSchema):
    """What a thing is, and every supplier's offer of it."""

    id = fields.Integer(required=True)
    name = fields.String(required=True)
    category = fields.Nested(NamedSchema, required=True, allow_none=True)
    offers = fields.List(fields.Nested(OfferSchema), required=True)


class CategorySchema(NamedSchema):
    offers = fields.Integer(required=True, metadata={"description": "How many are listed in it"})


class CategoriesSchema(AnswerSchema):
    items = fields.List(fields.Nested(CategorySchema), required=True)
    next_cursor = fields.String(required=True, allow_none=True)


class TermsSchema(AnswerSchema):
    id = fields.Integer(required=True)
    name = fields.String(required=True)
    accepts_orders = fields.Boolean(required=True)
    price_includes_vat = fields.Boolean(required=True)
    delivery_fee = Money(required=True)
    free_delivery_from = Money(required=True, allow_none=True)
    minimum_order = Money(required=True)


class SupplierSchema(TermsSchema):
    offers = fields.Integer(required=True, metadata={"description": "How many are listed"})


class SuppliersSchema(AnswerSchema):
    items = fields.List(fields.Nested(SupplierSchema), required=True)
    next_cursor = fields.String(required=True, allow_none=True)


class OwnSupplierSchema(TermsSchema):
    status = fields.String(required=True, metadata={"description": "Buyers see your offers while it is active"})
    stock_means = fields.String(required=True, validate=validate.OneOf([PHYSICAL, FREE]))


class ChangeTermsSchema(Schema):
    accepts_orders = fields.Boolean()
    price_includes_vat = fields.Boolean()
    delivery_fee = Money(validate=_is_sum)
    free_delivery_from = Money(allow_none=True, validate=_is_sum)
    minimum_order = Money(validate=_is_sum)
    stock_means = fields.String(
        validate=validate.OneOf([PHYSICAL, FREE]),
        metadata={"description": "physical: lists state what is in the warehouse; free: what we reserved is taken off"},
    )


def page_of_all(items: list[dict[str, Any]]) -> dict[str, Any]:
    """A list that always fits on one page, in the shape of all lists."""
    return {"items": items, "next_cursor": None}
