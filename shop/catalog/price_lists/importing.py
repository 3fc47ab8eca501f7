"""One import from its file to the catalog: claimed by one worker, checked, staged, applied; resumed after a crash."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from enum import Enum, auto

import structlog
from sqlalchemy import func, select, text, update

from shop.catalog.price_lists.applying import apply_price_list
from shop.catalog.price_lists.formats import UnreadablePriceList, parse_price_list
from shop.catalog.price_lists.models import APPLIED, APPLYING, CHECKING, DISCARDED, FAILED, HELD, QUEUED, PriceList
from shop.catalog.price_lists.staging import stage
from shop.config import Settings
from shop.db import db, now, session, transaction
from shop.errors import NotFound, Refusal
from shop.outbox.handling import finish
from shop.outbox.models import OutboxEvent

log = structlog.get_logger()

TASK = "catalog.import_price_list"
UNFINISHED = (QUEUED, CHECKING, APPLYING)
COME_AGAIN = timedelta(seconds=3)
GIVEN_UP_AFTER = timedelta(hours=1)

MANY = 1000

SUPERSEDED = "A newer list of yours was applied before this one could be."
STRANDED = "This list could not be finished and a newer one has come. Send it again if you still need it."

# An import may take longer than a request. Locks are those of orders, which are short.
PATIENCE = text("SET LOCAL statement_timeout = '15min'; SET LOCAL lock_timeout = '1min'")


class PriceListNotFound(NotFound):
    code = "PriceListNotFound"
    message = "There is no such price list."


class _Turn(Enum):
    OURS = auto()
    LATER = auto()
    OVER = auto()


def import_price_list(price_list_id: int, settings: Settings, *, event_id: int | None = None) -> None:
    """Has transactions of its own. `event_id` is finished in the one that decides the list.

    Lists of one supplier are imported one at a time and in the order in which they came: where another one is running
    or waiting before this one, the event comes again shortly. Whatever was refused leaves the catalog as it was.
    """
    with transaction():
        supplier_id = session().scalar(select(PriceList.supplier_id).where(PriceList.id == price_list_id))
    if supplier_id is None:
        raise PriceListNotFound(price_list_id=price_list_id)
    with _claimed(supplier_id) as is_claimed:
        turn = _begin(price_list_id, event_id) if is_claimed else _Turn.LATER
        if turn is _Turn.OURS:
            _run(price_list_id, settings, event_id)
    if turn is _Turn.LATER:
        _come_again(event_id)


@contextmanager
def _claimed(supplier_id: int) -> Iterator[bool]:
    """A lock of the supplier's on a connection of its own, which a killed worker gives back by dying."""
    with db.engine.connect() as connection:
        connection = connection.execution_options(isolation_level="AUTOCOMMIT")
        try:
            yield bool(connection.scalar(select(func.pg_try_advisory_lock(_lock_key(supplier_id)))))
        finally:
            connection.detach()  # closed and not pooled: nothing can leave the lock behind


def _lock_key(supplier_id: int) -> object:
    return func.hashtextextended(f"catalog.price_lists.{supplier_id}", 0)


def _begin(price_list_id: int, event_id: int | None) -> _Turn:
    """Under the claim: whose turn it is now. A list found in checking or applying was left by a dead worker."""
    with transaction():
        price_list = session().get_one(PriceList, price_list_id, populate_existing=True)
        if price_list.is_finished or price_list.state == HELD:
            _finish(event_id)
            return _Turn.OVER
        if _has_newer_applied(price_list):
            _decide(price_list, DISCARDED, SUPERSEDED, event_id)
            return _Turn.OVER
        if not _is_next(price_list):
            return _Turn.LATER
        price_list.state = CHECKING
        price_list.started_at = price_list.started_at or now()
        return _Turn.OURS


def _has_newer_applied(price_list: PriceList) -> bool:
    newer = select(PriceList.id).where(
        PriceList.supplier_id == price_list.supplier_id, PriceList.id > price_list.id, PriceList.state == APPLIED
    )
    return session().scalar(newer.limit(1)) is not None


def _is_next(price_list: PriceList) -> bool:
    """Older lists come first. One that nobody has been able to finish must not block the supplier for ever."""
    older = select(PriceList).where(
        PriceList.supplier_id == price_list.supplier_id, PriceList.id < price_list.id, PriceList.state.in_(UNFINISHED)
    )
    waiting = session().scalars(older).all()
    stranded = [each for each in waiting if each.created_at < now() - GIVEN_UP_AFTER]
    if len(stranded) < len(waiting):
        return False
    for each in stranded:
        _decide(each, DISCARDED, STRANDED, None)
    session().flush()
    return True


def _run(price_list_id: int, settings: Settings, event_id: int | None) -> None:
    try:
        _check(price_list_id, settings)
        _apply(price_list_id, event_id)
    except Refusal as refusal:
        with transaction():
            price_list = session().get_one(PriceList, price_list_id, populate_existing=True)
            _decide(price_list, FAILED, refusal.detail, event_id)
        log.info("price_list_failed", price_list_id=price_list_id, reason=refusal.detail)


def _check(price_list_id: int, settings: Settings) -> None:
    with transaction():
        raw, mode = session().execute(select(PriceList.raw, PriceList.mode).where(PriceList.id == price_list_id)).one()
    if len(raw) > settings.max_price_list_mib * 2**20:
        raise UnreadablePriceList(f"The file is larger than {settings.max_price_list_mib} MiB.")
    stage(price_list_id, parse_price_list(raw), mode=mode)
    with transaction():
        session().execute(update(PriceList).where(PriceList.id == price_list_id).values(state=APPLYING))


def _apply(price_list_id: int, event_id: int | None) -> None:
    with transaction():
        session().execute(PATIENCE)
        price_list = session().get_one(PriceList, price_list_id, populate_existing=True)
        apply_price_list(price_list)
        _finish(event_id)
    if price_list.offers_new + price_list.offers_changed >= MANY:
        _refresh_statistics()
    log.info(
        "price_list_applied",
        price_list_id=price_list_id,
        new=price_list.offers_new,
        changed=price_list.offers_changed,
        withdrawn=price_list.offers_withdrawn,
        stock_changed=price_list.stock_changed,
    )


def _refresh_statistics() -> None:
    """Until the database has looked at so many new rows it plans searches as if they were not there."""
    with transaction():
        session().execute(text("ANALYZE offers, stock_levels, products, barcodes"))


def _decide(price_list: PriceList, state: str, message: str, event_id: int | None) -> None:
    price_list.state = state
    price_list.message = message
    price_list.finished_at = now()
    _finish(event_id)


def _finish(event_id: int | None) -> None:
    if event_id is not None:
        finish(event_id, TASK)


def _come_again(event_id: int | None) -> None:
    """Waiting for another list is no failed attempt, so this sending does not count."""
    if event_id is None:
        return
    with transaction():
        session().execute(
            update(OutboxEvent)
            .where(OutboxEvent.id == event_id, OutboxEvent.handled_at.is_(None))
            .values(due_at=now() + COME_AGAIN, attempts=func.greatest(OutboxEvent.attempts - 1, 0))
        )
