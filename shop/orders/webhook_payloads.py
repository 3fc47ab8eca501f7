"""What other systems hear of orders by webhook: the buyer of the whole order, each supplier of its own part only."""

from collections.abc import Iterable, Sequence
from typing import Any

from marshmallow import fields, validate
from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import contains_eager

from shop.database import session
from shop.http.fields import AnswerSchema, Identifier, Money
from shop.money import money_text
from shop.orders.models import CORRECTION, INVOICE, Invoice, SupplierOrder
from shop.orders.states import NEW, PART_STATES, STATES
from shop.webhooks.enqueue import Notice
from shop.webhooks.event_types import TO_BOTH, TO_BUYER, TO_SUPPLIER, EventType, declare_event_types


class OrderNoticeSchema(AnswerSchema):
    order_id = Identifier(required=True)
    number = fields.String(required=True)
    state = fields.String(required=True, validate=validate.OneOf(STATES))
    client_reference = fields.String(required=True, allow_none=True)
    supplier_order_ids = fields.List(Identifier(), required=True)


class SupplierOrderNoticeSchema(AnswerSchema):
    supplier_order_id = Identifier(required=True)
    order_id = Identifier(required=True)
    order_number = fields.String(required=True)
    supplier_id = Identifier(required=True)
    state = fields.String(
        required=True,
        validate=validate.OneOf(STATES),
        metadata={"description": "To which the part moved; it may have moved on"},
    )
    client_reference = fields.String(required=True, allow_none=True)


class InvoiceNoticeSchema(AnswerSchema):
    invoice_id = Identifier(required=True)
    number = fields.String(required=True)
    kind = fields.String(required=True, validate=validate.OneOf((INVOICE, CORRECTION)))
    issued_on = fields.Date(required=True)
    total = Money(required=True)
    supplier_order_id = Identifier(required=True)
    order_id = Identifier(required=True)
    order_number = fields.String(required=True)


declare_event_types(
    __name__,
    {
        "order.placed": EventType("Your company placed an order", OrderNoticeSchema, TO_BUYER),
        **{  # of a new part its buyer hears by order.placed
            state.event_type: EventType(
                state.event_summary, SupplierOrderNoticeSchema, TO_SUPPLIER if state.name == NEW else TO_BOTH
            )
            for state in PART_STATES.values()
        },
        "invoice.issued": EventType("A part's invoice was numbered", InvoiceNoticeSchema, TO_BOTH),
        "invoice.corrected": EventType("Less was sent than the invoice says", InvoiceNoticeSchema, TO_BOTH),
        "invoice.annulled": EventType("A canceled part's invoice was annulled", InvoiceNoticeSchema, TO_BOTH),
    },
)


def order_notices(order_id: int) -> list[Notice]:
    """A new order: as a whole for its buyer, as a part for every supplier."""
    parts = _parts(SupplierOrder.order_id == order_id)
    order = parts[0].order
    data = {
        "order_id": order.id,
        "number": order.number,
        "state": NEW,
        "client_reference": order.client_reference,
        "supplier_order_ids": [part.id for part in parts],
    }
    placed = [Notice(part.supplier_id, PART_STATES[NEW].event_type, _part_data(part, NEW)) for part in parts]
    return [Notice(order.company_id, "order.placed", data), *placed]


def part_notices(part_id: int, state: str) -> list[Notice]:
    """A part has moved to this state."""
    [part] = _parts(SupplierOrder.id == part_id)
    return _for_both(part, PART_STATES[state].event_type, _part_data(part, state))


def issued_notices(invoice_id: int) -> list[Notice]:
    return _invoice_notices("invoice.issued", Invoice.id == invoice_id)


def corrected_notices(invoice_id: int) -> list[Notice]:
    """Of the numbered correction."""
    return _invoice_notices("invoice.corrected", Invoice.id == invoice_id)


def annulled_notices(part_id: int) -> list[Notice]:
    """Of the documents of a canceled part."""
    return _invoice_notices(
        "invoice.annulled", (Invoice.supplier_order_id == part_id) & Invoice.annulled_at.is_not(None)
    )


def _parts(which: ColumnElement[bool]) -> Sequence[SupplierOrder]:
    statement = select(SupplierOrder).join(SupplierOrder.order).where(which).order_by(SupplierOrder.id)
    return session().scalars(statement.options(contains_eager(SupplierOrder.order))).all()


def _invoice_notices(event_type: str, which: ColumnElement[bool]) -> list[Notice]:
    statement = (
        select(Invoice)
        .join(Invoice.part)
        .join(SupplierOrder.order)
        .where(which)
        .order_by(Invoice.id)
        .options(contains_eager(Invoice.part).contains_eager(SupplierOrder.order))
    )
    invoices: Iterable[Invoice] = session().scalars(statement).all()
    return [
        notice
        for invoice in invoices
        for notice in _for_both(invoice.part, event_type, _invoice_data(invoice, invoice.part))
    ]


def _for_both(part: SupplierOrder, event_type: str, data: dict[str, Any]) -> list[Notice]:
    return [Notice(company_id, event_type, data) for company_id in (part.order.company_id, part.supplier_id)]


def _part_data(part: SupplierOrder, state: str) -> dict[str, Any]:
    return {
        "supplier_order_id": part.id,
        "order_id": part.order_id,
        "order_number": part.order.number,
        "supplier_id": part.supplier_id,
        "state": state,
        "client_reference": part.order.client_reference,
    }


def _invoice_data(invoice: Invoice, part: SupplierOrder) -> dict[str, Any]:
    return {
        "invoice_id": invoice.id,
        "number": invoice.number,
        "kind": invoice.kind,
        "issued_on": invoice.issued_on.isoformat(),
        "total": money_text(invoice.total),
        "supplier_order_id": part.id,
        "order_id": part.order_id,
        "order_number": part.order.number,
    }
