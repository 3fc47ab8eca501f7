"""How a supplier's lists are taken: mode, columns, address and schedule chosen by it, guards by a manager."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from sqlalchemy.dialects.postgresql import insert

from shop.auth.models import Company, User
from shop.companies.terms_of_trade import change_terms
from shop.database import now, session
from shop.http.outgoing import check_url
from shop.price_lists.models import ImportTerms

GUARDS = ("guard_price_percent", "guard_median_percent", "guard_withdrawn_percent")
OWN = ("mode", "upload_mode", "columns", "headings")


def terms_for(supplier: Company) -> ImportTerms:
    """Made when first asked for; locked, so that two uploads do not forget each other's choice."""
    session().execute(insert(ImportTerms).values(supplier_id=supplier.id).on_conflict_do_nothing())
    return session().get_one(ImportTerms, supplier.id, with_for_update=True, populate_existing=True)


def change_supplier(supplier: Company, *, terms: Mapping[str, Any], by: User) -> Company:
    """Terms of trade, and in `price_lists` how the supplier's lists are taken."""
    if "price_lists" in terms:
        change_import_terms(supplier, terms=terms["price_lists"])
    return change_terms(supplier, terms=terms, by=by)


def change_import_terms(supplier: Company, *, terms: Mapping[str, Any]) -> ImportTerms:
    """What is given of url, interval_hours, mode, upload_mode, columns, headings. An interval runs from now on."""
    own = terms_for(supplier)
    for name in OWN:
        if name in terms:
            setattr(own, name, terms[name])
    if "url" in terms:
        if terms["url"] is not None:
            check_url(terms["url"])
        supplier.price_list_url = terms["url"]
    if "interval_hours" in terms:
        own.interval_hours = terms["interval_hours"]
        own.next_fetch_at = now() + timedelta(hours=own.interval_hours) if own.interval_hours else None
    return own


def change_guards(supplier: Company, *, guards: Mapping[str, int | None]) -> ImportTerms:
    """None goes back to the operator's threshold."""
    own = terms_for(supplier)
    for name in GUARDS:
        if name in guards:
            setattr(own, name, guards[name])
    return own


def import_terms(supplier: Company) -> dict[str, Any]:
    own = session().get(ImportTerms, supplier.id) or ImportTerms(
        mode="full", upload_mode="full", columns={}, headings="category"
    )
    names = (*OWN, "interval_hours", "next_fetch_at", *GUARDS)
    return {"url": supplier.price_list_url} | {name: getattr(own, name) for name in names}
