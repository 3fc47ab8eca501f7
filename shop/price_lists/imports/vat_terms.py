"""A supplier's prices mean something else now: its offers' prices to compare follow, some at a time.

In the supplier's turn, as its lists: one that is under way has read the terms as they were.
"""

from datetime import timedelta

import structlog
from sqlalchemy import func, text, update

from shop.auth.models import Company
from shop.catalog.compare_prices import COLUMNS, STORED, sql_prices
from shop.database import claimed, session, transaction
from shop.outbox.handler import come_again, finish
from shop.price_lists.imports.pipeline import CLAIM, PATIENCE

log = structlog.get_logger()

TASK = "catalog.follow_vat_terms"
COME_AGAIN = timedelta(seconds=3)
BATCH = 1000  # offers that nobody can order for a fraction of a second

STALE = f"""
FROM vat_terms(:supplier_id) AS terms, offers AS offer, {sql_prices("offer")} AS prices
WHERE offer.supplier_id = :supplier_id AND ({", ".join(f"offer.{name}" for name in STORED)}) IS DISTINCT FROM prices
"""

FIND = text(f"SELECT offer.id {STALE} ORDER BY offer.id")

# Locked in the order in which orders lock; dated by none of them (see follow_vat_terms).
FOLLOW = text(f"""
WITH stale AS MATERIALIZED (
    SELECT offer.id, prices.* {STALE} AND offer.id = ANY (CAST(:ids AS bigint[]))
    ORDER BY offer.id
    FOR NO KEY UPDATE OF offer
)
UPDATE offers AS offer
SET ({COLUMNS}) = ROW({", ".join(f"stale.{name}" for name in STORED)})
FROM stale
WHERE offer.id = stale.id
""")  # noqa: S608 - of constants


def follow_vat_terms(supplier_id: int, *, event_id: int) -> None:
    """Has transactions of its own. Copies of the catalog hear of it once, when all offers are as they should be.

    Killed in the middle it begins again with what is left.
    """
    with claimed(CLAIM, supplier_id) as is_claimed:
        if is_claimed:
            stale = _stale_offers(supplier_id)
            for first in range(0, len(stale), BATCH):
                _follow(supplier_id, stale[first : first + BATCH])
            _finish(supplier_id, event_id)
            log.info("vat_terms_followed", supplier_id=supplier_id, offers=len(stale))
    if not is_claimed:
        come_again(event_id, TASK, after=COME_AGAIN)


def _stale_offers(supplier_id: int) -> list[int]:
    with transaction():
        session().execute(PATIENCE)
        return list(session().scalars(FIND, {"supplier_id": supplier_id}))


def _follow(supplier_id: int, offer_ids: list[int]) -> None:
    with transaction():
        session().execute(PATIENCE)
        session().execute(FOLLOW, {"supplier_id": supplier_id, "ids": offer_ids})


def _finish(supplier_id: int, event_id: int) -> None:
    with transaction():
        session().execute(update(Company).where(Company.id == supplier_id).values(offers_changed_at=func.now()))
        finish(event_id, TASK)
