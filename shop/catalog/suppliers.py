"""Suppliers as buyers see them, the terms that each sets for itself, and the categories that their goods fill."""

from collections.abc import Mapping
from typing import Any

import structlog
from sqlalchemy import func, select

from shop.auth.models import ACTIVE, SUPPLIER, Company, User
from shop.catalog.models import Offer
from shop.catalog.offers import Answer
from shop.catalog.price_lists.terms import change_import_terms
from shop.db import session

log = structlog.get_logger()

TERMS = ("accepts_orders", "price_includes_vat", "delivery_fee", "free_delivery_from", "minimum_order")
OWN_TERMS = (*TERMS, "stock_means")


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


def change_terms(supplier: Company, *, terms: Mapping[str, Any], by: User) -> Company:
    """Changes what is named in `terms` (some of OWN_TERMS); it holds for orders placed from now on.

    `price_lists` is how the supplier's lists are taken: address, interval, mode, columns.
    """
    changed = {name: terms[name] for name in OWN_TERMS if name in terms and terms[name] != getattr(supplier, name)}
    for name, value in changed.items():
        log.info("supplier_terms_changed", supplier_id=supplier.id, term=name, after=str(value), by=by.id)
        setattr(supplier, name, value)
    if "price_lists" in terms:
        change_import_terms(supplier, terms=terms["price_lists"])
    return supplier
