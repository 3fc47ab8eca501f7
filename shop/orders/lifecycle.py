"""How orders move: TRANSITIONS are data, move() is the only way, and every move leaves its line of history."""

from collections.abc import Callable, Sequence
from decimal import Decimal

from sqlalchemy import select
from sqlalchemy.orm import joinedload, selectinload

from shop.auth.models import BUYER, User
from shop.catalog.stock import release, ship
from shop.db import now, session
from shop.orders.documents.issuing import annul_invoices, issue_invoices
from shop.orders.events import PartConfirmed, PartMoved
from shop.orders.models import (
    ASSEMBLED,
    CANCELED,
    CONFIRMED,
    DELIVERED,
    NEW,
    REFUSED,
    SENT,
    Order,
    OrderEvent,
    SupplierOrder,
)
from shop.orders.refusals import MoveNotAllowed, NothingToCancel, NothingToFulfill
from shop.outbox.events import publish

TRANSITIONS: dict[str, tuple[str, ...]] = {
    NEW: (CONFIRMED, CANCELED),
    CONFIRMED: (ASSEMBLED, SENT, CANCELED),
    ASSEMBLED: (SENT, CANCELED),
    SENT: (DELIVERED, REFUSED),
    DELIVERED: (),
    REFUSED: (),
    CANCELED: (),
}

# From the least to the most advanced: an order is as far as the least advanced of its parts.
ADVANCEMENT = (NEW, CONFIRMED, ASSEMBLED, SENT, REFUSED, DELIVERED)

BUYER_CANCELS_FROM = (NEW, CONFIRMED)


def fulfill_order(order: Order, *, by: User) -> None:
    """Confirms every part that is new; each gets its numbered invoice in this transaction."""
    lock_order(order)
    parts = [part for part in order.parts if part.state == NEW]
    if not parts:
        raise NothingToFulfill(state=order.state)
    move(order, parts, to=CONFIRMED, by=by)


def cancel_order(order: Order, *, by: User, reason: str = "") -> None:
    """Cancels every part that still can be; what has been sent stays."""
    lock_order(order)
    parts = [part for part in order.parts if can_cancel(part, by)]
    if not parts:
        raise NothingToCancel(state=order.state)
    move(order, parts, to=CANCELED, by=by, reason=reason)


def can_cancel(part: SupplierOrder, by: User) -> bool:
    return CANCELED in TRANSITIONS[part.state] and (by.role != BUYER or part.state in BUYER_CANCELS_FROM)


def lock_order(order: Order) -> None:
    """The order, then its parts, read again: whoever moves something of an order waits here for whoever did first."""
    locked_order = select(Order).where(Order.id == order.id).with_for_update()
    locked_parts = (
        select(SupplierOrder)
        .where(SupplierOrder.order_id == order.id)
        .order_by(SupplierOrder.id)
        .with_for_update(of=SupplierOrder)
        .options(joinedload(SupplierOrder.supplier, innerjoin=True), selectinload(SupplierOrder.lines))
    )
    for statement in (locked_order, locked_parts):
        session().scalars(statement.execution_options(populate_existing=True)).all()


def move(order: Order, parts: Sequence[SupplierOrder], *, to: str, by: User, reason: str = "") -> None:
    """Moves parts of a locked order, writes history, does what the move entails, and rolls up the order's state."""
    for part in parts:
        if to not in TRANSITIONS[part.state]:
            allowed = TRANSITIONS[part.state]
            raise MoveNotAllowed(state=part.state, to=to, allowed=", ".join(allowed) or "nothing")
    for part in parts:
        _note(part, to, by, reason)
    _ENTAILED.get(to, _announce)(order, parts, reason)
    order.state = roll_up([part.state for part in order.parts])
    order.version += 1


def roll_up(states: Sequence[str]) -> str:
    """The order's state: the least advanced among parts not canceled; canceled when all are."""
    standing = [state for state in states if state != CANCELED]
    return min(standing, key=ADVANCEMENT.index, default=CANCELED)


def _note(part: SupplierOrder, to: str, by: User, reason: str) -> None:
    session().add(
        OrderEvent(
            order_id=part.order_id,
            supplier_order_id=part.id,
            user_id=by.id,
            from_state=part.state,
            to_state=to,
            reason=reason,
        )
    )
    part.state = to


def _confirm(order: Order, parts: Sequence[SupplierOrder], _reason: str) -> None:
    """Numbers are given last of all: the counter is locked until we commit."""
    for invoice in issue_invoices(order, parts):
        publish(PartConfirmed(supplier_order_id=invoice.supplier_order_id, invoice_id=invoice.id))


def _cancel(order: Order, parts: Sequence[SupplierOrder], reason: str) -> None:
    release(_quantities(parts))
    annul_invoices(parts, at=now(), reason=reason)
    _announce(order, parts, reason)


def _send(order: Order, parts: Sequence[SupplierOrder], reason: str) -> None:
    ship(_quantities(parts))
    _announce(order, parts, reason)


def _announce(_order: Order, parts: Sequence[SupplierOrder], _reason: str) -> None:
    for part in parts:
        publish(PartMoved(supplier_order_id=part.id, to_state=part.state))


def _quantities(parts: Sequence[SupplierOrder]) -> dict[int, Decimal]:
    """An offer stands once per part, so these never overlap."""
    return {line.offer_id: line.quantity for part in parts for line in part.lines}


_ENTAILED: dict[str, Callable[[Order, Sequence[SupplierOrder], str], None]] = {
    CONFIRMED: _confirm,
    CANCELED: _cancel,
    SENT: _send,
}
