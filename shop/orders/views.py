"""How baskets and orders look to clients: plain values, gathered in a constant number of statements."""

from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Any

from shop.auth.models import User
from shop.catalog.models import BOUND_KINDS
from shop.http.fields import quantity_number
from shop.money import money_text
from shop.orders.basket import LineResult, basket_lines
from shop.orders.models import BasketLine
from shop.orders.pricing import PricedPart, price_line, price_parts

BLOCKING = ("OfferWithdrawn", "OfferOnHold", "SupplierNotAccepting", "OutOfStock")  # agreeing does not help


def basket_view(user: User, results: Sequence[LineResult] = ()) -> dict[str, Any]:
    """With today's prices; `results` says what became of the lines that somebody has just wanted to add."""
    lines = basket_lines(user)
    parts = price_parts((line.offer, line.quantity) for line in lines)
    return {
        "lines": [_line(line) for line in lines],
        "suppliers": [_part(part) for part in parts],
        "total": sum((part.total for part in parts), Decimal(0)),
        "currency": "RUB",
        "is_changed": any(line.is_changed for line in lines),
        "results": [result_view(result) for result in results],
    }


def result_view(result: LineResult) -> dict[str, Any]:
    wanted, refusal = result.wanted, result.refusal
    return {
        "status": "added" if refusal is None else "refused",
        "offer_id": result.offer.id if result.offer else wanted.offer_id,
        "sku": result.offer.sku if result.offer else wanted.sku,
        "quantity": wanted.quantity,
        "code": refusal.code if refusal else None,
        "message": refusal.detail if refusal else None,
        "facts": refusal.facts if refusal else {},
    }


def _line(line: BasketLine) -> dict[str, Any]:
    offer, stock = line.offer, line.offer.stock
    changes = list(_changes(line))
    return {
        "offer_id": offer.id,
        "supplier_id": offer.supplier_id,
        "name": offer.name,
        "sku": offer.sku,
        "unit": offer.unit,
        "quantity": line.quantity,
        "price": offer.price,
        "price_seen": line.price_seen,
        "is_changed": line.is_changed,
        "changes": changes,
        "is_orderable": not any(change["code"] in BLOCKING for change in changes),
        "available": stock.available if stock.kind in BOUND_KINDS else None,
        "total": price_line(offer, line.quantity).total,
    }


def _changes(line: BasketLine) -> Iterator[dict[str, str]]:
    """What is different now; prices and units are acknowledged, the rest must be mended before ordering."""
    offer, stock = line.offer, line.offer.stock
    if line.price_seen != offer.price:
        was, now = money_text(line.price_seen), money_text(offer.price)
        yield {"code": "PriceChanged", "message": f"The price was {was} and is now {now}."}
    if line.unit_seen != offer.unit:
        yield {"code": "UnitChanged", "message": f"It was sold by {line.unit_seen} and is now by {offer.unit}."}
    if not offer.is_listed or not offer.supplier.is_active:
        yield {"code": "OfferWithdrawn", "message": "It is not sold any more."}
    elif offer.is_quarantined:
        yield {"code": "OfferOnHold", "message": "A change of its price or unit is being checked."}
    elif not offer.supplier.accepts_orders:
        yield {"code": "SupplierNotAccepting", "message": f"{offer.supplier.name} takes no orders at present."}
    elif stock.kind in BOUND_KINDS and stock.available < line.quantity:
        yield {"code": "OutOfStock", "message": f"Only {quantity_number(stock.available)} {offer.unit} are left."}


def _part(part: PricedPart) -> dict[str, Any]:
    return {
        "supplier_id": part.supplier.id,
        "supplier": part.supplier.name,
        "subtotal": part.subtotal,
        "delivery_fee": part.delivery_fee,
        "missing_to_free_delivery": part.missing_to_free_delivery,
        "missing_to_minimum": part.missing_to_minimum,
        "total": part.total,
    }
