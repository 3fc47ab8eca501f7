"""What goes into and comes out of the routes of baskets, orders and invoices."""

from collections.abc import Callable
from typing import Any, cast

from marshmallow import ValidationError, fields, validate, validates_schema

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
    UploadedFile,
)
from shop.http.pagination import PageArgsSchema
from shop.money import VAT_RATES
from shop.orders.models import CORRECTION, INVOICE
from shop.orders.states import STATES

StateField = validate.OneOf(STATES)


def each_once(name: str, message: str) -> Callable[[list[dict[str, Any]]], None]:
    """Which quantity is meant where one thing stands in a list twice? We do not guess."""

    def check(lines: list[dict[str, Any]]) -> None:
        firsts = {line[name]: index for index, line in reversed(list(enumerate(lines)))}
        twice = {index: {name: [message]} for index, line in enumerate(lines) if firsts[line[name]] < index}
        if twice:
            raise ValidationError(cast(Any, twice))

    return check


class OrderLineArgsSchema(Schema):
    offer_id = Identifier(required=True)
    quantity = Quantity(required=True, metadata={"examples": [12]})


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


VAT_RATE = {
    "description": "The list's, else the seller's own; null only where it was placed before one had to be known"
}
VAT_IS_DEFAULT = {"description": "The list states no rate, so the seller's own was taken"}
TOTAL_TO_AGREE = {
    "description": "The total with VAT that was unknown when this was placed; `POST …/agree-total`. null: nothing to do"
}


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
