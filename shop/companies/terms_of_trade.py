"""Terms of trade: what a supplier sets for itself, and what of it buyers see."""

from collections.abc import Mapping
from typing import Any

import structlog

from shop.auth.models import Company, User

log = structlog.get_logger()

TERMS = ("accepts_orders", "price_includes_vat", "delivery_fee", "free_delivery_from", "minimum_order")
OWN_TERMS = (*TERMS, "stock_means")


def change_terms(supplier: Company, *, terms: Mapping[str, Any], by: User) -> Company:
    """Changes what is named in `terms` (some of OWN_TERMS); it holds for orders placed from now on."""
    changed = {name: terms[name] for name in OWN_TERMS if name in terms and terms[name] != getattr(supplier, name)}
    for name, value in changed.items():
        log.info("supplier_terms_changed", supplier_id=supplier.id, term=name, after=str(value), by=by.id)
        setattr(supplier, name, value)
    return supplier
