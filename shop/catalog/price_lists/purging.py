"""Files of price lists: kept for a while to look into, then only what was read of them."""

from datetime import datetime
from typing import Any, cast

from sqlalchemy import func, select, update

from shop.catalog.price_lists.models import APPLIED, DISCARDED, FAILED, PriceList
from shop.db import PURGE_BATCH, session


def purge_files(*, before: datetime) -> int:
    """Those of a batch of lists finished before that moment; each supplier's last list applied keeps its file.

    A finished list is not read again: rolling back, exporting and the history need the catalog's revisions alone.
    """
    last_applied = (
        select(func.max(PriceList.id))
        .where(PriceList.state == APPLIED, PriceList.raw.is_not(None))
        .group_by(PriceList.supplier_id)
    )
    old = (
        select(PriceList.id)
        .where(
            PriceList.raw.is_not(None),
            PriceList.finished_at < before,
            PriceList.state.in_((APPLIED, FAILED, DISCARDED)),
            PriceList.id.not_in(last_applied),
        )
        .limit(PURGE_BATCH)
        .with_for_update(skip_locked=True)
    )
    result = session().execute(update(PriceList).where(PriceList.id.in_(old)).values(raw=None))
    return cast(int, cast(Any, result).rowcount)
