"""Lists as files: CSV and XLSX, row by row as the database gives them, capped; nothing in them runs as a formula."""

import csv
import io
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from flask import Response
from sqlalchemy import Engine, Row, Select
from xlsxwriter import Workbook

from shop.admin.formats import zone
from shop.admin.words import t
from shop.database import now, session

MOST_ROWS = 100_000
ROWS_AT_ONCE = 1_000
CHUNK = 64 * 1024
FORMULA = ("=", "+", "-", "@", "\t", "\r")
BYTE_ORDER_MARK = "\ufeff"  # without it spreadsheets take Russian for something else

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
    text = str(value)
    return f"'{text}" if text.startswith(FORMULA) else text


def _csv(lines: Iterator[Cells]) -> Iterator[bytes]:
    text = io.StringIO(BYTE_ORDER_MARK)
    text.seek(0, io.SEEK_END)
    writer = csv.writer(text)
    for line in lines:
        writer.writerow(line)
        if text.tell() > CHUNK:
            yield text.getvalue().encode()
            text.seek(0)
            text.truncate()
    yield text.getvalue().encode()


def _xlsx(lines: Iterator[Cells]) -> Iterator[bytes]:
    """A workbook is an archive, so it is complete in a file before its first byte leaves; memory stays the same."""
    with tempfile.TemporaryFile() as file:
        options = {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
        with Workbook(file, options) as workbook:
            sheet = workbook.add_worksheet()
            for number, line in enumerate(lines):
                for column, cell in enumerate(line):
                    (sheet.write_string if isinstance(cell, str) else sheet.write_number)(number, column, cell)
        file.seek(0)
        while chunk := file.read(CHUNK):
            yield chunk


KINDS: dict[str, tuple[str, Callable[[Iterator[Cells]], Iterator[bytes]]]] = {
    "csv": ("text/csv; charset=utf-8", _csv),
    "xlsx": ("application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", _xlsx),
}
