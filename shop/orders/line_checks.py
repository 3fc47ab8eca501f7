"""What holds for every line of a basket or an order: its quantity is sold like that, and its VAT rate is known."""

from collections.abc import Iterable, Sequence
from decimal import Decimal

from shop.catalog.models import Offer
from shop.catalog.orderable_offers import Good
from shop.catalog.units import breaks_pieces, minimum_of, multiple_from, step_of
from shop.http.fields import quantity_number
from shop.orders.errors import PiecesNotWhole, QuantityNotMultiple, VatRateUnknown
from shop.orders.models import OrderLine


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
        nearest=" or ".join(str(quantity_number(value)) for value in nearest),
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
