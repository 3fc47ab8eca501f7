"""Confirming a part, whole or cut: fewer pieces or a line refused, with the reason; sums, stock and invoice follow."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from shop.auth.models import User
from shop.catalog.stock import release
from shop.errors import FieldError
from shop.http.fields import quantity_number
from shop.orders.lifecycle import check_move, lock_order, move
from shop.orders.models import CONFIRMED, OrderLine, SupplierOrder
from shop.orders.pricing import line_sums
from shop.orders.refusals import CutImpossible


@dataclass(frozen=True)
class Cut:
    """What the supplier can deliver of a line, 0 for nothing, and why."""

    quantity: Decimal
    reason: str


Cuts = Mapping[int, Cut]


def confirm_part(part: SupplierOrder, *, by: User, cuts: Cuts | None = None, version: int | None = None) -> None:
    """Confirms the part; `cuts` by line id. To deliver nothing at all is to cancel, not to confirm."""
    lock_order(part.order, version)
    check_move(part, CONFIRMED, by)
    cuts = cuts or {}
    _check(part, cuts)
    released = {line.offer_id: line.quantity - cuts[line.id].quantity for line in part.lines if line.id in cuts}
    for line in part.lines:
        if line.id in cuts:
            _cut(part, line, cuts[line.id])
    if released:
        release(released)
        _sum_up(part)
    move(part.order, [part], to=CONFIRMED, by=by, reason=_in_words(part))


def _check(part: SupplierOrder, cuts: Cuts) -> None:
    lines = {line.id: line for line in part.lines}
    errors = []
    for line_id, cut in cuts.items():
        if problem := _problem(lines.get(line_id), cut):
            errors.append(FieldError("json", f"lines.{line_id}", problem))
    if not errors and all(line.id in cuts and not cuts[line.id].quantity for line in part.lines):
        errors.append(FieldError("json", "lines", "Nothing would be left; cancel the part instead."))
    if errors:
        raise CutImpossible(errors=errors)


def _problem(line: OrderLine | None, cut: Cut) -> str | None:
    if line is None:
        return "This line is not in this part."
    if not 0 <= cut.quantity < line.quantity:
        return f"{line.name}: {quantity_number(line.quantity)} were ordered; confirm fewer, or leave the line out."
    if not cut.reason:
        return f"{line.name}: say why, the buyer reads it."
    return None


def _cut(part: SupplierOrder, line: OrderLine, cut: Cut) -> None:
    line.quantity, line.cut_reason = cut.quantity, cut.reason
    line.net, line.vat, line.total = line_sums(
        line.price, line.quantity, vat_rate=line.vat_rate, includes_vat=part.price_includes_vat
    )


def _sum_up(part: SupplierOrder) -> None:
    """The delivery fee stays as agreed: less goods are not the buyer's doing."""
    part.subtotal = sum((line.total for line in part.lines), Decimal(0))
    part.vat_total = sum((line.vat for line in part.lines), part.delivery_vat)
    part.total = part.subtotal + part.delivery_fee


def _in_words(part: SupplierOrder) -> str:
    return "; ".join(
        f"{line.name}: {quantity_number(line.ordered_quantity)} → {quantity_number(line.quantity)} ({line.cut_reason})"
        for line in part.lines
        if line.is_cut
    )
