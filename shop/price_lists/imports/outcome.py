"""What becomes of a staged list: compared with the catalog, held where a guard wants a person to look, else applied."""

from collections.abc import Mapping, Sequence

from sqlalchemy import ColumnElement, delete, select, text, update

from shop.catalog.events import PriceListApplied, PriceListHeld
from shop.config import Settings
from shop.database import now, session
from shop.outbox.events import publish
from shop.price_lists.imports.apply import (
    add_categories,
    apply_changes,
    forget_rows_applied,
    note_categories,
    report_unknown_offers,
)
from shop.price_lists.imports.change_sets import has_grown, write_change_set
from shop.price_lists.imports.changes_table import CHANGED, NEW, QUARANTINED, UNCHANGED, WITHDRAWN, count_changes
from shop.price_lists.imports.comparison import Guards, compare
from shop.price_lists.imports.hold_guards import guards_of, reasons_to_hold
from shop.price_lists.imports.stated_stock import forget_older_stock_changes
from shop.price_lists.models import (
    APPLIED,
    DISCARDED,
    HELD,
    STATES_SOMETHING,
    STOCK_ONLY,
    PriceList,
    PriceListRow,
)
from shop.price_lists.reasons import Reason, give_reasons, values_of

APPROVE_QUARANTINED = text("""
UPDATE price_list_changes SET change = CASE WHEN is_other THEN 'changed' ELSE 'unchanged' END
WHERE change = 'quarantined' AND NOT is_price_refused
""")
NOTE_DECIDED = text("""
UPDATE change_set_lines AS line SET change = 'changed'
FROM price_list_changes AS change
WHERE line.price_list_id = :price_list_id AND line.row = change.row AND line.change = 'quarantined'
    AND change.change IN ('changed', 'unchanged')
""")


def settle(price_list: PriceList, settings: Settings) -> None:
    """Held or applied, in the caller's transaction. Who has approved a list has seen its change set, not a larger one.

    Categories of its own are added when it is applied: where it is held, the catalog stays as it was.
    """
    guards = guards_of(price_list.supplier_id, settings)
    counts = compare(price_list, guards)
    if reasons := _reasons_to_wait(price_list, counts, guards):
        hold(price_list, counts, reasons)
        return
    if price_list.takes_quarantined:
        counts = _approve_quarantined(counts)
    add_categories(price_list)
    note_categories(price_list)
    apply_changes(price_list, counts, takes_stock=not _has_newer_stock(price_list))
    report_unknown_offers(price_list)
    forget_rows_applied(price_list, counts)
    complete(price_list, counts)


def _approve_quarantined(counts: Mapping[str, int]) -> dict[str, int]:
    """What was refused for its price states none that could be taken, and goes on waiting."""
    session().execute(APPROVE_QUARANTINED)
    found = count_changes()
    changed, quarantined = found[CHANGED], found[QUARANTINED]
    approved = counts[CHANGED] + counts[QUARANTINED] - changed - quarantined
    return dict(counts) | {CHANGED: changed, QUARANTINED: quarantined, UNCHANGED: counts[UNCHANGED] + approved}


def _reasons_to_wait(price_list: PriceList, counts: Mapping[str, int], guards: Guards) -> list[Reason]:
    if price_list.approved_at is not None:
        return [Reason("grown")] if has_grown(price_list) else []
    tried = [Reason("dry_run")] if price_list.is_dry_run else []
    return tried + reasons_to_hold(price_list, counts, guards)


def hold(price_list: PriceList, counts: Mapping[str, int], reasons: Sequence[Reason]) -> None:
    """What is only tried takes nobody's place."""
    report_unknown_offers(price_list)
    write_change_set(price_list)
    count(price_list, counts)
    price_list.state = HELD
    give_reasons(price_list, *reasons)
    price_list.approved_at = price_list.approved_by_id = None
    price_list.takes_quarantined = False
    if not price_list.is_dry_run:
        _replace_older(price_list)
    publish(PriceListHeld(price_list_id=price_list.id))


def complete(price_list: PriceList, counts: Mapping[str, int]) -> None:
    count(price_list, counts)
    price_list.state, price_list.finished_at = APPLIED, now()
    give_reasons(price_list)
    forget_older_stock_changes(price_list)
    _replace_older(price_list)
    publish(PriceListApplied(price_list_id=price_list.id))


def settle_decided_rows(price_list: PriceList, settings: Settings) -> None:
    """Only the rows that somebody has decided to apply: quarantined ones of an applied list, any of a held one."""
    guards = guards_of(price_list.supplier_id, settings)
    if price_list.state == HELD:
        add_categories(price_list)
    counts = compare(price_list, guards, only_decided=True)
    apply_changes(price_list, counts, only_decided=True, takes_stock=not _has_newer_stock(price_list))
    if price_list.state == HELD:
        held = compare(price_list, guards)
        write_change_set(price_list)
        count(price_list, held)
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
        PriceList.had.is_(None) | PriceList.had.contains(["quantity"]),
    )
    return session().scalar(newer.limit(1)) is not None


def count(price_list: PriceList, counts: Mapping[str, int]) -> None:
    price_list.offers_new = counts[NEW]
    price_list.offers_changed = counts[CHANGED]
    price_list.offers_withdrawn = counts[WITHDRAWN]
    price_list.offers_unchanged = counts[UNCHANGED]
    price_list.offers_quarantined = counts[QUARANTINED]


def _replace_older(price_list: PriceList) -> None:
    """Lists still held say less than this one; only stock says nothing about them, but for those that were tried."""
    older: list[ColumnElement[bool]] = [
        PriceList.supplier_id == price_list.supplier_id,
        PriceList.id < price_list.id,
        PriceList.state == HELD,
    ]
    if price_list.mode == STOCK_ONLY:
        older += [PriceList.is_dry_run.is_(True), PriceList.mode == STOCK_ONLY]
    session().execute(delete(PriceListRow).where(PriceListRow.price_list_id.in_(select(PriceList.id).where(*older))))
    said = values_of([Reason("replaced")])
    session().execute(update(PriceList).where(*older).values(state=DISCARDED, finished_at=now(), **said))
