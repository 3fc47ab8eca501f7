"""Issuing invoices: numbered and frozen in the confirming transaction; annulled, never deleted."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select, update

from shop.auth.models import LegalEntity
from shop.database import session
from shop.orders.contracts import contracts_of
from shop.orders.documents.document_data import Party
from shop.orders.documents.numbers import new_document
from shop.orders.documents.snapshot import freeze, nameless_party, party_of
from shop.orders.errors import SellerIncomplete
from shop.orders.models import INVOICE, Invoice, Order, SupplierOrder


def issue_invoices(order: Order, parts: Sequence[SupplierOrder]) -> list[Invoice]:
    """One invoice per part. Counters are taken in the order of the sellers' ids, so that two orders never deadlock."""
    entities = _legal_entities([order.company_id, *(part.supplier_id for part in parts)])
    payer = _payer(order, entities.get(order.company_id))
    contracts = contracts_of(order, parts)
    sellers = [(_seller(part, entities.get(part.supplier_id)), part) for part in parts]
    return [
        _issue(order, part, seller=seller, payer=payer, contract=contracts.get(part.supplier_id))
        for seller, part in sorted(sellers, key=lambda pair: pair[0].id)
    ]


def annul_invoices(parts: Sequence[SupplierOrder], *, at: datetime, reason: str) -> None:
    """The documents of parts canceled before shipping; their numbers are never given again."""
    part_ids = [part.id for part in parts]
    session().execute(
        update(Invoice)
        .where(Invoice.supplier_order_id.in_(part_ids), Invoice.annulled_at.is_(None))
        .values(annulled_at=at, annulled_reason=reason, paper=None)
    )


def _issue(order: Order, part: SupplierOrder, *, seller: LegalEntity, payer: Party, contract: str | None) -> Invoice:
    invoice = new_document(part, INVOICE, seller)
    invoice.data = dict(freeze(invoice, order, part, seller=seller, payer=payer, contract=contract))
    session().add(invoice)
    session().flush()
    return invoice


def _legal_entities(company_ids: Sequence[int]) -> dict[int, LegalEntity]:
    """The first legal entity of each company that has any."""
    statement = select(LegalEntity).where(LegalEntity.company_id.in_(company_ids)).order_by(LegalEntity.id.desc())
    return {entity.company_id: entity for entity in session().scalars(statement)}


def _seller(part: SupplierOrder, entity: LegalEntity | None) -> LegalEntity:
    if entity is None or not entity.document_prefix:
        raise SellerIncomplete(supplier=part.supplier.name, supplier_id=part.supplier_id)
    return entity


def _payer(order: Order, entity: LegalEntity | None) -> Party:
    """The buyer's legal entity, if one was stated."""
    return party_of(entity) if entity else nameless_party(order.company.name)
