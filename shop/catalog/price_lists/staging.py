"""Rows and issues go beside the catalog in bulk, batch by batch, so that everybody sees how far the import is."""

from collections.abc import Iterable, Sequence
from dataclasses import astuple, fields
from itertools import islice
from typing import Any

from psycopg.sql import SQL, Identifier
from psycopg.types.json import Jsonb
from sqlalchemy import delete, text, update

from shop.catalog.price_lists.formats import ParsedPriceList
from shop.catalog.price_lists.models import PriceList, PriceListIssue, PriceListRow
from shop.catalog.price_lists.rows import Checked, Issue, Row, check_categories, check_fields, check_goods
from shop.db import session, transaction
from shop.errors import Invalid

BATCH = 5000
ROW_COLUMNS = ("price_list_id", *(field.name for field in fields(Row)))
ISSUE_COLUMNS = ("price_list_id", *(field.name for field in fields(Issue)))


class NothingUsable(Invalid):
    code = "NothingUsable"
    message = "None of the {rows} goods in the file can be taken; the catalog stays as it is."


class NoGoods(Invalid):
    code = "NoGoods"
    message = "The file holds no goods; the catalog stays as it is."


def stage(price_list_id: int, parsed: ParsedPriceList, *, mode: str) -> None:
    """Checks and stages all goods, in transactions of its own; refuses a list of which nothing is left."""
    if not parsed.goods:
        raise NoGoods
    categories, category_issues = check_categories(parsed.categories)
    with transaction():
        session().execute(delete(PriceListRow).where(PriceListRow.price_list_id == price_list_id))
        session().execute(delete(PriceListIssue).where(PriceListIssue.price_list_id == price_list_id))
        _note(price_list_id, categories=categories, rows_total=len(parsed.goods), rows_done=0, rows_rejected=0)
        _copy_issues(price_list_id, [*category_issues, *check_fields(parsed.goods)])
    checked = iter(check_goods(parsed.goods, categories, mode))
    taken = 0
    while batch := list(islice(checked, BATCH)):
        with transaction():
            taken += _stage_batch(price_list_id, batch)
    if not taken:
        raise NothingUsable(rows=len(parsed.goods))
    with transaction():  # or the planner takes the new rows for a handful and joins them by nested loops
        session().execute(text("ANALYZE price_list_rows"))


def _stage_batch(price_list_id: int, batch: Sequence[Checked]) -> int:
    rows = [each.row for each in batch if each.row is not None]
    _copy_rows(price_list_id, rows)
    _copy_issues(price_list_id, [issue for each in batch for issue in each.issues])
    _note(
        price_list_id,
        rows_done=PriceList.rows_done + len(batch),
        rows_rejected=PriceList.rows_rejected + len(batch) - len(rows),
    )
    return len(rows)


def _note(price_list_id: int, **values: Any) -> None:
    session().execute(update(PriceList).where(PriceList.id == price_list_id).values(**values))


def _copy_rows(price_list_id: int, rows: Iterable[Row]) -> None:
    parameters = ROW_COLUMNS.index("parameters")
    records = []
    for row in rows:
        record = [price_list_id, *(getattr(row, name) for name in ROW_COLUMNS[1:])]
        record[parameters] = Jsonb(row.parameters)
        records.append(record)
    _copy("price_list_rows", ROW_COLUMNS, records)


def _copy_issues(price_list_id: int, issues: Iterable[Issue]) -> None:
    _copy("price_list_issues", ISSUE_COLUMNS, [(price_list_id, *astuple(issue)) for issue in issues])


def _copy(table: str, columns: Sequence[str], records: Iterable[Sequence[Any]]) -> None:
    """COPY on the session's own connection: part of its transaction, and ten times as fast as INSERT."""
    connection: Any = session().connection().connection.driver_connection
    names = SQL(", ").join(map(Identifier, columns))
    statement = SQL("COPY {} ({}) FROM STDIN").format(Identifier(table), names)
    with connection.cursor() as cursor, cursor.copy(statement) as copy:
        for record in records:
            copy.write_row(record)
