"""What the mails about orders say; looked up when they are delivered."""

from typing import Any

from sqlalchemy.orm import joinedload, selectinload, undefer

from shop.config import Settings
from shop.db import session
from shop.mail.content import Attachment, Facts
from shop.mail.models import MailMessage
from shop.orders.documents.pdf import render_invoice
from shop.orders.documents.words import money, number
from shop.orders.models import Invoice, Order, SupplierOrder

STATE_NAMES = {
    "ru": {
        "new": "новый",
        "confirmed": "подтверждён",
        "assembled": "собран",
        "sent": "отправлен",
        "delivered": "доставлен",
        "refused": "не принят",
        "canceled": "отменён",
    },
    "en": {},
}


def invoice(mail: MailMessage, _settings: Settings) -> Facts:
    document = session().get_one(
        Invoice,
        mail.context["invoice_id"],
        options=[undefer(Invoice.data), joinedload(Invoice.part).joinedload(SupplierOrder.supplier)],
    )
    order = _order(document.part.order_id)
    facts = {"invoice_number": document.number, "issued_on": document.issued_on, "number": number}
    values = _values(order, document.part) | facts
    pdf = Attachment(f"{document.number}.pdf", "application/pdf", render_invoice(document.document))
    return Facts(values, _headers(order, "confirmed"), (pdf,))


def order_placed(mail: MailMessage, _settings: Settings) -> Facts:
    order = _order(mail.context["order_id"])
    return Facts({"order": order, "address": order.delivery_point["address"], "money": money}, _headers(order, "new"))


def order_received(mail: MailMessage, _settings: Settings) -> Facts:
    part = _part(mail.context["supplier_order_id"])
    order = _order(part.order_id)
    return Facts(_values(order, part) | {"number": number}, _headers(order, "new"))


def part_moved(mail: MailMessage, _settings: Settings) -> Facts:
    part = _part(mail.context["supplier_order_id"])
    order, state = _order(part.order_id), mail.context["to_state"]
    state_name = STATE_NAMES[mail.locale].get(state, state)
    return Facts(_values(order, part) | {"state": state_name}, _headers(order, state))


def _order(order_id: int) -> Order:
    return session().get_one(
        Order,
        order_id,
        options=[
            joinedload(Order.company),
            selectinload(Order.parts).joinedload(SupplierOrder.supplier),
            selectinload(Order.parts).selectinload(SupplierOrder.lines),
        ],
    )


def _part(part_id: int) -> SupplierOrder:
    options = [joinedload(SupplierOrder.supplier), selectinload(SupplierOrder.lines)]
    return session().get_one(SupplierOrder, part_id, options=options)


def _values(order: Order, part: SupplierOrder) -> dict[str, Any]:
    return {
        "order": order,
        "part": part,
        "supplier": part.supplier.name,
        "address": order.delivery_point["address"],
        "money": money,
    }


def _headers(order: Order, event: str) -> dict[str, str]:
    return {"X-Order-Number": order.number, "X-Order-Event": event}
