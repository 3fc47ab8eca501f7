"""Cutting: fewer pieces of a line than agreed, or none, with the reason; sums and stock follow."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from shop.catalog.stock import lock_stock, release
from shop.catalog.units import step_of, whole_pieces
from shop.errors import FieldError
from shop.money import quantity_number
from shop.orders.errors import CutImpossible
from shop.orders.models import OrderLine, SupplierOrder
from shop.orders.parts.sums import price_again, sum_up


@dataclass(frozen=True)
class Cut:
    """What the supplier can deliver of a line, 0 for nothing, and why."""

    quantity: Decimal
    reason: str


Cuts = Mapping[int, Cut]
Steps = Mapping[int, Decimal]


def cut_lines(part: SupplierOrder, cuts: Cuts, steps: Steps | None = None) -> str:
    """`cuts` by line id, of a locked part; what was cut, in words for the history.

    `steps`, by line id, bind what is agreed on, and none what has left the warehouse: of a dozen bottles ten are whole.
    All of the part's stock is locked first: whoever ships the rest afterwards locks it, too, and in the same order.
    """
    _check(part, cuts, steps or {})
    if not cuts:
        return ""
    lines = [line for line in part.lines if line.id in cuts]
    lock_stock(line.offer_id for line in part.lines)
    release({line.offer_id: line.quantity - cuts[line.id].quantity for line in lines})
    words = "; ".join(_cut(part, line, cuts[line.id]) for line in lines)
    sum_up(part)
    return words


def off_step(line: OrderLine, quantity: Decimal, step: Decimal | None) -> Decimal | None:
    """The nearest quantity below, where this one is no multiple of the step or divides a piece."""
    binding = step_of(step, line.unit) if step else None
    below = quantity - quantity % binding if binding else whole_pieces(quantity, line.unit)
    return None if below == quantity else below


def _check(part: SupplierOrder, cuts: Cuts, steps: Steps) -> None:
    lines = {line.id: line for line in part.lines}
    errors = []
    for number, (line_id, cut) in enumerate(cuts.items()):
        if problem := _problem(lines.get(line_id), cut, steps.get(line_id)):
            errors.append(FieldError("json", f"lines.{number}", problem))
    if not errors and not any(cuts[line.id].quantity if line.id in cuts else line.quantity for line in part.lines):
        errors.append(FieldError("json", "lines", "Nothing would be left; cancel the part instead."))
    if errors:
        raise CutImpossible(errors=errors)


def _problem(line: OrderLine | None, cut: Cut, step: Decimal | None) -> str | None:
    if line is None:
        return "This line is not in this part."
    if not 0 <= cut.quantity < line.quantity:
        return f"{line.name}: {quantity_number(line.quantity)} were agreed; state fewer, or leave the line out."
    if (below := off_step(line, cut.quantity, step)) is not None:
        binding = quantity_number(step_of(step or Decimal(1), line.unit))
        return f"{line.name}: this comes in steps of {binding} {line.unit}; nearest below: {quantity_number(below)}."
    if not cut.reason:
        return f"{line.name}: say why, the buyer reads it."
    return None


def _cut(part: SupplierOrder, line: OrderLine, cut: Cut) -> str:
    was, line.quantity = line.quantity, cut.quantity
    line.cut_reason = "; ".join(filter(None, (line.cut_reason, cut.reason)))
    price_again(part, line)
    return f"{line.name}: {quantity_number(was)} → {quantity_number(line.quantity)} ({cut.reason})"
