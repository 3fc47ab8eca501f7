"""Cutting: fewer pieces of a line than agreed, or none, with the reason; sums and stock follow."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from shop.catalog.stock import lock_stock, release
from shop.errors import FieldError
from shop.http.fields import quantity_number
from shop.orders.models import OrderLine, SupplierOrder
from shop.orders.pricing import line_sums
from shop.orders.refusals import CutImpossible


@dataclass(frozen=True)
class Cut:
    """What the supplier can deliver of a line, 0 for nothing, and why."""

    quantity: Decimal
    reason: str


Cuts = Mapping[int, Cut]


def cut_lines(part: SupplierOrder, cuts: Cuts) -> str:
    """`cuts` by line id, of a locked part; what was cut, in words for the history.

    All of the part's stock is locked first: whoever ships the rest afterwards locks it, too, and in the same order.
    """
    _check(part, cuts)
    if not cuts:
        return ""
    lines = [line for line in part.lines if line.id in cuts]
    lock_stock(line.offer_id for line in part.lines)
    release({line.offer_id: line.quantity - cuts[line.id].quantity for line in lines})
    words = "; ".join(_cut(part, line, cuts[line.id]) for line in lines)
    _sum_up(part)
    return words


def _check(part: SupplierOrder, cuts: Cuts) -> None:
    lines = {line.id: line for line in part.lines}
    errors = []
    for number, (line_id, cut) in enumerate(cuts.items()):
        if problem := _problem(lines.get(line_id), cut):
            errors.append(FieldError("json", f"lines.{number}", problem))
    if not errors and not any(cuts[line.id].quantity if line.id in cuts else line.quantity for line in part.lines):
        errors.append(FieldError("json", "lines", "Nothing would be left; cancel the part instead."))
    if errors:
        raise CutImpossible(errors=errors)


def _problem(line: OrderLine | None, cut: Cut) -> str | None:
    if line is None:
        return "This line is not in this part."
    if not 0 <= cut.quantity < line.quantity:
        return f"{line.name}: {quantity_number(line.quantity)} were agreed; state fewer, or leave the line out."
    if not cut.reason:
        return f"{line.name}: say why, the buyer reads it."
    return None


def _cut(part: SupplierOrder, line: OrderLine, cut: Cut) -> str:
    was, line.quantity = line.quantity, cut.quantity
    line.cut_reason = "; ".join(filter(None, (line.cut_reason, cut.reason)))
    line.net, line.vat, line.total = line_sums(
        line.price, line.quantity, vat_rate=line.vat_rate, includes_vat=part.price_includes_vat
    )
    return f"{line.name}: {quantity_number(was)} → {quantity_number(line.quantity)} ({cut.reason})"


def _sum_up(part: SupplierOrder) -> None:
    """The delivery fee stays as agreed: less goods are not the buyer's doing."""
    part.subtotal = sum((line.total for line in part.lines), Decimal(0))
    part.vat_total = sum((line.vat for line in part.lines), part.delivery_vat)
    part.total = part.subtotal + part.delivery_fee
