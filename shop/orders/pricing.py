"""What goods cost: line sums with their VAT, per supplier the delivery and the total."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from shop.catalog.orderable_offers import Good, Terms
from shop.money import line_sum, vat_inside, vat_on_top


@dataclass(frozen=True)
class PricedLine:
    """`net` + `vat` = `total`, whether the supplier's prices are with VAT or without."""

    offer: Good
    quantity: Decimal
    net: Decimal
    vat: Decimal
    total: Decimal


@dataclass(frozen=True)
class PricedPart:
    """One supplier's lines. `subtotal` is what the goods cost with VAT; the delivery fee contains its VAT."""

    supplier: Terms
    lines: Sequence[PricedLine]
    subtotal: Decimal
    delivery_fee: Decimal
    delivery_vat: Decimal

    @property
    def total(self) -> Decimal:
        return self.subtotal + self.delivery_fee

    @property
    def vat_total(self) -> Decimal:
        return sum((line.vat for line in self.lines), self.delivery_vat)

    @property
    def missing_to_minimum(self) -> Decimal:
        return max(self.supplier.minimum_order - self.subtotal, Decimal(0))

    @property
    def missing_to_free_delivery(self) -> Decimal | None:
        """None where delivery is never free, or costs nothing anyway."""
        if self.supplier.free_delivery_from is None or not self.supplier.delivery_fee:
            return None
        return max(self.supplier.free_delivery_from - self.subtotal, Decimal(0))


def price_line(offer: Good, quantity: Decimal) -> PricedLine:
    sums = line_sums(
        offer.price, quantity, vat_rate=offer.effective_vat_rate, includes_vat=offer.supplier.price_includes_vat
    )
    return PricedLine(offer, quantity, *sums)


def line_sums(
    price: Decimal, quantity: Decimal, *, vat_rate: str | None, includes_vat: bool
) -> tuple[Decimal, Decimal, Decimal]:
    """What a line costs without VAT, its VAT, and both together."""
    amount = line_sum(price, quantity)
    if includes_vat:
        vat = vat_inside(amount, vat_rate)
        return amount - vat, vat, amount
    vat = vat_on_top(amount, vat_rate)
    return amount, vat, amount + vat


def price_parts(lines: Iterable[tuple[Good, Decimal]]) -> list[PricedPart]:
    """The lines by supplier, in the order of the suppliers' ids."""
    by_supplier: dict[int, list[PricedLine]] = {}
    for offer, quantity in lines:
        by_supplier.setdefault(offer.supplier_id, []).append(price_line(offer, quantity))
    return [_price_part(by_supplier[supplier_id]) for supplier_id in sorted(by_supplier)]


def _price_part(lines: list[PricedLine]) -> PricedPart:
    supplier = lines[0].offer.supplier
    subtotal = sum((line.total for line in lines), Decimal(0))
    fee = _delivery_fee(supplier, subtotal)
    return PricedPart(supplier, lines, subtotal, fee, vat_inside(fee, supplier.default_vat_rate))


def _delivery_fee(supplier: Terms, subtotal: Decimal) -> Decimal:
    if supplier.free_delivery_from is not None and subtotal >= supplier.free_delivery_from:
        return Decimal(0)
    return supplier.delivery_fee
