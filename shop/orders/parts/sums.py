"""The sums of a part after something about its lines has changed; they follow its prices as it was ordered."""

from decimal import Decimal

from shop.orders.models import OrderLine, SupplierOrder
from shop.orders.pricing import line_sums


def price_again(part: SupplierOrder, line: OrderLine) -> None:
    line.net, line.vat, line.total = line_sums(
        line.price, line.quantity, vat_rate=line.vat_rate, includes_vat=part.price_includes_vat
    )


def sum_up(part: SupplierOrder) -> None:
    """The delivery fee stays as agreed: less goods are not the buyer's doing."""
    part.subtotal = sum((line.total for line in part.lines), Decimal(0))
    part.vat_total = sum((line.vat for line in part.lines), part.delivery_vat)
    part.total = part.subtotal + part.delivery_fee
