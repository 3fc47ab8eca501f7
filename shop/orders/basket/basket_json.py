"""How baskets look to clients: plain values, ready for orjson; the schemas document them."""

from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Any

from shop.catalog.availability import Obstacle, obstacle_to_ordering
from shop.catalog.orderable_offers import Good
from shop.money import money_text, quantity_number
from shop.orders.basket.additions import LineResult
from shop.orders.basket.contents import InBasket
from shop.orders.errors import QuantityNotMultiple
from shop.orders.line_checks import check_quantity, unknown_vat_rate
from shop.orders.pricing import PricedLine, PricedPart, price_parts

AGREED = ("PriceChanged", "UnitChanged")  # of the rest agreeing does not help

Answer = dict[str, Any]


def basket_view(lines: Sequence[InBasket], results: Sequence[LineResult] = ()) -> Answer:
    """With today's prices; `results` says what became of the lines that somebody has just wanted to add."""
    parts = price_parts((line.offer, line.quantity) for line in lines)
    priced = {line.offer.id: line for part in parts for line in part.lines}
    return {
        "lines": [_line(line, priced[line.offer.id]) for line in lines],
        "suppliers": [_part(part) for part in parts],
        "total": money_text(sum((part.total for part in parts), Decimal(0))),
        "currency": "RUB",
        "is_changed": any(line.is_changed for line in lines),
        "results": [result_view(result) for result in results],
    }


def result_view(result: LineResult) -> Answer:
    wanted, refusal = result.wanted, result.refusal
    return {
        "status": "added" if refusal is None else "refused",
        "offer_id": result.offer.id if result.offer else wanted.offer_id,
        "sku": result.offer.sku if result.offer else wanted.sku,
        "quantity": quantity_number(wanted.quantity),
        "code": refusal.code if refusal else None,
        "message": refusal.detail if refusal else None,
        "facts": refusal.facts if refusal else {},
    }


def _line(line: InBasket, priced: PricedLine) -> Answer:
    offer = line.offer
    changes = list(_changes(line))
    return {
        "offer_id": offer.id,
        "supplier_id": offer.supplier_id,
        "name": offer.name,
        "sku": offer.sku,
        "unit": offer.unit,
        "quantity": quantity_number(line.quantity),
        "price": money_text(offer.price),
        "price_seen": money_text(line.price_seen),
        "is_changed": line.is_changed,
        "changes": changes,
        "is_orderable": all(change["code"] in AGREED for change in changes),
        "available": None if offer.available is None else quantity_number(offer.available),
        "vat_rate": offer.effective_vat_rate,
        "vat_is_default": offer.vat_is_default,
        "net": money_text(priced.net),
        "vat": money_text(priced.vat),
        "total": money_text(priced.total),
    }


def _changes(line: InBasket) -> Iterator[dict[str, str]]:
    """What is different now; prices and units are acknowledged, the rest must be mended before ordering."""
    offer = line.offer
    if line.price_seen != offer.price:
        was, now = money_text(line.price_seen), money_text(offer.price)
        yield {"code": "PriceChanged", "message": f"The price was {was} and is now {now}."}
    if line.unit_seen != offer.unit:
        yield {"code": "UnitChanged", "message": f"It was sold by {line.unit_seen} and is now by {offer.unit}."}
    if obstacle := obstacle_to_ordering(offer, line.quantity):
        yield {"code": obstacle.value, "message": _why(obstacle, offer)}
    yield from _other_refusals(line)


def _why(obstacle: Obstacle, offer: Good) -> str:
    match obstacle:
        case Obstacle.WITHDRAWN:
            return "It is not sold any more."
        case Obstacle.ON_HOLD:
            return "A change of its price or unit is being checked."
        case Obstacle.NO_ORDERS_TAKEN:
            return f"{offer.supplier.name} takes no orders at present."
        case Obstacle.OUT_OF_STOCK:
            left = offer.available
            return f"Only {quantity_number(left)} {offer.unit} are left." if left else "None are left."


def _other_refusals(line: InBasket) -> Iterator[dict[str, str]]:
    """What ordering would refuse, too: a step that has changed, pieces divided, a VAT rate that nobody states."""
    offer = line.offer
    try:
        check_quantity(offer, line.quantity)
    except QuantityNotMultiple as refusal:
        yield {"code": refusal.code, "message": refusal.detail}
    if offer.effective_vat_rate is None:
        unknown = unknown_vat_rate([(offer.id, offer.name)], delivery_by=[])
        yield {"code": unknown.code, "message": unknown.detail}


def _part(part: PricedPart) -> Answer:
    to_free = part.missing_to_free_delivery
    return {
        "supplier_id": part.supplier.id,
        "supplier": part.supplier.name,
        "subtotal": money_text(part.subtotal),
        "delivery_fee": money_text(part.delivery_fee),
        "missing_to_free_delivery": None if to_free is None else money_text(to_free),
        "missing_to_minimum": money_text(part.missing_to_minimum),
        "total": money_text(part.total),
    }
