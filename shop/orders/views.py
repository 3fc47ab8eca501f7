"""How baskets and orders look to clients: plain values, gathered in a constant number of statements."""

from decimal import Decimal
from typing import Any

from shop.auth.models import User
from shop.catalog.models import BOUND_KINDS
from shop.orders.basket import basket_lines
from shop.orders.models import BasketLine, Order
from shop.orders.pricing import PricedPart, price_line, price_parts
from shop.orders.queries import history_of, invoices_of


def basket_view(user: User) -> dict[str, Any]:
    lines = basket_lines(user)
    parts = price_parts((line.offer, line.quantity) for line in lines)
    return {
        "lines": [_line(line) for line in lines],
        "suppliers": [_part(part) for part in parts],
        "total": sum((part.total for part in parts), Decimal(0)),
        "currency": "RUB",
        "is_changed": any(line.is_changed for line in lines),
    }


def order_view(order: Order) -> dict[str, Any]:
    plain = ("id", "number", "state", "comment", "client_reference", "currency", "created_at", "delivery_point")
    sums = ("subtotal", "delivery_total", "vat_total", "total")
    return {field: getattr(order, field) for field in (*plain, *sums)} | {
        "parts": order.parts,
        "history": history_of(order),
        "invoices": invoices_of(order),
    }


def _line(line: BasketLine) -> dict[str, Any]:
    offer, stock = line.offer, line.offer.stock
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
        "is_orderable": offer.is_listed and offer.supplier.is_active and offer.supplier.accepts_orders,
        "available": stock.available if stock.kind in BOUND_KINDS else None,
        "total": price_line(offer, line.quantity).total,
    }


def _part(part: PricedPart) -> dict[str, Any]:
    return {
        "supplier_id": part.supplier.id,
        "supplier": part.supplier.name,
        "subtotal": part.subtotal,
        "delivery_fee": part.delivery_fee,
        "missing_to_minimum": part.missing_to_minimum,
        "total": part.total,
    }
