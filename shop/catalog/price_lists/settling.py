"""What becomes of a staged list: compared with the catalog, held where a guard wants a person to look, else applied."""

from collections.abc import Mapping, Sequence

from sqlalchemy import delete, select, text, update

from shop.catalog.events import PriceListApplied, PriceListHeld
from shop.catalog.price_lists.applying import add_categories, apply_changes, forget_rows_applied
from shop.catalog.price_lists.change_sets import has_grown, write_change_set
from shop.catalog.price_lists.diff import CHANGED, NEW, QUARANTINED, UNCHANGED, WITHDRAWN, compare
from shop.catalog.price_lists.guarding import guards_of, reasons_to_hold
from shop.catalog.price_lists.models import (
    APPLIED,
    DISCARDED,
    HELD,
    STATES_SOMETHING,
    STOCK_ONLY,
    PriceList,
    PriceListRow,
)
from shop.catalog.price_lists.reasons import Reason, give_reasons, values_of
from shop.config import Settings
from shop.db import now, session
from shop.outbox.events import publish

APPROVE_QUARANTINED = text("UPDATE price_list_changes SET change = 'changed' WHERE change = 'quarantined'")
NOTE_DECIDED = text("""
UPDATE change_set_lines AS line SET change = 'changed'
FROM price_list_changes AS change
WHERE line.price_list_id = :price_list_id AND line.row = change.row AND line.change = 'quarantined'
    AND change.change IN ('changed', 'unchanged')
""")


def settle(price_list: PriceList, settings: Settings) -> None:
    """Held or applied, in the caller's transaction. Who has approved a list has seen its change set, not a larger one.

    Categories are added before the comparison and taken back where the list is held: the catalog stays as it was.
    """
    guards = guards_of(price_list.supplier_id, settings)
    tried = session().begin_nested()
    add_categories(price_list)
    counts = compare(price_list, guards)
    if price_list.approved_at is None:
        reasons = reasons_to_hold(price_list, counts, guards)
    else:
        reasons = [Reason("grown")] if has_grown(price_list) else []
    if reasons:
        tried.rollback()
        session().refresh(price_list)
        counts = compare(price_list, guards)
        hold(price_list, counts, reasons)
        return
    if price_list.approved_at is not None:
        session().execute(APPROVE_QUARANTINED)
        counts = counts | {CHANGED: counts[CHANGED] + counts[QUARANTINED], QUARANTINED: 0}
    apply_changes(price_list, counts, takes_stock=not _has_newer_stock(price_list))
    forget_rows_applied(price_list)
    complete(price_list, counts)
    tried.commit()


def hold(price_list: PriceList, counts: Mapping[str, int], reasons: Sequence[Reason]) -> None:
    write_change_set(price_list)
    _count(price_list, counts)
    price_list.state = HELD
    give_reasons(price_list, *reasons)
    price_list.approved_at = price_list.approved_by_id = None
    _replace_older(price_list)
    publish(PriceListHeld(price_list_id=price_list.id))


def complete(price_list: PriceList, counts: Mapping[str, int]) -> None:
    _count(price_list, counts)
    price_list.state, price_list.finished_at = APPLIED, now()
    give_reasons(price_list)
    _replace_older(price_list)
    publish(PriceListApplied(price_list_id=price_list.id))


def settle_decided_rows(price_list: PriceList, settings: Settings) -> None:
    """Only the rows that somebody has decided to apply: quarantined ones of an applied list, any of a held one."""
    guards = guards_of(price_list.supplier_id, settings)
    if price_list.state == HELD:
        add_categories(price_list)
    counts = compare(price_list, guards, only_decided=True)
    apply_changes(price_list, counts, writes_change_set=False, takes_stock=not _has_newer_stock(price_list))
    if price_list.state == HELD:
        held = compare(price_list, guards)
        write_change_set(price_list)
        _count(price_list, held)
        return
    session().execute(NOTE_DECIDED, {"price_list_id": price_list.id})
    decided = delete(PriceListRow).where(PriceListRow.price_list_id == price_list.id, PriceListRow.decision == "apply")
    gone = session().execute(decided.returning(PriceListRow.row)).all()
    price_list.offers_changed += counts[CHANGED]
    price_list.offers_quarantined -= len(gone)


def _has_newer_stock(price_list: PriceList) -> bool:
    newer = select(PriceList.id).where(
        PriceList.supplier_id == price_list.supplier_id,
        PriceList.id > price_list.id,
        PriceList.state == APPLIED,
        STATES_SOMETHING,
    )
    return session().scalar(newer.limit(1)) is not None


def _count(price_list: PriceList, counts: Mapping[str, int]) -> None:
    price_list.offers_new = counts[NEW]
    price_list.offers_changed = counts[CHANGED]
    price_list.offers_withdrawn = counts[WITHDRAWN]
    price_list.offers_unchanged = counts[UNCHANGED]
    price_list.offers_quarantined = counts[QUARANTINED]


def _replace_older(price_list: PriceList) -> None:
    """Lists still held say less than this one; only stock says nothing about them."""
    if price_list.mode == STOCK_ONLY:
        return
    older = (
        PriceList.supplier_id == price_list.supplier_id,
        PriceList.id < price_list.id,
        PriceList.state == HELD,
    )
    session().execute(delete(PriceListRow).where(PriceListRow.price_list_id.in_(select(PriceList.id).where(*older))))
    said = values_of([Reason("replaced")])
    session().execute(update(PriceList).where(*older).values(state=DISCARDED, finished_at=now(), **said))
