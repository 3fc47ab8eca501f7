"""Rows and issues go beside the catalog in bulk, batch by batch, so that everybody sees how far the import is."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import chain, islice
from typing import Any

import orjson
from psycopg import Copy
from psycopg.sql import SQL, Identifier
from psycopg.types.json import Jsonb
from sqlalchemy import delete, func, select, text, update

from shop.database import session, transaction
from shop.errors import Invalid
from shop.price_lists.imports.missing_fields import count_unknown, refuse_columns, refuse_missing
from shop.price_lists.imports.sku_ids import identify_by_sku
from shop.price_lists.models import FULL, PriceList, PriceListIssue, PriceListRow
from shop.price_lists.reading import ParsedPriceList
from shop.price_lists.reading.cell_values import CONTROLS
from shop.price_lists.reading.listed_fields import Had
from shop.price_lists.reading.row_checks import Checked, check_categories, check_goods, unread_fields, without_stock
from shop.price_lists.reading.row_reader import Row
from shop.price_lists.reasons import WHY_FAILED, RefusedFile
from shop.price_lists.row_issues import Issue, Problem
from shop.spreadsheets.headings import FIELDS

BATCH = 5000
PIECE = 50
FEW = 10
PATIENCE = text("SET LOCAL statement_timeout = '15min'")
ROW_COLUMNS = ("price_list_id", *Row._fields)
ISSUE_COLUMNS = ("price_list_id", *Issue._fields)
NULL = "\x01"
SEVERAL_GOODS = Problem("sku", "sku_ambiguous", (("sentence", "sku_ambiguous:commonest"),))

Progress = Callable[[int, int], None]


class NothingUsable(RefusedFile):
    code = "NothingUsable"


class NoGoods(Invalid):
    code = "NoGoods"
    message = WHY_FAILED["NoGoods"]


def stage(price_list_id: int, parsed: ParsedPriceList, *, mode: str, progress: Progress | None = None) -> None:
    """Checks and stages all goods, in transactions of its own; refuses a list of which nothing is left.

    Only a full list may be empty: what that would do is for its supplier to decide.
    """
    refuse_columns(parsed, mode)
    categories, category_issues = check_categories(parsed.categories)
    with transaction():
        forget_rows(price_list_id)
        _note(price_list_id, format=parsed.format, shop=CONTROLS.sub(" ", parsed.shop)[:500])
        _note(price_list_id, categories=categories, rows_total=parsed.rows_expected, rows_done=0, rows_rejected=0)
        _copy_issues(price_list_id, category_issues)
    unread: Counter[str] = Counter()
    had = Had() if parsed.lacks is None else Had(set(FIELDS) - parsed.lacks, set(parsed.parameters))
    declares = parsed.declares_categories
    checked = check_goods(parsed.goods, categories, mode, had=had, declares_categories=declares, unread=unread)
    done, rejected, errors = _stage_batches(price_list_id, checked, progress or (lambda *_: None), parsed.rows_expected)
    with transaction():
        session().execute(PATIENCE)
        _note(price_list_id, categories=categories, rows_total=done, had=had.names())
        _copy_issues(price_list_id, [*unread_fields(unread), *without_stock(had)])
        missing = _refuse_late(price_list_id, mode, had, parsed) if done else Counter[Problem]()
        is_usable = done != rejected + missing.total() or _is_few_refused_prices(price_list_id, done, had)
    if done and not is_usable:
        [(commonest, _)] = (errors + missing).most_common(1)
        raise NothingUsable("NothingUsable", rows=done, commonest=commonest.kept())
    if not done and mode != FULL:
        raise NoGoods
    with transaction():  # or the planner takes the new rows for a handful and joins them by nested loops
        session().execute(text("ANALYZE price_list_rows (price_list_id, row, external_id, category, decision)"))


def _refuse_late(price_list_id: int, mode: str, had: Had, parsed: ParsedPriceList) -> Counter[Problem]:
    """What is wrong with how many rows, seen only now that all goods were read."""
    wrong: Counter[Problem] = Counter()
    if parsed.ids_are_skus:
        wrong[SEVERAL_GOODS] = identify_by_sku(price_list_id)
    wrong += refuse_missing(price_list_id, mode, had.names(), parsed)
    _note(price_list_id, rows_rejected=PriceList.rows_rejected + wrong.total())
    return wrong


def _is_few_refused_prices(price_list_id: int, done: int, had: Had) -> bool:
    """A column that is read wrong has more rows; a few prices that are refused say something of each good."""
    if done > FEW or "price" not in had.fields:
        return False
    staged = select(func.count()).where(PriceListRow.price_list_id == price_list_id)
    return session().scalar(staged) == done and not count_unknown(price_list_id)


def forget_rows(price_list_id: int) -> None:
    session().execute(delete(PriceListRow).where(PriceListRow.price_list_id == price_list_id))
    session().execute(delete(PriceListIssue).where(PriceListIssue.price_list_id == price_list_id))


def _stage_batches(
    price_list_id: int, checked: Iterable[Checked], progress: Progress, expected: int
) -> tuple[int, int, Counter[Problem]]:
    """How many goods there were, how many of them were rejected, and why."""
    checked, done, rejected, errors = iter(checked), 0, 0, Counter[Problem]()
    while first := next(checked, None):
        with transaction():
            batch = _stage_batch(price_list_id, chain([first], islice(checked, BATCH - 1)))
        done += batch.taken + batch.rejected
        rejected += batch.rejected
        errors.update(batch.errors[:100])
        progress(done, max(expected, done))
    return done, rejected, errors


@dataclass(slots=True)
class _Batch:
    """What there is to be said of some thousand goods when their rows have left."""

    taken: int = 0
    rejected: int = 0
    issues: list[Issue] = field(default_factory=list)
    errors: list[Problem] = field(default_factory=list)

    def add(self, each: Checked) -> None:
        self.taken += not each.is_rejected and each.row is not None
        self.issues += each.issues
        if each.is_rejected:
            self.rejected += 1
            self.errors += [issue.problem for issue in each.issues]


def _stage_batch(price_list_id: int, checked: Iterator[Checked]) -> _Batch:
    """Rows leave piece by piece: the database takes one in while the next one is read here.

    None is kept: what a piece took in memory, the next one finds in the processor's cache.
    """
    session().execute(PATIENCE)  # the COPY lasts as long as reading the goods does
    batch = _Batch()
    with _copying("price_list_rows", ROW_COLUMNS, NULL) as copy:
        while piece := list(islice(checked, PIECE)):
            copy.write(_lines(price_list_id, (each.row for each in piece if each.row is not None)))
            for each in piece:
                batch.add(each)
    _copy_issues(price_list_id, batch.issues)
    _note(
        price_list_id,
        rows_done=PriceList.rows_done + batch.taken + batch.rejected,
        rows_rejected=PriceList.rows_rejected + batch.rejected,
    )
    return batch


def _note(price_list_id: int, **values: Any) -> None:
    session().execute(update(PriceList).where(PriceList.id == price_list_id).values(**values))


def _lines(price_list_id: int, rows: Iterable[Row]) -> str:
    """As the text of COPY, made by hand: to hand over value by value takes twice the time.

    Texts of rows hold no controls, so that a tab, a line's end or NULL cannot be mistaken, and only backslashes are
    to be doubled.
    """
    return "".join(f"{price_list_id}\t{_line(row)}\n" for row in rows).replace("\\", "\\\\")


def _line(row: Row) -> str:
    *plain, barcodes, parameters = row
    values = [NULL if value is None else str(value) for value in plain]
    numbers = NULL if barcodes is None else f"{{{','.join(barcodes)}}}"
    return "\t".join((*values, numbers, orjson.dumps(parameters).decode() if parameters else "{}"))


def _copy_issues(price_list_id: int, issues: Iterable[Issue]) -> None:
    records = [
        (price_list_id, *plain, Jsonb(facts), Jsonb(original) if original else None)
        for *plain, facts, original in issues
    ]
    if records:
        with _copying("price_list_issues", ISSUE_COLUMNS) as copy:
            for record in records:
                copy.write_row(record)


@contextmanager
def _copying(table: str, columns: Sequence[str], null: str = "\\N") -> Iterator[Copy]:
    """COPY on the session's own connection: part of its transaction, and ten times as fast as INSERT."""
    connection: Any = session().connection().connection.driver_connection
    names = SQL(", ").join(map(Identifier, columns))
    statement = SQL("COPY {} ({}) FROM STDIN (NULL {})").format(Identifier(table), names, null)
    with connection.cursor() as cursor, cursor.copy(statement) as copy:
        yield copy
