"""Lists at an address: fetched by a worker when somebody asks for it or on a schedule, if they have changed.

What could not be imported, and what somebody has refused, taken back or not yet decided on, does not come
again by the clock until the file is another one. Who asks for it gets it.
"""

import hashlib
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from sqlalchemy import select, update

from shop.auth.models import ACTIVE, Company
from shop.config import Settings
from shop.database import now, session, transaction
from shop.errors import Conflict
from shop.price_lists.arriving.download import Download, download
from shop.price_lists.arriving.receipt import EmptyFile, receive_address
from shop.price_lists.models import (
    APPLIED,
    FAILED,
    HELD,
    QUEUED,
    STATES_SOMETHING,
    STOCK_ONLY,
    ImportTerms,
    PriceList,
)
from shop.price_lists.reasons import WHY_FAILED

MIB = 2**20


class NotChanged(Conflict):
    code = "NotChanged"
    message = WHY_FAILED["NotChanged"]


def fetch_price_list(price_list_id: int, settings: Settings) -> None:
    """Puts the file into the list; NotChanged where the server or the content says so."""
    with transaction():
        price_list = session().get_one(PriceList, price_list_id, populate_existing=True)
        before = None if price_list.is_dry_run else _fetched_before(price_list)
    found = _download(price_list.url or "", before, settings)
    if found.content is None:
        raise NotChanged
    if not found.content.strip():
        raise EmptyFile
    digest = hashlib.sha256(found.content).digest()
    values: dict[str, Any] = {"etag": found.etag, "last_modified": found.last_modified}
    if before and before.sha256 == digest:
        _note(before.id, values)
        raise NotChanged
    _note(price_list_id, values | {"raw": found.content, "sha256": digest})


def _note(price_list_id: int, values: Mapping[str, Any]) -> None:
    with transaction():
        session().execute(update(PriceList).where(PriceList.id == price_list_id).values(**values))


def fetch_due_price_lists() -> int:
    """Queues the lists whose hour has come; how many. Of two at once one finds the rows locked or not due any more."""
    due = (
        select(ImportTerms, Company)
        .join(Company, Company.id == ImportTerms.supplier_id)
        .where(ImportTerms.next_fetch_at <= now(), ImportTerms.interval_hours.is_not(None))
        .where(Company.status == ACTIVE, Company.price_list_url.is_not(None))
        .order_by(ImportTerms.supplier_id)
        .with_for_update(of=ImportTerms, skip_locked=True)
    )
    queued = 0
    for terms, supplier in session().execute(due).all():
        terms.next_fetch_at = now() + timedelta(hours=terms.interval_hours or 1)
        if not _is_waiting(supplier.id):
            receive_address(supplier, url=supplier.price_list_url or "", by=None)
            queued += 1
    return queued


def _is_waiting(supplier_id: int) -> bool:
    waiting = select(PriceList.id).filter_by(supplier_id=supplier_id, source="url", state=QUEUED)
    return session().scalar(waiting.limit(1)) is not None


def _fetched_before(price_list: PriceList) -> PriceList | None:
    """The list with which the file is compared: the one that the catalog shows, or one that shall not come again."""
    decided = _decided_before(price_list) if price_list.user_id is None else None
    return decided or _shown_before(price_list)


def _decided_before(price_list: PriceList) -> PriceList | None:
    """The latest from this address, if it failed, or somebody has refused it, taken it back, or is still to decide."""
    latest = (
        select(PriceList)
        .where(PriceList.supplier_id == price_list.supplier_id, PriceList.id < price_list.id)
        .where(PriceList.url == price_list.url, PriceList.sha256.is_not(None), ~PriceList.is_dry_run)
        .order_by(PriceList.id.desc())
        .limit(1)
    )
    found = session().scalar(latest)
    if found is None or not _is_same(found, price_list):
        return None
    rollback = select(PriceList.id).where(PriceList.rolls_back_id == found.id, PriceList.state == APPLIED)
    is_decided = found.state in (HELD, FAILED) or found.discarded_by_id is not None
    return found if is_decided or session().scalar(rollback.limit(1)) is not None else None


def _shown_before(price_list: PriceList) -> PriceList | None:
    """The list from this address that the catalog shows; none where another list came afterwards.

    A held one does not count: fetched again it must be held again, not taken for what the catalog has.
    """
    latest = (
        select(PriceList)
        .where(PriceList.supplier_id == price_list.supplier_id, PriceList.id < price_list.id)
        .where(PriceList.state == APPLIED, STATES_SOMETHING)
        .where((PriceList.mode != STOCK_ONLY) | (PriceList.url == price_list.url))
        .order_by(PriceList.id.desc())
        .limit(1)
    )
    found = session().scalar(latest)
    return found if found is not None and _is_same(found, price_list) else None


def fails_again(price_list: PriceList) -> bool:
    """Whether it was fetched by the clock and nothing else was wrong the last time: its supplier knows."""
    if price_list.user_id is not None or not price_list.url:
        return False
    latest = (
        select(PriceList)
        .where(PriceList.supplier_id == price_list.supplier_id, PriceList.id < price_list.id)
        .where(PriceList.url == price_list.url, ~PriceList.is_dry_run)
        .order_by(PriceList.id.desc())
        .limit(1)
    )
    before = session().scalar(latest)
    return before is not None and before.state == FAILED and before.reasons == price_list.reasons


def _is_same(one: PriceList, other: PriceList) -> bool:
    return all(getattr(one, name) == getattr(other, name) for name in ("url", "mode", "layout"))


def _download(url: str, before: PriceList | None, settings: Settings) -> Download:
    headers = {}
    if before and before.etag:
        headers["If-None-Match"] = before.etag
    if before and before.last_modified:
        headers["If-Modified-Since"] = before.last_modified
    return download(
        url,
        most_bytes=settings.max_price_list_mib * MIB,
        seconds=settings.price_list_fetch_seconds,
        allowed_hosts=settings.allowed_url_hosts,
        headers=headers,
    )
