"""The tasks that tell people about orders, and other systems."""

from collections.abc import Iterable
from typing import Any

from sqlalchemy import ColumnElement, select

from shop.auth.models import User
from shop.auth.row_locks import lock_company
from shop.config import current_settings
from shop.database import session
from shop.mail.queue import NewMail, queue_mails
from shop.orders.documents.stored_pdf import keep_paper
from shop.orders.events import OrderPlaced, PartConfirmed, PartCorrected, PartMoved
from shop.orders.models import INVOICE, Invoice, Order, OrderLine, SupplierOrder
from shop.orders.states import CANCELED, CONFIRMED, DELIVERED, PART_STATES
from shop.orders.webhook_payloads import (
    annulled_notices,
    corrected_notices,
    issued_notices,
    order_notices,
    part_notices,
)
from shop.outbox.handler import handles
from shop.webhooks.enqueue import announce

Address = tuple[str, str]  # e-mail and language


@handles(PartConfirmed, name="orders.send_invoice")
def send_invoice(event: PartConfirmed, event_id: int) -> None:
    """Makes a confirmed part's invoice and mails it to the customer and to the administrator."""
    keep_paper(event.invoice_id)
    people = _customer_and_administrator(event.supplier_order_id)
    _mail(_to(people, "invoice", invoice_id=event.invoice_id), event_id)


@handles(PartCorrected, name="orders.send_correction")
def send_correction(event: PartCorrected, event_id: int) -> None:
    """Mails what was shipped instead of what the invoice says, to those who have the invoice."""
    keep_paper(event.invoice_id)
    people = _customer_and_administrator(event.supplier_order_id)
    _mail(_to(people, "correction", invoice_id=event.invoice_id), event_id)


@handles(OrderPlaced, name="orders.announce_order")
def announce_order(event: OrderPlaced, event_id: int) -> None:
    """Tells the buyer, the administrator and the suppliers concerned of a new order."""
    order_id = event.order_id
    mails = _to([*_customer(Order.id == order_id), _administrator()], "order_placed", order_id=order_id)
    for supplier, part_id in _suppliers(SupplierOrder.order_id == order_id):
        mails += _to([supplier], "order_received", supplier_order_id=part_id)
    _mail(mails, event_id)


@handles(PartMoved, name="orders.announce_move")
def announce_move(event: PartMoved, event_id: int) -> None:
    """Tells the buyer that a part of the order has moved on; what goes wrong also the supplier's people.

    The administrator hears of what changes a document that he has: a part that was not taken, or its invoice annulled.
    """
    part_id, to_state = event.supplier_order_id, event.to_state
    went_wrong = PART_STATES[to_state].went_wrong or (to_state == DELIVERED and _came_short(part_id))
    people = _customer_of_part(part_id)
    if went_wrong:
        people += [person for person, _ in _suppliers(SupplierOrder.id == part_id)]
    if went_wrong and (invoice_id := _invoice_of(part_id)):
        people.append(_administrator())
        if to_state == CANCELED:
            keep_paper(invoice_id)  # with the stamp
    _mail(_to(people, "part_moved", supplier_order_id=part_id, to_state=to_state), event_id)


@handles(OrderPlaced, name="orders.notify_placed")
def notify_placed(event: OrderPlaced, event_id: int) -> None:
    """Tells the webhooks of the buyer and of the suppliers of a new order."""
    announce(order_notices(event.order_id), event_id=event_id)


@handles(PartConfirmed, name="orders.notify_confirmed")
def notify_confirmed(event: PartConfirmed, event_id: int) -> None:
    """Tells the webhooks of the buyer and of the supplier of a confirmed part and its invoice."""
    confirmed = part_notices(event.supplier_order_id, CONFIRMED)
    announce([*confirmed, *issued_notices(event.invoice_id)], event_id=event_id)


@handles(PartCorrected, name="orders.notify_corrected")
def notify_corrected(event: PartCorrected, event_id: int) -> None:
    """Tells the webhooks of the buyer and of the supplier of a correction of a part's invoice."""
    announce(corrected_notices(event.invoice_id), event_id=event_id)


@handles(PartMoved, name="orders.notify_moved")
def notify_moved(event: PartMoved, event_id: int) -> None:
    """Tells the webhooks of the buyer and of the supplier that a part has moved on."""
    annulled = annulled_notices(event.supplier_order_id) if event.to_state == CANCELED else []
    announce([*part_notices(event.supplier_order_id, event.to_state), *annulled], event_id=event_id)


def _mail(mails: list[NewMail], event_id: int) -> None:
    queue_mails(mails, event_id=event_id, domain=current_settings().mail_domain)


def _to(people: Iterable[Address], kind: str, **context: Any) -> list[NewMail]:
    return [NewMail(kind, email, locale, context) for email, locale in people]


def _customer_and_administrator(part_id: int) -> list[Address]:
    return [*_customer_of_part(part_id), _administrator()]


def _customer_of_part(part_id: int) -> list[Address]:
    return _customer(Order.id == select(SupplierOrder.order_id).where(SupplierOrder.id == part_id).scalar_subquery())


def _customer(whose: ColumnElement[bool]) -> list[Address]:
    """Who ordered; the company's owner where that account was closed; nobody where there is none any more.

    Also who may not log in: the goods are on their way, and their papers belong to who has ordered them.
    """
    # FOR SHARE: either the account is closed first and gets nothing, or closing it finds the mail.
    ordering = select(User.email, User.locale, User.closed_at, Order.company_id).join(Order, Order.user_id == User.id)
    buyer = session().execute(ordering.where(whose).with_for_update(read=True, of=User)).one()
    if buyer.closed_at is None:
        return [(buyer.email, buyer.locale)]
    lock_company(buyer.company_id)  # nobody hands it over or closes it meanwhile
    owner = select(User.email, User.locale).where(User.company_id == buyer.company_id, User.is_owner)
    return [(email, locale) for email, locale in session().execute(owner)]


def _suppliers(whose: ColumnElement[bool]) -> list[tuple[Address, int]]:
    """Everybody who can log in at the suppliers of these parts, with the id of their part."""
    statement = (
        select(User.email, User.locale, SupplierOrder.id)
        .join(SupplierOrder, SupplierOrder.supplier_id == User.company_id)
        .where(whose, User.may_log_in)
        .order_by(User.id)
        .with_for_update(read=True, of=User)  # as above
    )
    return [((email, locale), part_id) for email, locale, part_id in session().execute(statement)]


def _came_short(part_id: int) -> bool:
    short = select(OrderLine.id).where(
        OrderLine.supplier_order_id == part_id, OrderLine.received_quantity < OrderLine.quantity
    )
    return session().scalar(select(short.exists())) or False


def _invoice_of(part_id: int) -> int | None:
    return session().scalar(select(Invoice.id).filter_by(supplier_order_id=part_id, kind=INVOICE))


def _administrator() -> Address:
    return current_settings().admin_email, "ru"
