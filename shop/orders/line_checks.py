"""What every line of a basket or an order is refused for: its offer, a quantity that is not sold, no known VAT rate."""

from collections.abc import Iterable, Sequence
from decimal import Decimal

from shop.catalog.availability import Obstacle, obstacle_to_ordering
from shop.catalog.models import Offer
from shop.catalog.orderable_offers import Good
from shop.catalog.units import breaks_pieces, minimum_of, multiple_from, step_of
from shop.errors import Refusal
from shop.money import number_text, quantity_number
from shop.orders.errors import (
    OfferOnHold,
    OfferWithdrawn,
    PiecesNotWhole,
    QuantityNotMultiple,
    SupplierNotAccepting,
    VatRateUnknown,
)
from shop.orders.models import OrderLine


def check_obstacles(
    offers: Sequence[Good],
    obstacles: Sequence[Obstacle] = (Obstacle.WITHDRAWN, Obstacle.ON_HOLD, Obstacle.NO_ORDERS_TAKEN),
) -> None:
    """Refuses what cannot be ordered, all offers with the same obstacle together. Stock is for who reserves it: only
    under its lock anybody knows how much there is."""
    found = [(obstacle_to_ordering(offer), offer) for offer in offers]
    for obstacle in obstacles:
        if stopped := [offer for each, offer in found if each is obstacle]:
            raise _refusal(obstacle, stopped)


def check_quantity(offer: Good | Offer, quantity: Decimal) -> None:
    """Refuses what the offer's step and minimum do not allow, naming the nearest quantities that they do.

    The step of what is counted is whole, whatever is kept of it, so that no quantity divides a piece.
    """
    step, minimum = step_of(offer.quantity_step, offer.unit), minimum_of(offer.minimum_quantity, offer.unit)
    if quantity >= minimum and quantity % step == 0:
        return
    above = max(multiple_from(minimum, step), multiple_from(quantity, step))
    below = quantity - quantity % step
    nearest = [value for value in (below, above) if value >= minimum and value > 0]
    raise QuantityNotMultiple(
        offer_id=offer.id,
        name=offer.name,
        unit=offer.unit,
        step=quantity_number(step),
        minimum=quantity_number(minimum),
        quantity=quantity_number(quantity),
        below=quantity_number(below) if below >= minimum and below > 0 else None,
        above=quantity_number(above),
        nearest=" or ".join(map(number_text, nearest)),
    )


def unknown_vat_rate(goods: Sequence[tuple[int, str]], *, delivery_by: Sequence[str]) -> VatRateUnknown:
    """`goods` are ids and names of offers."""
    names = [name for _, name in goods] + [f"delivery by {name}" for name in delivery_by]
    lines = [{"offer_id": offer_id, "name": name} for offer_id, name in goods]
    return VatRateUnknown(names=", ".join(names), lines=lines, delivery_by=list(delivery_by))


def check_pieces(lines: Iterable[OrderLine]) -> None:
    """No document is about half a pair."""
    if broken := [line for line in lines if breaks_pieces(line.quantity, line.unit)]:
        named = [{"line_id": line.id, "name": line.name, "quantity": quantity_number(line.quantity)} for line in broken]
        names = ", ".join(f"{line.name} ({quantity_number(line.quantity)} {line.unit})" for line in broken)
        raise PiecesNotWhole(lines=named, names=names)


def _refusal(obstacle: Obstacle, offers: Sequence[Good]) -> Refusal:
    if obstacle is Obstacle.NO_ORDERS_TAKEN:
        suppliers = {offer.supplier_id: offer.supplier.name for offer in offers}
        return SupplierNotAccepting(names=", ".join(suppliers.values()), supplier_ids=list(suppliers))
    refusal = OfferWithdrawn if obstacle is Obstacle.WITHDRAWN else OfferOnHold
    return refusal(names=", ".join(offer.name for offer in offers), offer_ids=[offer.id for offer in offers])
