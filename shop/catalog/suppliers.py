"""Suppliers as buyers see them."""

from sqlalchemy import func, select

from shop.auth.models import ACTIVE, SUPPLIER, Company
from shop.catalog.models import Offer
from shop.catalog.offers import Answer
from shop.companies.terms_of_trade import TERMS
from shop.database import session


def list_suppliers() -> list[Answer]:
    """The active ones, with their terms and how much they offer, by name."""
    counts = (
        select(Offer.supplier_id, func.count().label("offers")).where(Offer.is_listed).group_by(Offer.supplier_id)
    ).subquery()
    columns = [getattr(Company, name) for name in ("id", "name", *TERMS)]
    statement = (
        select(*columns, func.coalesce(counts.c.offers, 0).label("offers"))
        .outerjoin(counts, counts.c.supplier_id == Company.id)
        .where(Company.kind == SUPPLIER, Company.status == ACTIVE)
        .order_by(Company.name, Company.id)
    )
    return [dict(row) for row in session().execute(statement).mappings()]
