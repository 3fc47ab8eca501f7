"""Placing an order: all of it or nothing, in a constant number of statements whatever the number of lines."""

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal

from shop.auth.tokens import Acting
from shop.catalog.orderable_offers import Good, lock_goods
from shop.catalog.stock import reserve
from shop.companies.models import Contact
from shop.database import now
from shop.money import money_text
from shop.orders.basket.contents import take_basket
from shop.orders.errors import (
    AmountTooLarge,
    BasketChanged,
    BasketEmpty,
    BelowMinimumOrder,
    DeliveryDayPassed,
    OfferUnknown,
)
from shop.orders.events import OrderPlaced
from shop.orders.line_checks import check_obstacles, check_quantity, unknown_vat_rate
from shop.orders.placing.order_insert import Wishes, write_order
from shop.orders.pricing import PricedPart, price_parts
from shop.outbox.events import publish

LARGEST_SUM = Decimal("999999999999.99")

Lines = Mapping[int, Decimal]  # quantities by offer id
Goods = Mapping[int, Good]
Agreed = Mapping[int, tuple[Decimal, str]]  # price and unit that the buyer saw, by offer id


def place_order(
    by: Acting,
    *,
    contact: Contact,
    comment: str = "",
    client_reference: str | None = None,
    requested_delivery_on: date | None = None,
    lines: Lines | None = None,
) -> int:
    """Orders `lines` (quantities by offer id), or the buyer's basket, which it empties; the id of the order.

    Prices and listings are read again under a share lock, so that a price list applied meanwhile cannot slip
    another price in; what was agreed to in the basket must still be true.
    """
    if requested_delivery_on is not None and requested_delivery_on < now().date():
        raise DeliveryDayPassed(day=requested_delivery_on.isoformat())
    wanted, offers, agreed = _of_basket(by) if lines is None else (lines, lock_goods(lines), {})
    if not wanted:
        raise BasketEmpty
    _check_lines(wanted, offers, agreed)
    parts = price_parts((offers[offer_id], wanted[offer_id]) for offer_id in wanted)
    _check_sums(parts)
    reserve(wanted)
    wishes = Wishes(comment=comment, client_reference=client_reference, requested_delivery_on=requested_delivery_on)
    order_id = write_order(by, contact, parts, wishes)
    publish(OrderPlaced(order_id=order_id))
    return order_id


def _of_basket(by: Acting) -> tuple[Lines, Goods, Agreed]:
    """What it holds, what that is now, and what was agreed to; it is empty from now on, unless we refuse."""
    taken = take_basket(by)
    return (
        {line.offer.id: line.quantity for line in taken},
        {line.offer.id: line.offer for line in taken},
        {line.offer.id: (line.price_seen, line.unit_seen) for line in taken},
    )


def _check_lines(wanted: Lines, offers: Goods, agreed: Agreed) -> None:
    for offer_id in wanted:
        if offer_id not in offers or not (offers[offer_id].supplier.is_active or offer_id in agreed):
            raise OfferUnknown(offer_id=offer_id)
    ordered = [offers[offer_id] for offer_id in wanted]
    check_obstacles(ordered)
    if changed := [offer for offer in ordered if _is_other(offer, agreed)]:
        raise BasketChanged(lines=[_change(offer, *agreed[offer.id]) for offer in changed])
    for offer in ordered:
        check_quantity(offer, wanted[offer.id])


def _is_other(offer: Good, agreed: Agreed) -> bool:
    return offer.id in agreed and agreed[offer.id] != (offer.price, offer.unit)


def _change(offer: Good, price_seen: Decimal, unit_seen: str) -> dict[str, object]:
    return {
        "offer_id": offer.id,
        "name": offer.name,
        "price_seen": money_text(price_seen),
        "price": money_text(offer.price),
        "unit_seen": unit_seen,
        "unit": offer.unit,
    }


def _check_sums(parts: Sequence[PricedPart]) -> None:
    rateless = [line.offer for part in parts for line in part.lines if line.offer.effective_vat_rate is None]
    delivery_by = [part.supplier.name for part in parts if part.delivery_fee and not part.supplier.default_vat_rate]
    if rateless or delivery_by:
        raise unknown_vat_rate([(offer.id, offer.name) for offer in rateless], delivery_by=delivery_by)
    for part in parts:
        if part.missing_to_minimum:
            raise BelowMinimumOrder(
                supplier=part.supplier.name,
                minimum=money_text(part.supplier.minimum_order),
                subtotal=money_text(part.subtotal),
                missing=money_text(part.missing_to_minimum),
            )
    if sum(part.total for part in parts) > LARGEST_SUM:
        raise AmountTooLarge
