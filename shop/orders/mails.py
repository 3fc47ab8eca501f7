"""What the mails about orders say; looked up when they are delivered."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from sqlalchemy import bindparam, select
from sqlalchemy.orm import joinedload, selectinload, undefer

from shop.auth.models import Company
from shop.config import Settings
from shop.database import session
from shop.mail.content import Attachment, Facts
from shop.mail.kinds import mail_kind
from shop.mail.models import MailMessage
from shop.money import localized, money_text, number_text
from shop.orders.documents.amounts_in_words import money, number
from shop.orders.documents.stored_pdf import paper_of
from shop.orders.models import INVOICE, Invoice, Order, OrderEvent, OrderLine, SupplierOrder
from shop.orders.states import CANCELED, DELIVERED, PART_STATES
from shop.translations import t_in

FIGURES: dict[str, dict[str, Callable[[str | Decimal], str]]] = {
    "ru": {"money": money, "number": number},
    "en": {
        "money": lambda amount: localized(money_text(Decimal(amount)), "en"),
        "number": lambda count: localized(number_text(Decimal(count)), "en"),
    },
}
PAPERS = (undefer(Invoice.data), undefer(Invoice.paper))
ORDER = (
    select(
        Order.number,
        Order.client_reference,
        Order.total,
        Order.comment,
        Order.delivery_point["address"].as_string().label("address"),
        Company.name.label("company"),
    )
    .join(Company, Company.id == Order.company_id)
    .where(Order.id == bindparam("order_id"))
)
LINES = (
    select(
        SupplierOrder.id.label("part_id"),
        SupplierOrder.total.label("part_total"),
        Company.name.label("supplier"),
        OrderLine.position,
        OrderLine.sku,
        OrderLine.name,
        OrderLine.quantity,
        OrderLine.unit,
        OrderLine.price,
        OrderLine.vat_rate,
        OrderLine.vat_is_default,
    )
    .join(SupplierOrder, SupplierOrder.id == OrderLine.supplier_order_id)
    .join(Company, Company.id == SupplierOrder.supplier_id)
    .where(SupplierOrder.order_id == bindparam("order_id"))
    .order_by(SupplierOrder.id, OrderLine.position)
)


@mail_kind("invoice")
def invoice(mail: MailMessage, _settings: Settings) -> Facts:
    return _document(mail, "confirmed")


@mail_kind("correction")
def correction(mail: MailMessage, _settings: Settings) -> Facts:
    return _document(mail, "corrected")


@mail_kind("order_placed")
def order_placed(mail: MailMessage, _settings: Settings) -> Facts:
    order = _as_placed(mail.context["order_id"])
    return _about_placed(mail, order)


@mail_kind("order_received")
def order_received(mail: MailMessage, _settings: Settings) -> Facts:
    part_id = mail.context["supplier_order_id"]
    part_of = select(SupplierOrder.order_id).where(SupplierOrder.id == part_id)
    order = _as_placed(session().scalars(part_of).one())
    return _about_placed(mail, order, part=order["parts"][part_id])


@mail_kind("part_moved")
def part_moved(mail: MailMessage, _settings: Settings) -> Facts:
    part = _part(mail.context["supplier_order_id"])
    order, state = _order(part.order_id), mail.context["to_state"]
    annulled = _annulled_invoice(part) if state == CANCELED else None
    facts = {
        "state": t_in(mail.locale, f"state|{state}"),
        "reason": _reason(part, state),
        "short": [line for line in part.lines if line.is_short] if state == DELIVERED else [],
        "annulled": annulled,
    }
    return Facts(_values(mail, order, part) | facts, _headers(order, state), (_pdf(annulled),) if annulled else ())


def _document(mail: MailMessage, event: str) -> Facts:
    part = joinedload(Invoice.part)
    with_part = (
        part.joinedload(SupplierOrder.supplier),
        part.joinedload(SupplierOrder.order),
        part.selectinload(SupplierOrder.lines),
    )
    document = session().get_one(Invoice, mail.context["invoice_id"], options=[*PAPERS, *with_part])
    order = document.part.order
    facts = {"document": document, "data": document.data}
    return Facts(_values(mail, order, document.part) | facts, _headers(order, event), (_pdf(document),))


def _pdf(document: Invoice) -> Attachment:
    return Attachment(f"{document.number}.pdf", "application/pdf", paper_of(document))


def _annulled_invoice(part: SupplierOrder) -> Invoice | None:
    statement = select(Invoice).filter_by(supplier_order_id=part.id, kind=INVOICE)
    statement = statement.options(*PAPERS)
    return session().scalars(statement.where(Invoice.annulled_at.is_not(None))).one_or_none()


def _reason(part: SupplierOrder, state: str) -> str:
    """Why it was canceled or refused, where somebody has said so."""
    if not PART_STATES[state].went_wrong:
        return ""
    move = select(OrderEvent.reason).filter_by(supplier_order_id=part.id, to_state=state)
    return session().scalar(move.order_by(OrderEvent.id.desc()).limit(1)) or ""


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


def _values(mail: MailMessage, order: Order, part: SupplierOrder) -> dict[str, Any]:
    return FIGURES[mail.locale] | {
        "order": order,
        "part": part,
        "supplier": part.supplier.name,
        "address": order.delivery_point["address"],
    }


def _as_placed(order_id: int) -> dict[str, Any]:
    """What the mails of every order need, in two statements: loading the objects would be most of a mail's cost."""
    given, connection = {"order_id": order_id}, session().connection()
    order = connection.execute(ORDER, given).mappings().one()
    parts: dict[int, dict[str, Any]] = {}
    for line in connection.execute(LINES, given).mappings():
        part = {"supplier": {"name": line["supplier"]}, "total": line["part_total"], "lines": []}
        parts.setdefault(line["part_id"], part)["lines"].append(line)
    return {**order, "company": {"name": order["company"]}, "parts": parts}


def _about_placed(mail: MailMessage, order: dict[str, Any], **others: Any) -> Facts:
    values = {"order": order | {"parts": order["parts"].values()}, "address": order["address"]}
    headers = {"X-Order-Number": order["number"], "X-Order-Event": "new"}
    return Facts(FIGURES[mail.locale] | values | others, headers)


def _headers(order: Order, event: str) -> dict[str, str]:
    return {"X-Order-Number": order.number, "X-Order-Event": event}
