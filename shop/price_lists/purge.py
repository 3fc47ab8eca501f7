"""Files of price lists are kept for a while to look into, and so are lists that were only tried."""

from datetime import datetime
from typing import Any, cast

from sqlalchemy import delete, func, select, update

from shop.database import PURGE_BATCH, now, session
from shop.price_lists.models import APPLIED, DISCARDED, FAILED, HELD, PriceList, PriceListRow
from shop.price_lists.reasons import Reason, values_of


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


def discard_dry_runs(*, before: datetime) -> int:
    """A batch of those that came before that moment and that nobody has applied."""
    old = (
        select(PriceList.id)
        .where(PriceList.is_dry_run, PriceList.state == HELD, PriceList.created_at < before)
        .limit(PURGE_BATCH)
        .with_for_update(skip_locked=True)
    )
    found = session().scalars(old).all()
    session().execute(delete(PriceListRow).where(PriceListRow.price_list_id.in_(found)))
    values = {"state": DISCARDED, "finished_at": now(), **values_of([Reason("expired")])}
    session().execute(update(PriceList).where(PriceList.id.in_(found)).values(**values))
    return len(found)
