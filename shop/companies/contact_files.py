"""Files of delivery points: XLSX and CSV as spreadsheet programs write them, read into rows of text within limits."""

import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

from shop.errors import FieldError, Invalid
from shop.spreadsheets import (
    CutLine,
    Limits,
    SheetTooLargeError,
    TextTable,
    UnreadableSheetError,
    Workbook,
    cell_text,
    is_zip,
    last_filled,
)

MAX_ROWS = 1000
MAX_COLUMNS = 50
MIB = 2**20
MOST = {"rows": 5000, "columns": 100, "cells": 100_000, "text": 4 * MIB, "texts": 100_000, "elements": 400_000}
LIMITS = Limits(**MOST, unpacked=16 * MIB)
DELIMITERS = ";,\t|"

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

Row = tuple[int, Mapping[str, str] | list[FieldError]]

CUT = "The file ends in the middle of this row."
TOO_WIDE = "The row has more cells than the first row has names. Is a comma not in quotes?"


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
    """The rows under the header, with the numbers that the spreadsheet program shows; empty ones are left out.

    A row that has lost its end, or whose cells cannot be told apart, is what is wrong with it.
    """
    try:
        table = list(islice(_lines(raw), LIMITS.rows + 1))
    except SheetTooLargeError:
        raise FileTooLong(rows=MAX_ROWS, columns=MAX_COLUMNS) from None
    except UnreadableSheetError:
        raise FileUnreadable from None
    names = [cell_text(name) for name in (table[0] if table else ())]
    filled = sum(1 for line in table if last_filled(line))
    if filled > MAX_ROWS + 1 or len(table) > LIMITS.rows or any(last_filled(line) > MAX_COLUMNS for line in table):
        raise FileTooLong(rows=MAX_ROWS, columns=MAX_COLUMNS)
    header = [COLUMNS.get(name.casefold()) for name in names]
    missing = [name for name in NEEDED if name not in header]
    if missing:
        raise ColumnsMissing(missing=", ".join(missing), errors=[FieldError("files", "file", "Names of columns.")])
    return list(_rows(header, last_filled(names), table[1:]))


def _lines(raw: bytes) -> Iterable[Sequence[Any]]:
    """A formula counts with the value that was saved with it."""
    file = io.BytesIO(raw)
    if is_zip(raw):
        workbook = Workbook(file, LIMITS)
        return workbook.lines(workbook.sheets[0])
    table = TextTable(file)
    table.check_size(lines=LIMITS.rows)
    first, _, _ = table.head().partition("\n")
    return table.lines(max(DELIMITERS, key=first.count))


def _rows(header: Sequence[str | None], width: int, table: Sequence[Sequence[Any]]) -> Iterator[Row]:
    for number, cells in enumerate(table, start=2):
        if not last_filled(cells):
            continue
        if last_filled(cells) > width:
            yield number, [FieldError("files", "", TOO_WIDE)]
        elif isinstance(cells, CutLine):
            yield number, [FieldError("files", "", CUT)]
        else:
            texts = ((name, cell_text(cell)) for name, cell in zip(header, cells, strict=False) if name)
            if values := {name: text for name, text in texts if text}:
                yield number, values
