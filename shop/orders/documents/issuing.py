"""Issuing invoices: the number from a locked counter, the data frozen, both in the confirming transaction."""

from collections.abc import Sequence
from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal
from zoneinfo import ZoneInfo

from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert

from shop.auth.models import LegalEntity
from shop.db import now, session
from shop.money import NO_VAT
from shop.orders.documents.data import Bank, Delivery, InvoiceData, Line, Party, Totals, VatByRate
from shop.orders.models import INVOICE, Invoice, InvoiceCounter, Order, OrderLine, SupplierOrder
from shop.orders.refusals import SellerIncomplete

NET_PRICE = Decimal("0.0001")


def issue_invoices(order: Order, parts: Sequence[SupplierOrder]) -> list[Invoice]:
    """One invoice per part. Counters are taken in the order of the sellers' ids, so that two orders never deadlock."""
    entities = _legal_entities([order.company_id, *(part.supplier_id for part in parts)])
    payer = _payer(order, entities.get(order.company_id))
    sellers = [(_seller(part, entities.get(part.supplier_id)), part) for part in parts]
    return [_issue(order, part, seller, payer) for seller, part in sorted(sellers, key=lambda pair: pair[0].id)]


def annul_invoices(parts: Sequence[SupplierOrder], *, at: datetime, reason: str) -> None:
    """The documents of parts canceled before shipping; their numbers are never given again."""
    part_ids = [part.id for part in parts]
    session().execute(
        update(Invoice)
        .where(Invoice.supplier_order_id.in_(part_ids), Invoice.annulled_at.is_(None))
        .values(annulled_at=at, annulled_reason=reason)
    )


def _issue(order: Order, part: SupplierOrder, seller: LegalEntity, payer: Party) -> Invoice:
    issued_on = now().astimezone(ZoneInfo(seller.time_zone)).date()
    sequence = _next_number(seller, issued_on.year)
    number = f"{seller.document_prefix}-{issued_on:%y}-{sequence:06d}"
    data: InvoiceData = {
        "kind": "invoice",
        "number": number,
        "issued_on": issued_on.isoformat(),
        "time_zone": seller.time_zone,
        "order_number": order.number,
        "client_reference": order.client_reference,
        "contract": None,
        "shipment_on": None,
        "currency": order.currency,
        "seller": _party(seller),
        "payer": payer,
        "consignee": {key: order.delivery_point[key] for key in ("name", "address", "phone")},  # type: ignore[typeddict-item]
        "lines": [_line(line) for line in _delivered(part)],
        "delivery": _delivery(part, seller),
        "totals": _totals(part, seller),
    }
    invoice = Invoice(
        number=number,
        supplier_order_id=part.id,
        legal_entity_id=seller.id,
        year=issued_on.year,
        sequence=sequence,
        issued_on=issued_on,
        total=part.total,
        data=data,
    )
    session().add(invoice)
    session().flush()
    return invoice


def _next_number(seller: LegalEntity, year: int) -> int:
    """Holds the counter's row until we commit: no number is given twice, and one rolled back is given again."""
    statement = insert(InvoiceCounter).values(legal_entity_id=seller.id, kind=INVOICE, year=year, last_number=1)
    statement = statement.on_conflict_do_update(
        index_elements=["legal_entity_id", "kind", "year"], set_={"last_number": InvoiceCounter.last_number + 1}
    )
    return session().execute(statement.returning(InvoiceCounter.last_number)).scalar_one()


def _legal_entities(company_ids: Sequence[int]) -> dict[int, LegalEntity]:
    """The first legal entity of each company that has any."""
    statement = select(LegalEntity).where(LegalEntity.company_id.in_(company_ids)).order_by(LegalEntity.id.desc())
    return {entity.company_id: entity for entity in session().scalars(statement)}


def _seller(part: SupplierOrder, entity: LegalEntity | None) -> LegalEntity:
    if entity is None or not entity.document_prefix:
        raise SellerIncomplete(supplier=part.supplier.name, supplier_id=part.supplier_id)
    return entity


def _payer(order: Order, entity: LegalEntity | None) -> Party:
    """The buyer's legal entity; one who has not stated any is named by the company's name alone."""
    if entity is not None:
        return _party(entity)
    name = order.company.name
    return {
        "full_name": name,
        "short_name": name,
        "inn": "",
        "kpp": None,
        "ogrn": None,
        "address": None,
        "bank": None,
    }


def _party(entity: LegalEntity) -> Party:
    return {
        "full_name": entity.full_name,
        "short_name": entity.short_name,
        "inn": entity.inn,
        "kpp": entity.kpp,
        "ogrn": entity.ogrn,
        "address": entity.legal_address,
        "bank": _bank(entity),
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


def _delivered(part: SupplierOrder) -> list[OrderLine]:
    """A line cut to nothing is no line of the document."""
    return [line for line in part.lines if line.quantity]


def _line(line: OrderLine) -> Line:
    return {
        "position": line.position,
        "sku": line.sku,
        "barcode": line.barcode,
        "name": line.name,
        "unit": line.unit,
        "okei": line.unit_code,
        "packs": _packs(line),
        "quantity": str(line.quantity),
        "price": str(line.price),
        "net_price": str((line.net / line.quantity).quantize(NET_PRICE, rounding=ROUND_HALF_UP)),
        "net": str(line.net),
        "vat_rate": line.vat_rate or NO_VAT,
        "vat": str(line.vat),
        "total": str(line.total),
    }


def _packs(line: OrderLine) -> str | None:
    if not line.units_per_pack or line.quantity % line.units_per_pack:
        return None
    return str(int(line.quantity / line.units_per_pack))


def _delivery(part: SupplierOrder, seller: LegalEntity) -> Delivery | None:
    if not part.delivery_fee:
        return None
    return {
        "name": "Доставка",
        "net": str(part.delivery_fee - part.delivery_vat),
        "vat_rate": seller.default_vat_rate or NO_VAT,
        "vat": str(part.delivery_vat),
        "total": str(part.delivery_fee),
    }


def _totals(part: SupplierOrder, seller: LegalEntity) -> Totals:
    lines = _delivered(part)
    units = {line.unit for line in lines}
    return {
        "quantity": str(sum(line.quantity for line in lines)) if len(units) == 1 else None,
        "net": str(part.total - part.vat_total),
        "vat": str(part.vat_total),
        "total": str(part.total),
        "vat_by_rate": _vat_by_rate(part, seller),
        "lines": len(lines),
    }


def _vat_by_rate(part: SupplierOrder, seller: LegalEntity) -> list[VatByRate]:
    amounts = [(line.vat_rate or NO_VAT, line.vat, line.total) for line in _delivered(part)]
    if part.delivery_fee:
        amounts.append((seller.default_vat_rate or NO_VAT, part.delivery_vat, part.delivery_fee))
    sums: dict[str, tuple[Decimal, Decimal]] = {}
    for rate, vat, total in amounts:
        before_vat, before_total = sums.get(rate, (Decimal(0), Decimal(0)))
        sums[rate] = before_vat + vat, before_total + total
    return [
        {"rate": rate, "net": str(total - vat), "vat": str(vat), "total": str(total)}
        for rate, (vat, total) in sums.items()
    ]
