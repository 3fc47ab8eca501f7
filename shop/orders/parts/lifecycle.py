"""How orders move: the table of states says where to, move() is the only way, and every move leaves its line of
history."""

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal

from shop.auth.tokens import Acting
from shop.catalog.stock import release, ship
from shop.database import now, session
from shop.orders.documents.invoices import annul_invoices, issue_invoices
from shop.orders.errors import MoveNotAllowed, MoveNotYours, NothingToCancel, NothingToFulfill, NothingToMove
from shop.orders.events import PartConfirmed, PartMoved
from shop.orders.line_checks import check_pieces
from shop.orders.models import Order, OrderEvent, SupplierOrder
from shop.orders.parts.default_rates import take_default_rates
from shop.orders.parts.row_locks import lock_order, lock_part
from shop.orders.states import CANCELED, CONFIRMED, NEW, PART_STATES, SENT, moves_from, state_of
from shop.outbox.events import publish

Quantities = Mapping[int, Decimal]


def fulfill_order(order_id: int, *, by: Acting, reason: str = "", version: int | None = None) -> None:
    """Confirms every part that is new; each gets its numbered invoice in this transaction."""
    order = lock_order(order_id, by=by, version=version)
    parts = [part for part in order.parts if part.state == NEW]
    if not parts:
        raise NothingToFulfill(state=order.state)
    move(order, parts, to=CONFIRMED, by=by, reason=reason)


def cancel_order(order_id: int, *, by: Acting, reason: str = "", version: int | None = None) -> None:
    """Cancels every part that still can be; what has been sent stays."""
    order = lock_order(order_id, by=by, version=version)
    parts = [part for part in order.parts if CANCELED in moves_of(part, by)]
    if not parts:
        raise NothingToCancel(state=order.state)
    move(order, parts, to=CANCELED, by=by, reason=reason)


def move_order(order_id: int, *, to: str, by: Acting, reason: str = "") -> None:
    """Moves every part that can go there now; the others stay where they are."""
    order = lock_order(order_id, by=by)
    parts = [part for part in order.parts if to in moves_of(part, by)]
    if not parts:
        raise NothingToMove(to=to, state=order.state)
    move(order, parts, to=to, by=by, reason=reason)


def move_part(part_id: int, *, to: str, by: Acting, reason: str = "", version: int | None = None) -> None:
    """One part, by whoever may."""
    part = lock_part(part_id, by=by, version=version)
    move(part.order, [part], to=to, by=by, reason=reason)


def moves_of(part: SupplierOrder, by: Acting) -> tuple[str, ...]:
    """The states to which this person could move the part now."""
    return moves_from(part.state, by.role)


def move(order: Order, parts: Sequence[SupplierOrder], *, to: str, by: Acting, reason: str = "") -> None:
    """Moves parts of a locked order, writes history, does what the move entails, and rolls up the order."""
    for part in parts:
        check_move(part, to, by)
    for part in parts:
        _note(part, to, by, reason)
    _ENTAILED.get(to, _announce)(order, parts, reason)
    roll_up(order)


def check_move(part: SupplierOrder, to: str, by: Acting) -> None:
    allowed, movers = moves_of(part, by), PART_STATES[part.state].to.get(to)
    if movers is None:
        raise MoveNotAllowed(state=part.state, to=to, allowed=", ".join(allowed) or "nothing")
    if to not in allowed:
        raise MoveNotYours(to=to, state=part.state, roles=", ".join(sorted(movers)))


def roll_up(order: Order) -> None:
    """State and sums of the order follow from its parts, those canceled left out; each change is a new version."""
    order.state = state_of([part.state for part in order.parts])
    standing = [part for part in order.parts if PART_STATES[part.state].rank is not None]
    order.subtotal = sum((part.subtotal for part in standing), Decimal(0))
    order.delivery_total = sum((part.delivery_fee for part in standing), Decimal(0))
    order.vat_total = sum((part.vat_total for part in standing), Decimal(0))
    order.total = sum((part.total for part in standing), Decimal(0))
    order.version += 1


def _note(part: SupplierOrder, to: str, by: Acting, reason: str) -> None:
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
    take_default_rates(parts)
    check_pieces(line for part in parts for line in part.lines)
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


def _quantities(parts: Sequence[SupplierOrder]) -> Quantities:
    """An offer stands once per part, so these never overlap. Lines cut to nothing hold nothing."""
    return {line.offer_id: line.quantity for part in parts for line in part.lines if line.quantity}


_ENTAILED: dict[str, Callable[[Order, Sequence[SupplierOrder], str], None]] = {
    CONFIRMED: _confirm,
    CANCELED: _cancel,
    SENT: _send,
}
