"""Files of delivery points: XLSX and CSV as spreadsheet programs write them, read into rows of text within limits."""

import csv
import io
import zipfile
import zlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from python_calamine import CalamineError, CalamineWorkbook

from shop.errors import FieldError, Invalid
from shop.sheets import SheetTooLargeError, check_workbook

MAX_ROWS = 1000
MAX_COLUMNS = 50
LIMITS = {"rows": 5000, "columns": 100, "cells": 500_000, "text": 20 * 2**20, "unpacked": 20 * 2**20}

# The columns by the names that people give them; an unknown column is left out.
COLUMNS: Mapping[str, str] = {
    "name": "name",
    "название": "name",
    "наименование": "name",
    "магазин": "name",
    "код": "name",
    "city": "city",
    "город": "city",
    "street": "street",
    "улица": "street",
    "house": "house",
    "дом": "house",
    "structure": "structure",
    "корпус": "structure",
    "building": "building",
    "строение": "building",
    "apartment": "apartment",
    "квартира": "apartment",
    "офис": "apartment",
    "phone": "phone",
    "телефон": "phone",
    "receiving_hours": "receiving_hours",
    "часы приёмки": "receiving_hours",
    "часы приемки": "receiving_hours",
}
NEEDED = ("name", "city", "street", "house", "phone")

Row = tuple[int, Mapping[str, str]]


class FileUnreadable(Invalid):
    code = "FileUnreadable"
    message = "The file is neither XLSX nor CSV that can be read."


class FileTooLong(Invalid):
    code = "FileTooLong"
    message = "The file has more than {rows} rows or {columns} columns."


class ColumnsMissing(Invalid):
    code = "ColumnsMissing"
    message = "The first row must name the columns; missing: {missing}."


def read_contacts(raw: bytes) -> list[Row]:
    """The rows under the header, with the numbers that the spreadsheet program shows; empty ones are left out."""
    table = _xlsx(raw) if raw.startswith(b"PK") else _csv(raw)
    if len(table) > MAX_ROWS + 1 or any(len(row) > MAX_COLUMNS for row in table):
        raise FileTooLong(rows=MAX_ROWS, columns=MAX_COLUMNS)
    header = [COLUMNS.get(" ".join(name.split()).casefold()) for name in (table[0] if table else ())]
    missing = [name for name in NEEDED if name not in header]
    if missing:
        raise ColumnsMissing(missing=", ".join(missing), errors=[FieldError("files", "file", "Names of columns.")])
    return list(_rows(header, table[1:]))


def _rows(header: Sequence[str | None], table: Sequence[Sequence[str]]) -> Iterator[Row]:
    for number, cells in enumerate(table, start=2):
        values = {name: cell for name, cell in zip(header, cells, strict=False) if name and cell.strip()}
        if values:
            yield number, values


def _csv(raw: bytes) -> list[list[str]]:
    """UTF-8 or, as Excel writes it in Russia, Windows-1251 with semicolons."""
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = raw.decode("cp1251", errors="replace")
    first, _, _ = text.partition("\n")
    delimiter = max(";,\t", key=first.count)
    try:
        return _first(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True))
    except csv.Error:
        raise FileUnreadable from None


def _first(rows: Iterator[list[str]]) -> list[list[str]]:
    return [row for row, _ in zip(rows, range(MAX_ROWS + 2), strict=False)]


# Whatever zipfile, zlib, the XML parser and the reader say of a file that is not what it claims to be.
BROKEN_SHEET = (
    CalamineError,
    zipfile.BadZipFile,
    zlib.error,
    EOFError,
    LookupError,
    OSError,
    RuntimeError,
    ValueError,
)


def _xlsx(raw: bytes) -> list[list[str]]:
    """The first sheet. A formula counts with the value that was saved with it."""
    try:
        check_workbook(io.BytesIO(raw), **LIMITS)
        workbook = CalamineWorkbook.from_filelike(io.BytesIO(raw))
        rows = workbook.get_sheet_by_index(0).to_python(skip_empty_area=False, nrows=MAX_ROWS + 2)
    except SheetTooLargeError:
        raise FileTooLong(rows=MAX_ROWS, columns=MAX_COLUMNS) from None
    except BROKEN_SHEET:
        raise FileUnreadable from None
    return [[_text(cell) for cell in row] for row in rows]


def _text(cell: Any) -> str:
    """Numbers as people wrote them: a house is 5, not 5.0."""
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    return str(cell)
