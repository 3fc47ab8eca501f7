"""Numbers of documents: without gaps per legal entity, kind and year, from a counter that is locked last of all."""

from datetime import date
from zoneinfo import ZoneInfo

from sqlalchemy.dialects.postgresql import insert

from shop.auth.models import LegalEntity
from shop.database import now, session
from shop.orders.models import CORRECTION, INVOICE, Invoice, InvoiceCounter, SupplierOrder

SERIES = {INVOICE: "", CORRECTION: "-К"}  # between prefix and year


def new_document(part: SupplierOrder, kind: str, seller: LegalEntity) -> Invoice:
    """Numbered and dated, its data still to be frozen. Year and day are those where the seller is."""
    issued_on = now().astimezone(ZoneInfo(seller.time_zone)).date()
    sequence = _next_number(seller, kind, issued_on)
    return Invoice(
        number=f"{seller.document_prefix}{SERIES[kind]}-{issued_on:%y}-{sequence:06d}",
        kind=kind,
        supplier_order_id=part.id,
        legal_entity_id=seller.id,
        year=issued_on.year,
        sequence=sequence,
        issued_on=issued_on,
        total=part.total,
    )


def _next_number(seller: LegalEntity, kind: str, day: date) -> int:
    """Holds the counter's row until we commit: no number is given twice, and one rolled back is given again."""
    statement = insert(InvoiceCounter).values(legal_entity_id=seller.id, kind=kind, year=day.year, last_number=1)
    statement = statement.on_conflict_do_update(
        index_elements=["legal_entity_id", "kind", "year"], set_={"last_number": InvoiceCounter.last_number + 1}
    )
    return session().execute(statement.returning(InvoiceCounter.last_number)).scalar_one()
