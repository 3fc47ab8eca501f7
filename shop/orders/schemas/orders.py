"""Orders, their parts and documents, and the moves of parts."""

from marshmallow import fields, validate

from shop.companies.contact_schemas import DeliveryPointSchema
from shop.http.fields import (
    MAX_ID,
    AnswerSchema,
    CountedList,
    Day,
    Identifier,
    Money,
    Quantity,
    Schema,
    Text,
)
from shop.http.pagination import PageArgsSchema
from shop.money import VAT_RATES
from shop.orders.models import CORRECTION, INVOICE
from shop.orders.schemas.lines import TOTAL_TO_AGREE, VAT_IS_DEFAULT, VAT_RATE, OrderLineArgsSchema, each_once
from shop.orders.states import STATES

StateField = validate.OneOf(STATES)


class PlaceOrderSchema(Schema):
    contact_id = Identifier(required=True, metadata={"description": "The delivery point"})
    comment = Text(load_default="", max_length=2000, multiline=True)
    client_reference = Text(load_default=None, allow_none=True, max_length=100, metadata={"description": "Your number"})
    requested_delivery_on = Day(load_default=None, allow_none=True)
    lines = CountedList(
        fields.Nested(OrderLineArgsSchema),
        load_default=None,
        min_length=1,
        max_length=1000,
        validate=each_once("offer_id", "This good stands in the list twice."),
        metadata={"description": "Order these instead of the basket"},
    )

    EXAMPLE = {"contact_id": 12, "comment": "Second gate", "client_reference": "PO-2026-118"}


class OrderLineSchema(AnswerSchema):
    id = fields.Integer(required=True)
    position = fields.Integer(required=True)
    offer_id = fields.Integer(required=True)
    name = fields.String(required=True)
    sku = fields.String(required=True)
    barcode = fields.String(required=True, allow_none=True)
    unit = fields.String(required=True)
    unit_code = fields.String(required=True, allow_none=True)
    ordered_quantity = Quantity(required=True)
    quantity = Quantity(required=True, metadata={"description": "What is delivered: as ordered, or cut"})
    cut_reason = fields.String(required=True, allow_none=True)
    received_quantity = Quantity(required=True, allow_none=True)
    received_reason = fields.String(required=True, allow_none=True)
    price = Money(required=True)
    vat_rate = fields.String(required=True, allow_none=True, validate=validate.OneOf(VAT_RATES), metadata=VAT_RATE)
    vat_is_default = fields.Boolean(required=True, metadata=VAT_IS_DEFAULT)
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
    total_to_agree = Money(required=True, allow_none=True, metadata=TOTAL_TO_AGREE)
    lines = fields.List(fields.Nested(OrderLineSchema), required=True)


class OrderEventSchema(AnswerSchema):
    supplier_order_id = fields.Integer(required=True, allow_none=True)
    user_id = fields.Integer(required=True, allow_none=True)
    from_state = fields.String(required=True, allow_none=True, validate=StateField)
    to_state = fields.String(required=True, validate=StateField)
    reason = fields.String(required=True)
    created_at = fields.AwareDateTime(required=True)


class InvoiceSchema(AnswerSchema):
    id = fields.Integer(required=True)
    number = fields.String(required=True)
    kind = fields.String(required=True, validate=validate.OneOf((INVOICE, CORRECTION)))
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
    requested_delivery_on = fields.Date(required=True, allow_none=True)
    currency = fields.String(required=True)
    subtotal = Money(required=True)
    delivery_total = Money(required=True)
    vat_total = Money(required=True)
    total = Money(required=True)
    created_at = fields.AwareDateTime(required=True)


class OrderListItemSchema(OrderSummarySchema):
    suppliers = fields.List(fields.String(), required=True)


class OrderSchema(OrderSummarySchema):
    version = fields.Integer(required=True, metadata={"description": "Also the ETag; send it as If-Match"})
    delivery_point = fields.Nested(DeliveryPointSchema, required=True)
    parts = fields.List(fields.Nested(SupplierOrderSchema), required=True)
    history = fields.List(fields.Nested(OrderEventSchema), required=True)
    invoices = fields.List(fields.Nested(InvoiceSchema), required=True)


class PartSummarySchema(AnswerSchema):
    id = fields.Integer(required=True)
    order_id = fields.Integer(required=True)
    order_number = fields.String(required=True)
    supplier_id = fields.Integer(required=True)
    supplier = fields.String(required=True)
    buyer = fields.String(required=True)
    state = fields.String(required=True, validate=StateField)
    client_reference = fields.String(required=True, allow_none=True)
    requested_delivery_on = fields.Date(required=True, allow_none=True)
    currency = fields.String(required=True)
    subtotal = Money(required=True)
    delivery_fee = Money(required=True)
    vat_total = Money(required=True)
    total = Money(required=True)
    created_at = fields.AwareDateTime(required=True)


class PartListSchema(AnswerSchema):
    items = fields.List(fields.Nested(PartSummarySchema), required=True)
    next_cursor = fields.String(required=True, allow_none=True)


class PartSchema(PartSummarySchema):
    """A part of an order as its supplier works it off."""

    supplier = fields.String(required=True, attribute="supplier.name")
    comment = fields.String(required=True)
    delivery_point = fields.Nested(DeliveryPointSchema, required=True)
    version = fields.Integer(required=True, metadata={"description": "Also the ETag; send it as If-Match"})
    moves = fields.List(
        fields.String(validate=StateField), required=True, metadata={"description": "States that you could move it to"}
    )
    total_to_agree = Money(required=True, allow_none=True, metadata=TOTAL_TO_AGREE)
    lines = fields.List(fields.Nested(OrderLineSchema), required=True)
    history = fields.List(fields.Nested(OrderEventSchema), required=True)
    invoices = fields.List(fields.Nested(InvoiceSchema), required=True)


CONTRACT = {"description": "As documents name it: kind, number and day; null = none"}


class StateContractSchema(Schema):
    contract = Text(required=True, allow_none=True, blank=False, metadata=CONTRACT)


class ContractStatementSchema(AnswerSchema):
    contract = fields.String(required=True, allow_none=True, attribute="words", metadata=CONTRACT)
    user_id = fields.Integer(required=True, allow_none=True)
    created_at = fields.AwareDateTime(required=True)


class ContractSchema(AnswerSchema):
    contract = fields.String(required=True, allow_none=True, metadata=CONTRACT)
    version = fields.Integer(required=True, metadata={"description": "Also the ETag; send it as If-Match"})
    history = fields.List(
        fields.Nested(ContractStatementSchema), required=True, metadata={"description": "Who stated what, oldest first"}
    )


class ChangedLineSchema(Schema):
    line_id = Identifier(required=True)
    quantity = Quantity(required=True, allow_zero=True)
    reason = Text(load_default="", max_length=500)


class ConfirmPartSchema(Schema):
    lines = CountedList(
        fields.Nested(ChangedLineSchema),
        load_default=list,
        max_length=1000,
        validate=each_once("line_id", "This line is named twice."),
        metadata={"description": "Only the lines of which fewer come; needs If-Match"},
    )

    EXAMPLE = {"lines": [{"line_id": 501, "quantity": 10, "reason": "Two are damaged"}]}


class ReceivePartSchema(Schema):
    lines = CountedList(
        fields.Nested(ChangedLineSchema),
        load_default=list,
        max_length=1000,
        validate=each_once("line_id", "This line is named twice."),
        metadata={"description": "Only the lines that are not complete; needs If-Match"},
    )

    EXAMPLE = {"lines": [{"line_id": 501, "quantity": 9, "reason": "One was missing"}]}


class MoveSchema(Schema):
    reason = Text(load_default="", max_length=500)

    EXAMPLE = {"reason": "Ordered twice by mistake"}


class AgreeTotalSchema(Schema):
    total = Money(required=True, metadata={"description": "As `total_to_agree` says it"})
    reason = Text(load_default="", max_length=500, metadata={"description": "From managers: how the buyer has agreed"})

    EXAMPLE = {"total": "1128.96", "reason": ""}


class SendPartSchema(MoveSchema):
    lines = CountedList(
        fields.Nested(ChangedLineSchema),
        load_default=list,
        max_length=1000,
        metadata={"description": "Only the lines of which fewer are on their way than confirmed; needs If-Match"},
    )


class OrderListArgsSchema(PageArgsSchema):
    state = fields.String(load_default=None, validate=StateField)
    supplier_id = fields.Integer(load_default=None, validate=validate.Range(min=1, max=MAX_ID))
    client_reference = Text(load_default=None, max_length=100)
    from_day = Day(load_default=None, metadata={"description": "Placed on this day (UTC) or later"})
    to_day = Day(load_default=None, metadata={"description": "Placed on this day (UTC) or earlier"})


class BuyersListArgsSchema(OrderListArgsSchema):
    mine = fields.Boolean(load_default=False, metadata={"description": "Only what you ordered yourself"})


class OrderListSchema(AnswerSchema):
    items = fields.List(fields.Nested(OrderListItemSchema), required=True)
    next_cursor = fields.String(required=True, allow_none=True)


class InvoiceListSchema(AnswerSchema):
    items = fields.List(fields.Nested(InvoiceSchema), required=True)
    next_cursor = fields.String(required=True, allow_none=True)


class NoFieldsSchema(Schema):
    """A body without fields: {} or nothing at all."""
