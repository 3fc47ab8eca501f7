"""The seller's own VAT rate for parts that were placed when a line could be without one, inside the total agreed to."""

from collections.abc import Sequence
from decimal import Decimal

from shop.catalog.vat_rates import default_vat_rates
from shop.money import money_text, vat_inside, vat_on_top
from shop.orders.errors import TotalNotAgreed
from shop.orders.line_checks import unknown_vat_rate
from shop.orders.models import Order, SupplierOrder
from shop.orders.parts.sums import price_again, sum_up
from shop.orders.states import NEW


def take_default_rates(parts: Sequence[SupplierOrder]) -> None:
    """Of locked parts about to be confirmed. Prices with VAT hold it already; where it would come on top, the buyer has
    to agree first (agreement.py): a total that was acknowledged never moves by itself."""
    for part, placed in add_default_rates(parts):
        if part.total != placed:
            raise TotalNotAgreed(
                supplier_order_id=part.id,
                supplier=part.supplier.name,
                placed=money_text(placed),
                total=money_text(part.total),
            )


def totals_to_agree(order: Order) -> dict[int, Decimal]:
    """By part, of those whose total would move; nothing is changed."""
    lacking = [
        part for part in order.parts if part.state == NEW and not part.price_includes_vat and part.lacks_vat_rate
    ]
    defaults = default_vat_rates(part.supplier_id for part in lacking) if lacking else {}
    found = {}
    for part in lacking:
        rate = defaults.get(part.supplier_id)
        if added := sum(vat_on_top(line.net, rate) for line in part.lines if line.vat_rate is None):
            found[part.id] = part.total + added
    return found


def add_default_rates(parts: Sequence[SupplierOrder]) -> list[tuple[SupplierOrder, Decimal]]:
    """The parts that lacked a rate, priced with the seller's, each with the total that it had."""
    lacking = [(part, part.total) for part in parts if part.lacks_vat_rate]
    defaults = default_vat_rates(part.supplier_id for part, _ in lacking) if lacking else {}
    for part, _ in lacking:
        _add(part, defaults.get(part.supplier_id))
    return lacking


def _add(part: SupplierOrder, rate: str | None) -> None:
    lines = [line for line in part.lines if line.vat_rate is None]
    if rate is None:
        named = [(line.offer_id, line.name) for line in lines]
        raise unknown_vat_rate(named, delivery_by=[] if part.delivery_vat_rate else [part.supplier.name])
    for line in lines:
        line.vat_rate, line.vat_is_default = rate, True
        price_again(part, line)
    if part.delivery_vat_rate is None:
        part.delivery_vat_rate = rate
        part.delivery_vat = vat_inside(part.delivery_fee, rate)
    sum_up(part)
