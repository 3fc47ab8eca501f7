"""Confirming a part, whole or cut: the invoice is numbered at once and says what will be delivered."""

from shop.auth.tokens import Acting
from shop.orders.cutting import Cuts, cut_lines
from shop.orders.lifecycle import check_move, lock_order, move
from shop.orders.models import CONFIRMED, SupplierOrder


def confirm_part(part: SupplierOrder, *, by: Acting, cuts: Cuts | None = None, version: int | None = None) -> None:
    """Confirms the part; `cuts` by line id. To deliver nothing at all is to cancel, not to confirm."""
    lock_order(part.order, version)
    check_move(part, CONFIRMED, by)
    reason = cut_lines(part, cuts or {})
    move(part.order, [part], to=CONFIRMED, by=by, reason=reason)
