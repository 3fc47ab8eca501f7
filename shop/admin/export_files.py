"""Lists as files: CSV and XLSX, row by row as the database gives them, capped."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import date, datetime
from decimal import Decimal
from functools import partial
from typing import Any

from flask import Response
from sqlalchemy import Engine, Row, Select

from shop.admin.formats import zone
from shop.database import now, session
from shop.spreadsheets.writers import BYTE_ORDER_MARK, CSV_TYPE, XLSX_TYPE, write_csv, write_xlsx
from shop.translations import t

MOST_ROWS = 100_000
ROWS_AT_ONCE = 1_000

Columns = Sequence[tuple[str, str]]
Cells = list[Any]


def export_rows(name: str, kind: str, statement: Select[*tuple[Any, ...]], columns: Columns) -> Response:
    """At most MOST_ROWS of them; a last line says where there are more.

    Sending outlives the request and its session, hence a connection of its own. Its first part is made before the
    answer begins, so that what is wrong with the statement is still an error.
    """
    place, more = zone(), t("… and more: narrow the list by filters.")
    mimetype, write = KINDS[kind]
    parts = write(_lines(_rows(session().connection().engine, statement), columns, place, more))
    file_name = f"{name}-{now().astimezone(place):%Y-%m-%d-%H%M}.{kind}"
    answer = Response(_begun(next(parts), parts), mimetype=mimetype)
    answer.headers["Content-Disposition"] = f'attachment; filename="{file_name}"'
    return answer


def _begun(first: bytes, others: Iterator[bytes]) -> Iterator[bytes]:
    yield first
    yield from others


def _rows(engine: Engine, statement: Select[*tuple[Any, ...]]) -> Iterator[Row[Any]]:
    limited = statement.limit(MOST_ROWS + 1).execution_options(yield_per=ROWS_AT_ONCE)
    with engine.connect() as connection, connection.execute(limited) as rows:
        yield from rows


def _lines(rows: Iterable[Row[Any]], columns: Columns, place: Any, more: str) -> Iterator[Cells]:
    yield [label for _, label in columns]
    for number, row in enumerate(rows):
        if number == MOST_ROWS:
            yield [more]
            return
        yield [_cell(getattr(row, name), place) for name, _ in columns]


def _cell(value: Any, place: Any) -> Any:
    if isinstance(value, datetime):
        return value.astimezone(place).strftime("%Y-%m-%d %H:%M:%S")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, list | tuple):
        value = ", ".join(map(str, value))
    if isinstance(value, bool) or value is None:
        return "" if value is None else str(value).lower()
    if isinstance(value, int | Decimal):
        return value
    return str(value)


KINDS: dict[str, tuple[str, Callable[[Iterable[Cells]], Iterator[bytes]]]] = {
    "csv": (CSV_TYPE, partial(write_csv, mark=BYTE_ORDER_MARK)),
    "xlsx": (XLSX_TYPE, write_xlsx),
}
