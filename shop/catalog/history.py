"""What a supplier said of an offer, and when: its revisions, the newest first."""

from typing import Any

from sqlalchemy import select

from shop.auth.models import ACTIVE, Company
from shop.catalog.models import Category, Offer, OfferRevision
from shop.catalog.offers import OfferNotFound
from shop.database import session
from shop.http.pagination import cursor_id, make_cursor, page_of, read_cursor


def offer_history(offer_id: int, *, limit: int, cursor: str | None) -> tuple[list[dict[str, Any]], str | None]:
    """Of active suppliers' offers, withdrawn ones too. Stock has no history."""
    scope = f"history:{offer_id}"
    after = read_cursor(cursor, scope=scope, types=(cursor_id,))
    known = select(Offer.id).join(Company, Company.id == Offer.supplier_id)
    if session().scalar(known.where(Offer.id == offer_id, Company.status == ACTIVE)) is None:
        raise OfferNotFound(offer_id=offer_id)
    names = (
        "revision",
        "created_at",
        "name",
        "model",
        "price",
        "price_rrc",
        "currency",
        "vat_rate",
        "unit",
        "is_listed",
    )
    statement = (
        select(*(getattr(OfferRevision, name) for name in (*names, "is_listed")), Category.name.label("category"))
        .outerjoin(Category, Category.id == OfferRevision.category_id)
        .where(OfferRevision.offer_id == offer_id)
        .order_by(OfferRevision.revision.desc())
        .limit(limit + 1)
    )
    if after:
        statement = statement.where(OfferRevision.revision < after[0])
    rows = [dict(row) for row in session().execute(statement).mappings()]
    return page_of(rows, limit=limit, cursor_of=lambda last: make_cursor(scope=scope, key=[last["revision"]]))
