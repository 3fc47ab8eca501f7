"""The one writer of CSV and the one of XLSX: row by row, in pieces, and a spreadsheet program runs nothing of it."""

import csv
import io
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal
from typing import Any

from xlsxwriter import Workbook

from shop.spreadsheets.cells import harmless

CSV_TYPE = "text/csv; charset=utf-8"
XLSX_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
BYTE_ORDER_MARK = "\ufeff"  # without it spreadsheet programs take Russian for something else
PIECE = 64 * 1024
MOST_EXACT = 2**53  # beyond it a workbook's numbers lose digits

Rows = Iterable[Sequence[Any]]


def write_csv(rows: Rows, *, delimiter: str = ",", mark: str = "") -> Iterator[bytes]:
    """`mark` is BYTE_ORDER_MARK where people open it."""
    text = io.StringIO(mark, newline="")
    text.seek(0, io.SEEK_END)
    writer = csv.writer(text, delimiter=delimiter)
    for row in rows:
        writer.writerow([_csv_cell(value) for value in row])
        if text.tell() > PIECE:
            yield text.getvalue().encode()
            text.seek(0)
            text.truncate()
    yield text.getvalue().encode()


def write_xlsx(rows: Rows, *, sheet: str | None = None) -> Iterator[bytes]:
    """A workbook is an archive, so it is complete in a file before its first byte leaves; memory stays the same."""
    with tempfile.TemporaryFile() as file:
        options = {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
        with Workbook(file, options) as workbook:
            worksheet = workbook.add_worksheet(sheet)
            for number, row in enumerate(rows):
                for column, value in enumerate(row):
                    _write_cell(worksheet, number, column, value)
        file.seek(0)
        while piece := file.read(PIECE):
            yield piece


def _csv_cell(value: Any) -> Any:
    if isinstance(value, bool):
        return "true" if value else "false"
    return harmless(value) if isinstance(value, str) else value


def _write_cell(worksheet: Any, row: int, column: int, value: Any) -> None:
    """Text runs nothing in a workbook, but does when that is saved as CSV."""
    if isinstance(value, bool):
        worksheet.write_boolean(row, column, value)
    elif isinstance(value, int | float | Decimal) and -MOST_EXACT < value < MOST_EXACT:
        worksheet.write_number(row, column, value)
    elif value is not None:
        worksheet.write_string(row, column, harmless(str(value)))
