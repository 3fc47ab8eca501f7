"""Confirming a part, whole or cut: the invoice is numbered at once and says what will be delivered."""

from sqlalchemy import select

from shop.auth.tokens import Acting
from shop.catalog.models import OfferRevision
from shop.database import session
from shop.orders.models import OrderLine, SupplierOrder
from shop.orders.parts.default_rates import take_default_rates
from shop.orders.parts.lifecycle import check_move, move
from shop.orders.parts.row_locks import lock_part
from shop.orders.parts.short_delivery import Cuts, Steps, cut_lines
from shop.orders.states import CONFIRMED


def confirm_part(part_id: int, *, by: Acting, cuts: Cuts | None = None, version: int | None = None) -> None:
    """Confirms the part; `cuts` by line id, in the steps by which it was ordered. To deliver nothing is to cancel."""
    part = lock_part(part_id, by=by, version=version)
    check_move(part, CONFIRMED, by)
    take_default_rates([part])  # before cutting: a refusal names the total of all that was ordered
    reason = cut_lines(part, cuts, steps_of(part)) if cuts else ""
    move(part.order, [part], to=CONFIRMED, by=by, reason=reason)


def steps_of(part: SupplierOrder) -> Steps:
    """By line id, as the offers were when they were ordered."""
    statement = (
        select(OrderLine.id, OfferRevision.quantity_step)
        .join(
            OfferRevision,
            (OfferRevision.offer_id == OrderLine.offer_id) & (OfferRevision.revision == OrderLine.revision),
        )
        .where(OrderLine.supplier_order_id == part.id)
    )
    return dict(session().execute(statement).all())
