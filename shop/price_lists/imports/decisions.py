"""Decisions about a list: a held one is applied or discarded, as a whole or row by row; quarantined rows, too."""

from collections.abc import Sequence

from sqlalchemy import ARRAY, BigInteger, ColumnElement, Select, delete, func, literal, select, text, update

from shop.auth.models import User
from shop.catalog.events import PriceListApproved
from shop.database import now, session
from shop.errors import Conflict, FieldError, Invalid
from shop.outbox.events import publish
from shop.price_lists.models import (
    APPLIED,
    APPLY,
    DISCARD,
    DISCARDED,
    HELD,
    QUEUED,
    ChangeSetLine,
    PriceList,
    PriceListRow,
)
from shop.price_lists.reading.listed_fields import DATA
from shop.price_lists.reasons import Reason, give_reasons

RELEASE = text("""
UPDATE offers AS offer SET is_quarantined = FALSE, updated_at = now()
FROM unnest(CAST(:external_ids AS text[])) AS decided (external_id)
WHERE offer.supplier_id = :supplier_id AND offer.is_quarantined AND offer.external_id = decided.external_id
""")
PATIENCE = text("SET LOCAL statement_timeout = '2min'")  # of a list whose goods are all quarantined

LOCK_LISTED = text("""
SELECT id FROM offers
WHERE supplier_id = :supplier_id AND is_listed AND external_id = ANY (:external_ids)
ORDER BY id
FOR NO KEY UPDATE
""")
WITHDRAW = text("""
UPDATE offers
SET is_listed = FALSE, withdrawn_at = now(), is_quarantined = FALSE, revision = revision + 1, updated_at = now()
WHERE id = ANY (:offer_ids)
""")
WRITE_WITHDRAWALS = text(f"""
INSERT INTO offer_revisions (offer_id, revision, price_list_id, user_id, is_listed, {", ".join(DATA)})
SELECT id, revision, :price_list_id, :user_id, is_listed, {", ".join(DATA)} FROM offers WHERE id = ANY (:offer_ids)
""")  # noqa: S608 - of constants


class NothingToDecide(Conflict):
    code = "NothingToDecide"
    message = "This list is {state} and waits for no decision."


class RowsUnknown(Invalid):
    code = "RowsUnknown"
    message = "These rows wait for no decision: {rows}."


class NoPriceToApply(Conflict):
    code = "NoPriceToApply"
    message = "These rows state no price that could be taken: {rows}. Keep the old price, or withdraw the goods."


def apply_list(
    price_list: PriceList, *, rows: Sequence[int] | None, with_quarantined: bool = False, by: User
) -> PriceList:
    """A worker carries it out. The whole list comes to its turn again; who approves it has seen its change set.

    Quarantined rows of a held list go on waiting, unless it is applied `with_quarantined`.
    """
    _lock(price_list)
    if price_list.state == HELD and rows is None:
        price_list.state, price_list.attempts = QUEUED, 0
        give_reasons(price_list)
        price_list.started_at = None  # its turn begins anew: a newer list must not take it for stranded
        price_list.is_dry_run, price_list.takes_quarantined = False, with_quarantined
        price_list.approved_at, price_list.approved_by_id = now(), by.id
    else:
        _refuse_without_price(price_list, rows)
        _mark(price_list, rows, APPLY)
        price_list.approved_by_id = by.id
    publish(PriceListApproved(price_list_id=price_list.id))
    return price_list


def discard_list(price_list: PriceList, *, rows: Sequence[int] | None, by: User) -> PriceList:
    """Nothing of it is applied; of rows that were quarantined, the offers can be ordered again at the old price."""
    _lock(price_list)
    if price_list.state in (HELD, QUEUED) and rows is None:
        session().execute(delete(PriceListRow).where(PriceListRow.price_list_id == price_list.id))
        price_list.state, price_list.finished_at = DISCARDED, now()
        give_reasons(price_list, Reason("refused"))
        price_list.discarded_by_id = by.id
        return price_list
    discarded = _mark(price_list, rows, DISCARD)
    _note_discarded(price_list, discarded)
    if price_list.state == APPLIED:
        _release(price_list, discarded)
    return price_list


def withdraw_rows(price_list: PriceList, *, rows: Sequence[int] | None, by: User) -> PriceList:
    """The goods of quarantined rows are withdrawn, until a list has them again."""
    _lock(price_list)
    if price_list.state != APPLIED:
        raise NothingToDecide(state=price_list.state)
    found = _mark(price_list, rows, DISCARD)
    gone = delete(PriceListRow).where(PriceListRow.price_list_id == price_list.id, PriceListRow.row.in_(found))
    external_ids = list(session().scalars(gone.returning(PriceListRow.external_id)))
    ids = {"price_list_id": price_list.id, "supplier_id": price_list.supplier_id, "external_ids": external_ids}
    offer_ids = list(session().scalars(LOCK_LISTED, ids))
    session().execute(WITHDRAW, {"offer_ids": offer_ids})
    session().execute(WRITE_WITHDRAWALS, ids | {"offer_ids": offer_ids, "user_id": by.id})
    lines = (ChangeSetLine.price_list_id == price_list.id, ChangeSetLine.row.in_(found))
    session().execute(update(ChangeSetLine).where(*lines).values(change="withdrawn"))
    price_list.offers_quarantined -= len(found)
    price_list.offers_withdrawn += len(offer_ids)
    return price_list


def _lock(price_list: PriceList) -> None:
    session().refresh(price_list, with_for_update=True)


def _mark(price_list: PriceList, rows: Sequence[int] | None, decision: str) -> list[int]:
    """The rows that wait: all of an applied list's quarantined ones, or those named."""
    if price_list.state not in (HELD, APPLIED):
        raise NothingToDecide(state=price_list.state)
    waiting = (PriceListRow.price_list_id == price_list.id) & PriceListRow.decision.is_(None)
    wanted: ColumnElement[bool] = waiting if rows is None else waiting & PriceListRow.row.in_(_select_given(rows))
    if decision == APPLY:
        wanted &= ~PriceListRow.is_price_refused
    statement = update(PriceListRow).where(wanted).values(decision=decision).returning(PriceListRow.row)
    found = list(session().scalars(statement))
    if missing := sorted(set(rows or ()) - set(found)):
        shown = ", ".join(map(str, missing[:20]))
        raise RowsUnknown(errors=[FieldError("json", "rows", RowsUnknown.message.format(rows=shown))], rows=shown)
    if not found:
        raise NothingToDecide(state=price_list.state)
    return found


def _refuse_without_price(price_list: PriceList, rows: Sequence[int] | None) -> None:
    """Where nothing else is left to apply, or such rows are named."""
    mine = (PriceListRow.price_list_id == price_list.id) & PriceListRow.decision.is_(None)
    without = select(PriceListRow.row).where(mine, PriceListRow.is_price_refused).order_by(PriceListRow.row)
    if rows is not None:
        without = without.where(PriceListRow.row.in_(_select_given(rows)))
    elif session().scalar(select(PriceListRow.row).where(mine, ~PriceListRow.is_price_refused).limit(1)) is not None:
        return
    if found := session().scalars(without.limit(20)).all():
        raise NoPriceToApply(rows=", ".join(map(str, found)))


def _note_discarded(price_list: PriceList, rows: Sequence[int]) -> None:
    lines = (ChangeSetLine.price_list_id == price_list.id, ChangeSetLine.row.in_(_select_given(rows)))
    before = session().scalars(select(ChangeSetLine.change).where(*lines)).all()
    session().execute(update(ChangeSetLine).where(*lines).values(change="discarded"))
    price_list.offers_new -= before.count("new")
    price_list.offers_changed -= before.count("changed")
    price_list.offers_quarantined -= before.count("quarantined")


def _select_given(rows: Sequence[int]) -> Select[tuple[int]]:
    """One parameter however many they are: a statement takes 65,535 at most, and a list may have more rows."""
    return select(func.unnest(literal(list(rows), ARRAY(BigInteger))))


def _release(price_list: PriceList, rows: Sequence[int]) -> None:
    gone = delete(PriceListRow).where(
        PriceListRow.price_list_id == price_list.id, PriceListRow.row.in_(_select_given(rows))
    )
    external_ids = list(session().scalars(gone.returning(PriceListRow.external_id)))
    session().execute(PATIENCE)
    session().execute(RELEASE, {"supplier_id": price_list.supplier_id, "external_ids": external_ids})
