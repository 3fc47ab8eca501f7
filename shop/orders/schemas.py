"""What goes into and comes out of the routes of baskets, orders and invoices."""

from marshmallow import fields, validate

from shop.http.fields import AnswerSchema, Identifier, Money, Quantity, Schema, Text
from shop.http.pagination import PageArgsSchema
from shop.orders.models import STATES

StateField = validate.OneOf(STATES)


class BasketLineArgsSchema(Schema):
    offer_id = Identifier(required=True)
    quantity = Quantity(required=True, metadata={"example": 12})


class AddLinesSchema(Schema):
    lines = fields.List(fields.Nested(BasketLineArgsSchema), required=True, validate=validate.Length(1, 1000))


class ChangeLineSchema(Schema):
    quantity = Quantity(required=True)


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
    is_orderable = fields.Boolean(required=True)
    available = Quantity(required=True, allow_none=True, metadata={"description": "null where it is not known"})
    total = Money(required=True)


class BasketPartSchema(AnswerSchema):
    supplier_id = fields.Integer(required=True)
    supplier = fields.String(required=True)
    subtotal = Money(required=True)
    delivery_fee = Money(required=True)
    missing_to_minimum = Money(required=True)
    total = Money(required=True)


class BasketSchema(AnswerSchema):
    lines = fields.List(fields.Nested(BasketLineSchema), required=True)
    suppliers = fields.List(fields.Nested(BasketPartSchema), required=True)
    total = Money(required=True)
    currency = fields.String(required=True)
    is_changed = fields.Boolean(required=True, metadata={"description": "Acknowledge the changes before ordering"})


class PlaceOrderSchema(Schema):
    contact_id = Identifier(required=True, metadata={"description": "The delivery point"})
    comment = Text(load_default="", max_length=2000)
    client_reference = Text(load_default=None, allow_none=True, max_length=100, metadata={"description": "Your number"})
    lines = fields.List(
        fields.Nested(BasketLineArgsSchema),
        load_default=None,
        validate=validate.Length(1, 1000),
        metadata={"description": "Order these instead of the basket"},
    )


class DeliveryPointSchema(AnswerSchema):
    name = fields.String(required=True)
    city = fields.String(required=True)
    street = fields.String(required=True)
    house = fields.String(required=True)
    structure = fields.String(required=True)
    building = fields.String(required=True)
    apartment = fields.String(required=True)
    phone = fields.String(required=True)
    receiving_hours = fields.String(required=True)
    address = fields.String(required=True)


class OrderLineSchema(AnswerSchema):
    id = fields.Integer(required=True)
    position = fields.Integer(required=True)
    offer_id = fields.Integer(required=True)
    name = fields.String(required=True)
    sku = fields.String(required=True)
    barcode = fields.String(required=True, allow_none=True)
    unit = fields.String(required=True)
    unit_code = fields.String(required=True, allow_none=True)
    quantity = Quantity(required=True)
    price = Money(required=True)
    vat_rate = fields.String(required=True, allow_none=True)
    net = Money(required=True)
    vat = Money(required=True)
    total = Money(required=True)


class SupplierOrderSchema(AnswerSchema):
    id = fields.Integer(required=True)
    supplier_id = fields.Integer(required=True)
    supplier = fields.String(required=True, attribute="supplier.name")
    state = fields.String(required=True, validate=StateField)
    subtotal = Money(required=True)
    delivery_fee = Money(required=True)
    vat_total = Money(required=True)
    total = Money(required=True)
    lines = fields.List(fields.Nested(OrderLineSchema), required=True)


class OrderEventSchema(AnswerSchema):
    supplier_order_id = fields.Integer(required=True, allow_none=True)
    user_id = fields.Integer(required=True, allow_none=True)
    from_state = fields.String(required=True, allow_none=True)
    to_state = fields.String(required=True)
    reason = fields.String(required=True)
    created_at = fields.AwareDateTime(required=True)


class InvoiceSchema(AnswerSchema):
    id = fields.Integer(required=True)
    number = fields.String(required=True)
    kind = fields.String(required=True)
    supplier_order_id = fields.Integer(required=True)
    supplier = fields.String(required=True, attribute="part.supplier.name")
    issued_on = fields.Date(required=True)
    total = Money(required=True)
    annulled_at = fields.AwareDateTime(required=True, allow_none=True)


class OrderSummarySchema(AnswerSchema):
    id = fields.Integer(required=True)
    number = fields.String(required=True)
    state = fields.String(required=True, validate=StateField)
    comment = fields.String(required=True)
    client_reference = fields.String(required=True, allow_none=True)
    currency = fields.String(required=True)
    subtotal = Money(required=True)
    delivery_total = Money(required=True)
    vat_total = Money(required=True)
    total = Money(required=True)
    created_at = fields.AwareDateTime(required=True)


class OrderListItemSchema(OrderSummarySchema):
    suppliers = fields.List(fields.String(), required=True)


class OrderSchema(OrderSummarySchema):
    delivery_point = fields.Nested(DeliveryPointSchema, required=True)
    parts = fields.List(fields.Nested(SupplierOrderSchema), required=True)
    history = fields.List(fields.Nested(OrderEventSchema), required=True)
    invoices = fields.List(fields.Nested(InvoiceSchema), required=True)


class OrderListArgsSchema(PageArgsSchema):
    state = fields.String(load_default=None, validate=StateField)
    client_reference = Text(load_default=None, max_length=100)


class OrderListSchema(AnswerSchema):
    items = fields.List(fields.Nested(OrderListItemSchema), required=True)
    next_cursor = fields.String(required=True, allow_none=True)


class InvoiceListSchema(AnswerSchema):
    items = fields.List(fields.Nested(InvoiceSchema), required=True)
    next_cursor = fields.String(required=True, allow_none=True)


class NoFieldsSchema(Schema):
    """A body without fields: {} or nothing at all."""


class CancelOrderSchema(Schema):
    reason = Text(load_default="", max_length=500)
