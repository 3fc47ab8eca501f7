"""The types of events that a webhook can ask for, whom they concern, and what their `data` holds: the whole list."""

from collections.abc import Mapping
from dataclasses import dataclass

from marshmallow import fields, validate

from shop.auth.models import BUYER, SUPPLIER
from shop.http.fields import AnswerSchema, Identifier, Money

TEST = "webhook.test"

# What the packages above and beside say of their things; a test compares them.
PART_STATES = ("new", "confirmed", "assembled", "sent", "delivered", "refused", "canceled")
DOCUMENT_KINDS = ("invoice", "correction")
PRICE_LIST_STATES = ("queued", "checking", "held", "applying", "applied", "failed", "discarded")
PRICE_LIST_MODES = ("full", "update", "prices_and_stock", "stock_only")


class OrderNoticeSchema(AnswerSchema):
    order_id = Identifier(required=True)
    number = fields.String(required=True)
    state = fields.String(required=True, validate=validate.OneOf(PART_STATES))
    client_reference = fields.String(required=True, allow_none=True)
    supplier_order_ids = fields.List(Identifier(), required=True)


class SupplierOrderNoticeSchema(AnswerSchema):
    supplier_order_id = Identifier(required=True)
    order_id = Identifier(required=True)
    order_number = fields.String(required=True)
    supplier_id = Identifier(required=True)
    state = fields.String(
        required=True,
        validate=validate.OneOf(PART_STATES),
        metadata={"description": "To which the part moved; it may have moved on"},
    )
    client_reference = fields.String(required=True, allow_none=True)


class InvoiceNoticeSchema(AnswerSchema):
    invoice_id = Identifier(required=True)
    number = fields.String(required=True)
    kind = fields.String(required=True, validate=validate.OneOf(DOCUMENT_KINDS))
    issued_on = fields.Date(required=True)
    total = Money(required=True)
    supplier_order_id = Identifier(required=True)
    order_id = Identifier(required=True)
    order_number = fields.String(required=True)


class PriceListNoticeSchema(AnswerSchema):
    price_list_id = Identifier(required=True)
    state = fields.String(required=True, validate=validate.OneOf(PRICE_LIST_STATES))
    mode = fields.String(required=True, validate=validate.OneOf(PRICE_LIST_MODES))


class TestNoticeSchema(AnswerSchema):
    webhook_id = Identifier(required=True)


@dataclass(frozen=True)
class EventType:
    """`concerns`: the kinds of companies that can ask for it."""

    summary: str
    data: type[AnswerSchema]
    concerns: frozenset[str]


_BUYER, _SUPPLIER, _BOTH = frozenset({BUYER}), frozenset({SUPPLIER}), frozenset({BUYER, SUPPLIER})

EVENT_TYPES: Mapping[str, EventType] = {
    "order.placed": EventType("Your company placed an order", OrderNoticeSchema, _BUYER),
    "supplier_order.placed": EventType("A buyer ordered of you", SupplierOrderNoticeSchema, _SUPPLIER),
    "supplier_order.confirmed": EventType("A part was confirmed", SupplierOrderNoticeSchema, _BOTH),
    "supplier_order.assembled": EventType("A part was assembled", SupplierOrderNoticeSchema, _BOTH),
    "supplier_order.sent": EventType("A part was sent", SupplierOrderNoticeSchema, _BOTH),
    "supplier_order.delivered": EventType("A part was delivered", SupplierOrderNoticeSchema, _BOTH),
    "supplier_order.refused": EventType("A part was refused at the door", SupplierOrderNoticeSchema, _BOTH),
    "supplier_order.canceled": EventType("A part was canceled", SupplierOrderNoticeSchema, _BOTH),
    "invoice.issued": EventType("A part's invoice was numbered", InvoiceNoticeSchema, _BOTH),
    "invoice.corrected": EventType("Less was sent than the invoice says", InvoiceNoticeSchema, _BOTH),
    "invoice.annulled": EventType("A canceled part's invoice was annulled", InvoiceNoticeSchema, _BOTH),
    "price_list.applied": EventType("Your list is in the catalog", PriceListNoticeSchema, _SUPPLIER),
    "price_list.held": EventType("Your list waits for somebody to look at it", PriceListNoticeSchema, _SUPPLIER),
    "price_list.failed": EventType("Your list could not be imported", PriceListNoticeSchema, _SUPPLIER),
    TEST: EventType("You asked for a test", TestNoticeSchema, frozenset()),
}


def event_types_for(company_kind: str) -> list[str]:
    return [name for name, kind in EVENT_TYPES.items() if company_kind in kind.concerns]
