"""Freezing: what a document remembers of a part, its lines and the companies, as plain values."""

from collections.abc import Mapping
from decimal import ROUND_HALF_UP, Decimal

from shop.auth.models import LegalEntity
from shop.orders.documents.document_data import Bank, Consignee, Delivery, InvoiceData, Line, Party, Totals, VatByRate
from shop.orders.models import Invoice, Order, OrderLine, SupplierOrder

Rates = Mapping[int, str]  # by position, as an invoice states them

NET_PRICE, THOUSANDTH = Decimal("0.0001"), Decimal("0.001")


def freeze(
    invoice: Invoice, order: Order, part: SupplierOrder, *, seller: LegalEntity, payer: Party, contract: str | None
) -> InvoiceData:
    """All that the paper of a first invoice shows; nothing of it is looked up again."""
    delivery = _delivery(part)
    planned = order.requested_delivery_on
    return {
        "kind": "invoice",
        "number": invoice.number,
        "issued_on": invoice.issued_on.isoformat(),
        "time_zone": seller.time_zone,
        "order_number": order.number,
        "client_reference": order.client_reference,
        "contract": contract,
        "shipment_on": planned.isoformat() if planned else None,
        "currency": order.currency,
        "seller": party_of(seller),
        "payer": payer,
        "consignee": _consignee(order),
        "lines": freeze_lines(part),
        "delivery": delivery,
        "totals": freeze_totals(part, delivery),
    }


def party_of(entity: LegalEntity) -> Party:
    return {
        "full_name": entity.full_name,
        "short_name": entity.short_name,
        "inn": entity.inn,
        "kpp": entity.kpp,
        "ogrn": entity.ogrn,
        "address": entity.legal_address,
        "bank": _bank(entity),
    }


def nameless_party(name: str) -> Party:
    """A company that has stated no legal entity is named, and that is all."""
    nothing: Party = {
        "full_name": name,
        "short_name": name,
        "inn": "",
        "kpp": None,
        "ogrn": None,
        "address": None,
        "bank": None,
    }
    return nothing


def freeze_lines(part: SupplierOrder, rates: Rates | None = None) -> list[Line]:
    """A line cut to nothing is no line of the document. `rates`: of the invoice that is corrected."""
    return [_line(line, _rate(line, rates)) for line in part.lines if line.quantity]


def freeze_totals(part: SupplierOrder, delivery: Delivery | None, rates: Rates | None = None) -> Totals:
    lines = [line for line in part.lines if line.quantity]
    units = {line.unit for line in lines}
    return {
        "quantity": _quantity(sum((line.quantity for line in lines), Decimal(0))) if len(units) == 1 else None,
        "net": str(part.total - part.vat_total),
        "vat": str(part.vat_total),
        "total": str(part.total),
        "vat_by_rate": _vat_by_rate([(_rate(line, rates), line.vat, line.total) for line in lines], delivery),
        "lines": len(lines),
    }


def _bank(entity: LegalEntity) -> Bank | None:
    if not entity.bank_account:
        return None
    return {
        "name": entity.bank_name,
        "bik": entity.bank_bik,
        "account": entity.bank_account,
        "correspondent_account": entity.correspondent_account,
    }


def _consignee(order: Order) -> Consignee:
    point = order.delivery_point
    return {"name": point["name"], "address": point["address"], "phone": point["phone"]}


def _rate(line: OrderLine, rates: Rates | None) -> str:
    """An unknown rate is not «без НДС». Only lines invoiced before each had one lack it: there it is the invoice's."""
    return (rates or {})[line.position] if line.vat_rate is None else line.vat_rate


def _line(line: OrderLine, rate: str) -> Line:
    return {
        "position": line.position,
        "sku": line.sku,
        "barcode": line.barcode,
        "name": line.name,
        "unit": line.unit,
        "okei": line.unit_code,
        "packs": _packs(line),
        "quantity": _quantity(line.quantity),
        "price": str(line.price),
        "net_price": str((line.net / line.quantity).quantize(NET_PRICE, rounding=ROUND_HALF_UP)),
        "net": str(line.net),
        "vat_rate": rate,
        "vat": str(line.vat),
        "total": str(line.total),
    }


def _quantity(value: Decimal) -> str:
    """As the database has it: what has just been cut must not look other than what was read."""
    return str(value.quantize(THOUSANDTH))


def _packs(line: OrderLine) -> str | None:
    if not line.units_per_pack or line.quantity % line.units_per_pack:
        return None
    return str(int(line.quantity / line.units_per_pack))


def _delivery(part: SupplierOrder) -> Delivery | None:
    if not part.delivery_fee:
        return None
    assert part.delivery_vat_rate
    return {
        "name": "Доставка",
        "net": str(part.delivery_fee - part.delivery_vat),
        "vat_rate": part.delivery_vat_rate,
        "vat": str(part.delivery_vat),
        "total": str(part.delivery_fee),
    }


def _vat_by_rate(amounts: list[tuple[str, Decimal, Decimal]], delivery: Delivery | None) -> list[VatByRate]:
    """`amounts` of the lines: rate, VAT, total."""
    if delivery:
        amounts.append((delivery["vat_rate"], Decimal(delivery["vat"]), Decimal(delivery["total"])))
    sums: dict[str, tuple[Decimal, Decimal]] = {}
    for rate, vat, total in amounts:
        before_vat, before_total = sums.get(rate, (Decimal(0), Decimal(0)))
        sums[rate] = before_vat + vat, before_total + total
    return [
        {"rate": rate, "net": str(total - vat), "vat": str(vat), "total": str(total)}
        for rate, (vat, total) in sums.items()
    ]
