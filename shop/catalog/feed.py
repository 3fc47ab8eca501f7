"""What has changed since a moment, in the order of change: keeps a client's copy in step with few requests."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import CompoundSelect, Select, literal, select, text, tuple_, union
from sqlalchemy.dialects.postgresql import TIMESTAMP

from shop.auth.models import ACTIVE, Company
from shop.catalog.models import Category, Offer, StockLevel
from shop.catalog.offers import CHANGES, NEWEST_ID, WAS_ACTIVE, Finished, answer_of, select_offers
from shop.catalog.search.filters import OfferFilter, conditions
from shop.catalog.search.pages import scope_of
from shop.catalog.search.search_terms import Words
from shop.database.fast_read import Prepared
from shop.http.pagination import cursor_id, make_cursor, page_of, read_cursor

MOMENT = TIMESTAMP(timezone=True)

# A transaction dates its changes by its own beginning and shows them when it commits. So everything up to now has been
# seen, except what transactions that are still running may yet show.
AS_OF = text("""
SELECT least(now(), min(xact_start)) AS as_of FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid() AND xact_start IS NOT NULL
""")


_READ_AS_OF = Prepared(AS_OF)


@dataclass(frozen=True)
class Changes:
    """`gone` are the ids of offers whose supplier was blocked: what they showed last is nobody's business any more."""

    items: list[Finished]
    gone: list[int]
    next_cursor: str | None
    as_of: datetime


def changed_offers(
    wanted: OfferFilter, *, since: datetime, limit: int, cursor: str | None, with_vat: bool = True
) -> Changes:
    """Offers that show something else than before, also withdrawn ones, and the moment to ask from the next time."""
    scope = f"changed:{since.isoformat()}:{scope_of(wanted, 'changed')}"
    key = read_cursor(cursor, scope=scope, types=(_moment, _moment, cursor_id))
    moment: datetime = key[0] if key else as_of()  # before the data: see AS_OF
    rows = Prepared(_page(wanted, since, key[1:] if key else None, limit, with_vat)).rows()
    page, next_cursor = page_of(
        rows, limit=limit, cursor_of=lambda row: make_cursor(scope=scope, key=[moment, row["changed_at"], row["id"]])
    )
    return Changes(
        [answer_of(row) for row in page if row["is_shown"]],
        [row["id"] for row in page if not row["is_shown"]],
        next_cursor,
        moment,
    )


def as_of() -> datetime:
    """Whatever is read from now on holds all that had changed before this moment."""
    moment: datetime = _READ_AS_OF.rows()[0]["as_of"]
    return moment


def _page(
    wanted: OfferFilter, since: datetime, after: Sequence[Any] | None, limit: int, with_vat: bool
) -> Select[*tuple[Any, ...]]:
    changed = _changed(wanted, since, after, limit).subquery("changed")
    return (
        select_offers(Offer.id, with_vat=with_vat, blocked=True)
        .add_columns(changed.c.changed_at, (Company.status == ACTIVE).label("is_shown"))
        .join(changed, changed.c.id == Offer.id)
        .order_by(changed.c.changed_at, changed.c.id)
        .limit(limit + 1)
    )


def _changed(
    wanted: OfferFilter, since: datetime, after: Sequence[Any] | None, limit: int
) -> CompoundSelect[*tuple[Any, ...]]:
    """By each kind of change, once where two have the same moment. The first two branches read an index in order.

    An offer may come several times, at different moments. To leave one out here would mean to read on until a page
    is full.
    """
    branches = []
    for changed_at in CHANGES:
        offer_id = StockLevel.offer_id if changed_at is StockLevel.updated_at else Offer.id  # as the index has it
        is_shown = WAS_ACTIVE if changed_at is Company.offers_changed_at else Company.status == ACTIVE
        branch = (
            select(offer_id.label("id"), changed_at.label("changed_at"))
            .select_from(Offer)
            .join(Company, Company.id == Offer.supplier_id)
            .outerjoin(Category, Category.id == Offer.category_id)
            .outerjoin(StockLevel, StockLevel.offer_id == Offer.id)
            .where(
                changed_at >= since,
                offer_id <= NEWEST_ID,
                is_shown,
                *conditions(wanted, Words(wanted.q) if wanted.q else None),
            )
            .order_by(changed_at, offer_id)
            .limit(limit + 1)
        )
        if after is not None:
            last = tuple_(literal(after[0], MOMENT), literal(after[1]))
            branch = branch.where(tuple_(changed_at, offer_id) > last)
        branches.append(select(branch.subquery()))
    return union(*branches)


def _moment(value: Any) -> datetime:
    moment = datetime.fromisoformat(value)
    if moment.tzinfo is None:
        raise ValueError
    return moment
