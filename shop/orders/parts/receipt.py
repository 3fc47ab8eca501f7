"""At the door: the buyer receives a part, whole or short, or refuses it."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from shop.auth.tokens import Acting
from shop.catalog.units import breaks_pieces
from shop.errors import FieldError
from shop.money import quantity_number
from shop.orders.errors import ReceiptImpossible
from shop.orders.models import OrderLine, SupplierOrder
from shop.orders.parts.lifecycle import check_move, move
from shop.orders.parts.row_locks import lock_part
from shop.orders.states import DELIVERED, REFUSED


@dataclass(frozen=True)
class Received:
    """What came of a line, and why it is not all."""

    quantity: Decimal
    reason: str


Receipt = Mapping[int, Received]


def receive_part(part_id: int, *, by: Acting, receipt: Receipt | None = None, version: int | None = None) -> None:
    """Lines not named were received as confirmed. Nothing at all received is a refusal."""
    part = lock_part(part_id, by=by, version=version)
    receipt = receipt or {}
    came = {line.id: receipt[line.id].quantity if line.id in receipt else line.quantity for line in part.lines}
    to = DELIVERED if any(came.values()) else REFUSED
    check_move(part, to, by)
    _check(part, receipt)
    for line in part.lines:
        line.received_quantity = came[line.id]
        line.received_reason = receipt[line.id].reason if line.id in receipt else None
    move(part.order, [part], to=to, by=by, reason=_shortages(part))


def _check(part: SupplierOrder, receipt: Receipt) -> None:
    lines = {line.id: line for line in part.lines}
    problems = [_problem(lines.get(line_id), received) for line_id, received in receipt.items()]
    errors = [FieldError("json", f"lines.{number}", problem) for number, problem in enumerate(problems) if problem]
    if errors:
        raise ReceiptImpossible(errors=errors)


def _problem(line: OrderLine | None, received: Received) -> str | None:
    if line is None:
        return "This line is not in this part."
    if not 0 <= received.quantity <= line.quantity:
        return f"{line.name}: between 0 and {quantity_number(line.quantity)} can be received."
    if received.quantity != line.quantity and breaks_pieces(received.quantity, line.unit):
        return f"{line.name}: {line.unit} are counted; state a whole number."
    if received.quantity < line.quantity and not received.reason:
        return f"{line.name}: say what was wrong with the rest."
    return None


def _shortages(part: SupplierOrder) -> str:
    return "; ".join(
        f"{line.name}: {quantity_number(line.received_quantity)} of {quantity_number(line.quantity)}"
        f" ({line.received_reason})"
        for line in part.lines
        if line.received_quantity is not None and line.received_quantity < line.quantity
    )
