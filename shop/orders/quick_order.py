"""Quick order: lines "SKU quantity" pasted as text, or from a CSV or XLSX file."""

import csv
import io
import re
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal

from python_calamine import CalamineError, CalamineWorkbook

from shop.errors import Invalid
from shop.orders.filling import Wanted
from shop.sheets import SheetTooLargeError, check_workbook

MAX_LINES = 1000
MAX_SHEET_BYTES = 5 * 2**20
LARGEST_QUANTITY = Decimal(10**9)
LIMITS = {"rows": 10_000, "columns": 200, "cells": 500_000, "text": 10 * 2**20, "unpacked": 50 * 2**20}
BROKEN_SHEET = (CalamineError, zipfile.BadZipFile, zlib.error, EOFError, LookupError, OSError, RuntimeError, ValueError)
XLSX_MAGIC = b"PK\x03\x04"
NUMBER = re.compile(r"\d+(?:[.,]\d+)?")
SKU_AND_QUANTITY = re.compile(rf"(?P<sku>.+)\s(?P<quantity>{NUMBER.pattern})")


class UnreadableQuickOrder(Invalid):
    code = "UnreadableQuickOrder"
    message = "{reason}"


@dataclass(frozen=True)
class QuickLine:
    """A row of the list: what it wants, or why it cannot be read."""

    row: int
    text: str
    wanted: Wanted | None = None
    problem: str = ""


def read_quick_order(raw: bytes | str, *, supplier_id: int | None = None) -> list[QuickLine]:
    """Every row that is not blank, in order. A heading (no digit in the last column of row 1) is passed over."""
    rows = _sheet_rows(raw) if isinstance(raw, bytes) and raw.startswith(XLSX_MAGIC) else _text_rows(_decode(raw))
    lines = [_line(number, cells, supplier_id) for number, cells in rows]
    if lines and lines[0].row == 1 and lines[0].wanted is None and not any(map(str.isdigit, lines[0].text)):
        lines = lines[1:]
    if not lines:
        raise UnreadableQuickOrder(reason="There are no lines in it. Each line is a SKU and a quantity.")
    if len(lines) > MAX_LINES:
        raise UnreadableQuickOrder(reason=f"It has more than {MAX_LINES} lines.")
    return lines


def _decode(raw: bytes | str) -> str:
    if isinstance(raw, str):
        return raw
    for encoding in ("utf-8-sig", "windows-1251"):
        try:
            return raw.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise UnreadableQuickOrder(reason="The file is neither text nor an XLSX sheet.")


def _text_rows(text: str) -> Iterator[tuple[int, Sequence[str]]]:
    """Columns where a separator is used, else the SKU up to the last blank and the quantity after it."""
    if "\x00" in text:
        raise UnreadableQuickOrder(reason="The file is neither text nor an XLSX sheet.")
    for number, line in enumerate(io.StringIO(text, newline=None), start=1):
        if not line.strip():
            continue
        separator = next((sign for sign in ";\t|" if sign in line), None)
        if separator:
            yield number, _columns(line.strip(), separator)
        else:
            match = SKU_AND_QUANTITY.fullmatch(line.strip())
            yield number, (match["sku"], match["quantity"]) if match else (line.strip(),)


def _columns(line: str, separator: str) -> Sequence[str]:
    try:
        return next(csv.reader([line], delimiter=separator))
    except csv.Error:  # a cell of 128 KiB
        return (line,)


def _sheet_rows(raw: bytes) -> Iterator[tuple[int, Sequence[str]]]:
    if len(raw) > MAX_SHEET_BYTES:
        raise UnreadableQuickOrder(reason=f"The sheet is larger than {MAX_SHEET_BYTES // 2**20} MiB.")
    try:
        check_workbook(io.BytesIO(raw), **LIMITS)
        rows: Iterable[Sequence[object]] = (
            CalamineWorkbook.from_filelike(io.BytesIO(raw)).get_sheet_by_index(0).to_python()
        )
    except SheetTooLargeError:
        raise UnreadableQuickOrder(reason="The sheet is too large. Delete its empty rows and columns.") from None
    except BROKEN_SHEET as error:
        raise UnreadableQuickOrder(reason=f"The sheet cannot be read: {str(error)[:200]}") from None
    for number, cells in enumerate(rows, start=1):
        if any(str(cell).strip() for cell in cells):
            yield number, [_cell(cell) for cell in cells]


def _cell(value: object) -> str:
    """A SKU that a sheet has made a number of comes back without its .0."""
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def _line(row: int, cells: Sequence[str], supplier_id: int | None) -> QuickLine:
    text = " ".join(cells)[:200]
    filled = [cell.strip() for cell in cells if cell.strip()]
    if len(filled) < 2:
        return QuickLine(row, text, problem="A line is a SKU and a quantity.")
    sku, quantity = filled[0], _quantity(filled[1])
    if quantity is None:
        return QuickLine(row, text, problem=f"«{filled[1][:50]}» is not a quantity.")
    return QuickLine(row, text, Wanted(quantity, sku=sku[:255], supplier_id=supplier_id))


def _quantity(text: str) -> Decimal | None:
    digits = re.sub(r"\s", "", text)
    if not NUMBER.fullmatch(digits) or len(digits) > 20:
        return None
    quantity = Decimal(digits.replace(",", "."))
    return quantity if 0 < quantity <= LARGEST_QUANTITY and quantity == round(quantity, 3) else None
