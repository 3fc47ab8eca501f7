"""Baskets: filling, changing, quick orders."""

from typing import Any

from marshmallow import ValidationError, fields, validate, validates_schema

from shop.http.fields import (
    MAX_ID,
    AnswerSchema,
    CountedList,
    Identifier,
    Money,
    Quantity,
    Schema,
    Text,
    UploadedFile,
)
from shop.money import VAT_RATES
from shop.orders.schemas.lines import VAT_IS_DEFAULT


class BasketLineArgsSchema(Schema):
    """A line by offer, or by SKU; with the supplier where several have that SKU."""

    offer_id = Identifier()
    supplier_id = Identifier()
    sku = Text(blank=False)
    quantity = Quantity(required=True, metadata={"examples": [12]})

    @validates_schema
    def _names_one_good(self, line: dict[str, Any], **_: Any) -> None:
        if ("offer_id" in line) == ("sku" in line):
            raise ValidationError("Name the good by offer_id or by sku, one of them.", "offer_id")
        if "supplier_id" in line and "sku" not in line:
            raise ValidationError("The supplier is only of use together with a sku.", "supplier_id")


class AddLinesSchema(Schema):
    lines = CountedList(fields.Nested(BasketLineArgsSchema), required=True, min_length=1, max_length=1000)

    EXAMPLE = {"lines": [{"offer_id": 104, "quantity": 12}, {"sku": "000105", "supplier_id": 7, "quantity": 2.5}]}


class QuickOrderSchema(Schema):
    text = Text(
        required=True,
        blank=False,
        max_length=200_000,
        multiline=True,
        metadata={"description": "A line each: SKU and quantity"},
    )
    supplier_id = Identifier(load_default=None, allow_none=True, metadata={"description": "Whose SKUs these are"})

    EXAMPLE = {"text": "000104 24\nБ-1001 12"}


class QuickOrderFileSchema(Schema):
    file = UploadedFile(required=True)
    supplier_id = fields.Integer(load_default=None, validate=validate.Range(min=1, max=MAX_ID))


class AddPastOrderSchema(Schema):
    order_id = Identifier(required=True)


class ChangeLineSchema(Schema):
    quantity = Quantity(required=True)


class BasketChangeSchema(AnswerSchema):
    code = fields.String(required=True)
    message = fields.String(required=True)


class LineResultSchema(AnswerSchema):
    status = fields.String(required=True, validate=validate.OneOf(("added", "refused")))
    offer_id = fields.Integer(required=True, allow_none=True)
    sku = fields.String(required=True, allow_none=True)
    quantity = Quantity(required=True)
    code = fields.String(required=True, allow_none=True, metadata={"description": "Why it was refused"})
    message = fields.String(required=True, allow_none=True)
    facts = fields.Dict(required=True)


class QuickLineSchema(AnswerSchema):
    row = fields.Integer(required=True)
    text = fields.String(required=True)
    problem = fields.String(required=True, allow_none=True, metadata={"description": "Why it cannot be read"})
    result = fields.Nested(LineResultSchema, required=True, allow_none=True)


class BasketLineSchema(AnswerSchema):
    offer_id = fields.Integer(required=True)
    supplier_id = fields.Integer(required=True)
    name = fields.String(required=True)
    sku = fields.String(required=True)
    unit = fields.String(required=True)
    quantity = Quantity(required=True)
    price = Money(required=True)
    price_seen = Money(required=True, metadata={"description": "The price agreed to; differs if it changed since"})
    is_changed = fields.Boolean(required=True)
    changes = fields.List(fields.Nested(BasketChangeSchema), required=True)
    is_orderable = fields.Boolean(required=True)
    available = Quantity(required=True, allow_none=True, metadata={"description": "null where it is not known"})
    vat_rate = fields.String(
        required=True,
        allow_none=True,
        validate=validate.OneOf(VAT_RATES),
        metadata={"description": "The list's, else the seller's own; null: neither is known"},
    )
    vat_is_default = fields.Boolean(required=True, metadata=VAT_IS_DEFAULT)
    net = Money(required=True, metadata={"description": "Without VAT; a supplier's prices may be so"})
    vat = Money(required=True)
    total = Money(required=True, metadata={"description": "With VAT, whether the price contains it or not"})


class BasketPartSchema(AnswerSchema):
    supplier_id = fields.Integer(required=True)
    supplier = fields.String(required=True)
    subtotal = Money(required=True)
    delivery_fee = Money(required=True)
    missing_to_free_delivery = Money(required=True, allow_none=True)
    missing_to_minimum = Money(required=True)
    total = Money(required=True)


class BasketSchema(AnswerSchema):
    lines = fields.List(fields.Nested(BasketLineSchema), required=True)
    suppliers = fields.List(fields.Nested(BasketPartSchema), required=True)
    total = Money(required=True)
    currency = fields.String(required=True)
    is_changed = fields.Boolean(required=True, metadata={"description": "Acknowledge the changes before ordering"})
    results = fields.List(fields.Nested(LineResultSchema), required=True)


class QuickOrderReportSchema(AnswerSchema):
    rows = fields.List(fields.Nested(QuickLineSchema), required=True)
    skipped = fields.Integer(required=True, metadata={"description": "Rows without a quantity, which order nothing"})
    basket = fields.Nested(BasketSchema, required=True)
