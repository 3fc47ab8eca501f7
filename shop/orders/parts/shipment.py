"""Sending a part off, as its invoice says or with less; then a numbered correction says what was shipped instead."""

from shop.auth.tokens import Acting
from shop.orders.documents.corrections import issue_correction
from shop.orders.events import PartCorrected
from shop.orders.parts.lifecycle import check_move, move
from shop.orders.parts.row_locks import lock_part
from shop.orders.parts.short_delivery import Cuts, cut_lines
from shop.orders.states import SENT
from shop.outbox.events import publish


def send_part(
    part_id: int, *, by: Acting, cuts: Cuts | None = None, reason: str = "", version: int | None = None
) -> None:
    """`cuts` by line id: what was left out, and why. What is left out is free again, the rest leaves the warehouse.

    The correction takes its number last of all: the counter is locked until we commit.
    """
    part = lock_part(part_id, by=by, version=version)
    check_move(part, SENT, by)
    words = cut_lines(part, cuts or {})
    move(part.order, [part], to=SENT, by=by, reason="; ".join(filter(None, (reason, words))))
    if cuts:
        correction = issue_correction(part)
        publish(PartCorrected(supplier_order_id=part.id, invoice_id=correction.id))
