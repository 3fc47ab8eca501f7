"""The tasks that tell people about orders."""

from flask import current_app
from sqlalchemy import select

from shop.auth.models import User
from shop.config import Settings
from shop.db import session
from shop.mail.queue import queue_mail
from shop.orders.events import OrderPlaced, PartConfirmed, PartMoved
from shop.orders.models import Order, SupplierOrder
from shop.outbox.handling import handles


@handles(PartConfirmed, name="orders.send_invoice")
def send_invoice(event: PartConfirmed, event_id: int) -> None:
    """Mails a confirmed part's invoice to the customer and to the administrator."""
    buyer = _buyer_of_part(event.supplier_order_id)
    for to, locale in ((buyer.email, buyer.locale), _administrator()):
        queue_mail("invoice", to=to, locale=locale, event_id=event_id, domain=_domain(), invoice_id=event.invoice_id)


@handles(OrderPlaced, name="orders.announce_order")
def announce_order(event: OrderPlaced, event_id: int) -> None:
    """Tells the buyer, the administrator and the suppliers concerned of a new order."""
    order = session().get_one(Order, event.order_id)
    buyer = session().get_one(User, order.user_id)
    for to, locale in ((buyer.email, buyer.locale), _administrator()):
        queue_mail("order_placed", to=to, locale=locale, event_id=event_id, domain=_domain(), order_id=order.id)
    for supplier, part_id in _suppliers_of(order.id):
        queue_mail(
            "order_received",
            to=supplier.email,
            locale=supplier.locale,
            event_id=event_id,
            domain=_domain(),
            supplier_order_id=part_id,
        )


@handles(PartMoved, name="orders.announce_move")
def announce_move(event: PartMoved, event_id: int) -> None:
    """Tells the buyer that a part of the order has moved on."""
    buyer = _buyer_of_part(event.supplier_order_id)
    queue_mail(
        "part_moved",
        to=buyer.email,
        locale=buyer.locale,
        event_id=event_id,
        domain=_domain(),
        supplier_order_id=event.supplier_order_id,
        to_state=event.to_state,
    )


def _buyer_of_part(part_id: int) -> User:
    statement = (
        select(User)
        .join(Order, Order.user_id == User.id)
        .join(SupplierOrder, SupplierOrder.order_id == Order.id)
        .where(SupplierOrder.id == part_id)
    )
    return session().scalars(statement).one()


def _suppliers_of(order_id: int) -> list[tuple[User, int]]:
    """Everybody who can log in at the suppliers of an order, with the id of their part."""
    statement = (
        select(User, SupplierOrder.id)
        .join(SupplierOrder, SupplierOrder.supplier_id == User.company_id)
        .where(
            SupplierOrder.order_id == order_id,
            User.email_confirmed_at.is_not(None),
            User.blocked_at.is_(None),
            User.closed_at.is_(None),
        )
        .order_by(User.id)
    )
    return [(user, part_id) for user, part_id in session().execute(statement)]


def _administrator() -> tuple[str, str]:
    return _settings().admin_email, "ru"


def _domain() -> str:
    return _settings().mail_domain


def _settings() -> Settings:
    settings: Settings = current_app.extensions["settings"]
    return settings
