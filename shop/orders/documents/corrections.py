"""Correcting: a numbered document that says what an invoice said, what was shipped instead, and the difference."""

from decimal import Decimal
from typing import Any, cast

from sqlalchemy import select
from sqlalchemy.orm import undefer

from shop.auth.models import LegalEntity
from shop.database import session
from shop.orders.documents.document_data import Amounts, Change, InvoiceData, Line
from shop.orders.documents.numbers import new_document
from shop.orders.documents.snapshot import freeze_lines, freeze_totals
from shop.orders.models import CORRECTION, INVOICE, Invoice, SupplierOrder

NOTHING: Amounts = {"quantity": "0.000", "net": "0.00", "vat": "0.00", "total": "0.00"}


def issue_correction(part: SupplierOrder) -> Invoice:
    """For a part whose lines have changed since its invoice. Parties, basis and delivery stay as they are in that."""
    corrected = _invoice_of(part)
    before = cast(InvoiceData, corrected.data)
    seller = session().get_one(LegalEntity, corrected.legal_entity_id)
    correction = new_document(part, CORRECTION, seller)
    rates = {line["position"]: line["vat_rate"] for line in before["lines"]}
    lines = freeze_lines(part, rates)
    changes: dict[str, Any] = {
        "kind": CORRECTION,
        "number": correction.number,
        "issued_on": correction.issued_on.isoformat(),
        "corrects": {"number": corrected.number, "issued_on": before["issued_on"]},
        "changes": _changes(before["lines"], lines),
        "lines": lines,
        "totals": freeze_totals(part, before["delivery"], rates),
    }
    correction.data = corrected.data | changes
    session().add(correction)
    session().flush()
    return correction


def _invoice_of(part: SupplierOrder) -> Invoice:
    statement = select(Invoice).filter_by(supplier_order_id=part.id, kind=INVOICE).options(undefer(Invoice.data))
    return session().scalars(statement).one()


def _changes(before: list[Line], after: list[Line]) -> list[Change]:
    """Only lines that differ, under the positions that the invoice gave them."""
    now = {line["position"]: line for line in after}
    return [_change(line, now.get(line["position"])) for line in before if line != now.get(line["position"])]


def _change(line: Line, now: Line | None) -> Change:
    was, became = _amounts(line), _amounts(now) if now else NOTHING
    return {
        "position": line["position"],
        "sku": line["sku"],
        "name": line["name"],
        "unit": line["unit"],
        "vat_rate": line["vat_rate"],
        "was": was,
        "became": became,
        "difference": _difference(was, became),
    }


def _amounts(line: Line) -> Amounts:
    return {"quantity": line["quantity"], "net": line["net"], "vat": line["vat"], "total": line["total"]}


def _difference(was: Amounts, became: Amounts) -> Amounts:
    return {
        "quantity": str(Decimal(became["quantity"]) - Decimal(was["quantity"])),
        "net": str(Decimal(became["net"]) - Decimal(was["net"])),
        "vat": str(Decimal(became["vat"]) - Decimal(was["vat"])),
        "total": str(Decimal(became["total"]) - Decimal(was["total"])),
    }
