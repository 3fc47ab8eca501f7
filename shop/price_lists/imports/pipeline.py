"""One import from its file to the catalog: claimed by one worker, checked, staged, settled; resumed after a crash."""

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from enum import Enum, auto
from typing import Any, BinaryIO, cast

import structlog
from sqlalchemy import delete, func, select, text, update
from sqlalchemy.exc import DataError, OperationalError

from shop.catalog.events import PriceListApplied, PriceListFailed
from shop.config import Settings
from shop.database import claimed, met_a_lock, now, planned_anew, session, transaction
from shop.errors import NotFound, Refusal
from shop.outbox.events import publish
from shop.outbox.handler import come_again, finish
from shop.price_lists.arriving.fetch import NotChanged, fetch_price_list
from shop.price_lists.imports.outcome import settle, settle_decided_rows
from shop.price_lists.imports.rollback import settle_rollback
from shop.price_lists.imports.staging import Progress, stage
from shop.price_lists.imports.turns import OthersTurn, own_turn
from shop.price_lists.models import (
    APPLIED,
    APPLY,
    APPLYING,
    CHECKING,
    DISCARDED,
    FAILED,
    HELD,
    QUEUED,
    STATES_SOMETHING,
    STOCK_ONLY,
    UNFINISHED_STATES,
    PriceList,
    PriceListRow,
)
from shop.price_lists.reading import Layout, Limits, UnreadablePriceList, parse_price_list
from shop.price_lists.reasons import Reason, give_reasons, reason_of

log = structlog.get_logger()

TASK = "catalog.import_price_list"
DECISIONS = "catalog.apply_decisions"
CLAIM = "catalog.price_lists"  # of one supplier: his lists are imported one at a time
COME_AGAIN = timedelta(seconds=3)
GIVEN_UP_AFTER = timedelta(hours=1)

MANY, MANY_LINES = 1000, 10_000
MIB = 2**20
SLICE = 4 * MIB

# An import may take longer than a request. Locks are those of orders, which are short. Few statements over many rows
# sort and hash in memory, and compiling them costs more than it saves.
PATIENCE = text("""
SET LOCAL statement_timeout = '15min'; SET LOCAL lock_timeout = '1min'; SET LOCAL work_mem = '64MB'; SET LOCAL jit = off
""")

Finish = Callable[[], None]


class PriceListNotFound(NotFound):
    code = "PriceListNotFound"
    message = "There is no such price list."


class _Turn(Enum):
    OURS = auto()
    LATER = auto()
    OVER = auto()


def import_price_list(
    price_list_id: int,
    settings: Settings,
    *,
    event_id: int | None = None,
    task: str = TASK,
    progress: Progress | None = None,
) -> None:
    """Has transactions of its own. `event_id` is finished in the one that decides the list.

    Lists of one supplier are imported one at a time and in the order in which they came: where another one is running
    or waiting before this one, or another large list is running (turns.py), the event comes again shortly. Whatever
    was refused leaves the catalog as it was.
    """

    def finish_event() -> None:
        if event_id is not None:
            finish(event_id, task)

    with claimed(CLAIM, _supplier_of(price_list_id)) as is_claimed:
        turn = _Turn.LATER
        if is_claimed:
            with _no_hurry():
                turn = _begin(price_list_id, settings, finish_event)
        if turn is _Turn.OURS:
            turn = _Turn.LATER
            with _no_hurry(price_list_id):
                _run(price_list_id, settings, finish_event, progress)
                turn = _Turn.OVER
    if turn is _Turn.LATER and event_id is not None:
        come_again(event_id, task, after=COME_AGAIN)


def apply_decisions(price_list_id: int, settings: Settings, *, event_id: int | None = None) -> None:
    """Applies what somebody has approved: the whole list, as another import, or some rows of a list that is decided."""
    with transaction():
        state = session().scalar(select(PriceList.state).where(PriceList.id == price_list_id))
    if state in UNFINISHED_STATES:
        import_price_list(price_list_id, settings, event_id=event_id, task=DECISIONS)
        return
    is_done = False
    with claimed(CLAIM, _supplier_of(price_list_id)) as is_claimed:
        if is_claimed:
            with _no_hurry():
                _apply_rows(price_list_id, settings, event_id)
                is_done = True
    if not is_done and event_id is not None:
        come_again(event_id, DECISIONS, after=COME_AGAIN)


@contextmanager
def _no_hurry(begun_id: int | None = None) -> Iterator[None]:
    """A lock that others held for too long, or another large list, ends the work for now: that was no attempt."""
    try:
        yield
    except OthersTurn:
        _give_up_begun(begun_id, state=QUEUED, started_at=None)  # it waits as one that has just come
    except OperationalError as error:
        if not met_a_lock(error):
            raise
        log.info("price_list_met_a_lock", price_list_id=begun_id, error=type(error.orig).__name__)
        _give_up_begun(begun_id)


def _give_up_begun(price_list_id: int | None, **values: Any) -> None:
    if price_list_id is not None:
        with transaction():
            given_up = update(PriceList).where(PriceList.id == price_list_id)
            session().execute(given_up.values(attempts=func.greatest(PriceList.attempts - 1, 0), **values))


def _apply_rows(price_list_id: int, settings: Settings, event_id: int | None) -> None:
    decided = select(PriceListRow.row).where(
        PriceListRow.price_list_id == price_list_id, PriceListRow.decision == APPLY
    )
    with transaction(), planned_anew():
        session().execute(PATIENCE)
        price_list = session().get_one(PriceList, price_list_id, populate_existing=True, with_for_update=True)
        if price_list.state in (HELD, APPLIED) and session().scalar(decided.limit(1)) is not None:
            settle_decided_rows(price_list, settings)
        if event_id is not None:
            finish(event_id, DECISIONS)


def _supplier_of(price_list_id: int) -> int:
    with transaction():
        supplier_id = session().scalar(select(PriceList.supplier_id).where(PriceList.id == price_list_id))
    if supplier_id is None:
        raise PriceListNotFound(price_list_id=price_list_id)
    return supplier_id


def _begin(price_list_id: int, settings: Settings, finish_event: Finish) -> _Turn:
    """Under the claim: whose turn it is now. A list found in checking or applying was left by a dead worker."""
    with transaction():
        price_list = session().get_one(PriceList, price_list_id, with_for_update=True, populate_existing=True)
        if price_list.is_finished or price_list.state == HELD:
            finish_event()
            return _Turn.OVER
        if _has_newer_applied(price_list):
            _decide(price_list, DISCARDED, Reason("superseded"))
            finish_event()
            return _Turn.OVER
        if not _is_next(price_list):
            return _Turn.LATER
        if price_list.attempts >= settings.price_list_max_attempts:
            _fail(price_list, Reason("deadly", {"attempts": price_list.attempts}))
            finish_event()
            return _Turn.OVER
        price_list.attempts += 1
        price_list.state = CHECKING
        price_list.started_at = price_list.started_at or now()
        return _Turn.OURS


def _has_newer_applied(price_list: PriceList) -> bool:
    """Stock alone does not make an older list out of date."""
    newer = select(PriceList.id).where(
        PriceList.supplier_id == price_list.supplier_id,
        PriceList.id > price_list.id,
        PriceList.state == APPLIED,
        STATES_SOMETHING,
    )
    if price_list.mode != STOCK_ONLY:
        newer = newer.where(PriceList.mode != STOCK_ONLY)
    return session().scalar(newer.limit(1)) is not None


def _is_next(price_list: PriceList) -> bool:
    """Older lists come first. One that nobody has been able to finish must not block the supplier for ever."""
    older = select(PriceList).where(
        PriceList.supplier_id == price_list.supplier_id,
        PriceList.id < price_list.id,
        PriceList.state.in_(UNFINISHED_STATES),
    )
    waiting = session().scalars(older).all()
    stranded = [each for each in waiting if each.started_at and each.started_at < now() - GIVEN_UP_AFTER]
    if len(stranded) < len(waiting):
        return False
    for each in stranded:
        _decide(each, DISCARDED, Reason("stranded"))
    session().flush()
    return True


def _run(price_list_id: int, settings: Settings, finish_event: Finish, progress: Progress | None) -> None:
    with transaction():
        price_list = session().get_one(PriceList, price_list_id)
    try:
        if price_list.url and price_list.sha256 is None:
            fetch_price_list(price_list_id, settings)
        with own_turn(price_list_id, settings):
            if price_list.rolls_back_id is None and price_list.approved_at is None:
                _check(price_list_id, settings, progress)
            _settle(price_list_id, settings, finish_event)
    except NotChanged as unchanged:
        with transaction():
            price_list = session().get_one(PriceList, price_list_id, populate_existing=True)
            _decide(price_list, APPLIED, reason_of(unchanged))
            publish(PriceListApplied(price_list_id=price_list.id))
            finish_event()
    except Refusal as refusal:
        with transaction():
            price_list = session().get_one(PriceList, price_list_id, populate_existing=True)
            _fail(price_list, reason_of(refusal))
            finish_event()
    except (DataError, UnicodeError) as error:  # no retry can help: it is in the file
        log.error("price_list_unstorable", price_list_id=price_list_id, error=type(error).__name__)
        with transaction():
            price_list = session().get_one(PriceList, price_list_id, populate_existing=True)
            _fail(price_list, Reason("unstorable"))
            finish_event()


def _check(price_list_id: int, settings: Settings, progress: Progress | None) -> None:
    with transaction():
        price_list = session().get_one(PriceList, price_list_id, populate_existing=True)
        file = _file(price_list_id, settings)
    with file:
        limits = Limits(settings.max_price_list_mib * MIB, settings.max_unpacked_price_list_mib * MIB)
        parsed = parse_price_list(file, layout=Layout(**price_list.layout), limits=limits)
        stage(price_list_id, parsed, mode=price_list.mode, progress=progress)
    with transaction():
        session().execute(update(PriceList).where(PriceList.id == price_list_id).values(state=APPLYING))


def _file(price_list_id: int, settings: Settings) -> BinaryIO:
    """On disk if it is large: read from the database in slices, it never stands in memory as a whole."""
    whose = PriceList.id == price_list_id
    size = session().scalar(select(func.octet_length(PriceList.raw)).where(whose)) or 0
    if size > settings.max_price_list_mib * MIB:
        raise UnreadablePriceList("too_large", mib=settings.max_price_list_mib)
    file = tempfile.SpooledTemporaryFile(max_size=SLICE)  # noqa: SIM115 - the caller closes it
    for start in range(0, size, SLICE):
        file.write(session().execute(select(func.substr(PriceList.raw, start + 1, SLICE)).where(whose)).scalar_one())
    file.seek(0)
    return cast(BinaryIO, file)


def _settle(price_list_id: int, settings: Settings, finish_event: Finish) -> None:
    with transaction(), planned_anew():
        session().execute(PATIENCE)
        price_list = session().get_one(PriceList, price_list_id, populate_existing=True, with_for_update=True)
        if price_list.rolls_back_id is None:
            settle(price_list, settings)
        else:
            settle_rollback(price_list)
        finish_event()
    _refresh_statistics(price_list)
    log.info(
        "price_list_settled",
        price_list_id=price_list_id,
        state=price_list.state,
        new=price_list.offers_new,
        changed=price_list.offers_changed,
        withdrawn=price_list.offers_withdrawn,
        quarantined=price_list.offers_quarantined,
        stock_changed=price_list.stock_changed,
    )


def _refresh_statistics(price_list: PriceList) -> None:
    """Until the database has looked at so many new rows it plans as if they were not there.

    That concerns searches, and of change sets the deciding on what is in them.
    """
    new, changed = price_list.offers_new, price_list.offers_changed + price_list.offers_withdrawn
    tables = ["offers", "stock_levels", "products", "barcodes"] if price_list.state == APPLIED and new >= MANY else []
    if new + changed + price_list.offers_quarantined >= MANY_LINES:
        tables.append("change_set_lines")
    if tables:
        with transaction():
            session().execute(PATIENCE)
            session().execute(text(f"ANALYZE {', '.join(tables)}"))


def _fail(price_list: PriceList, reason: Reason) -> None:
    """Its issues stay to be read; its rows are of no use any more."""
    session().execute(delete(PriceListRow).where(PriceListRow.price_list_id == price_list.id))
    _decide(price_list, FAILED, reason)
    publish(PriceListFailed(price_list_id=price_list.id))
    log.info("price_list_failed", price_list_id=price_list.id, reason=price_list.message)


def _decide(price_list: PriceList, state: str, reason: Reason) -> None:
    price_list.state = state
    give_reasons(price_list, reason)
    price_list.finished_at = now()
