"""XLSX: the first sheet that names columns we know."""

from collections.abc import Iterator
from itertools import islice
from typing import Any, BinaryIO

from shop.catalog.price_lists.formats.columns import LINES_BEFORE_NAMES, Header, Layout, find_header, parsed_table
from shop.catalog.price_lists.formats.parsed import Limits, ParsedPriceList, UnreadablePriceList
from shop.catalog.price_lists.formats.shared_texts import DamagedWorkbookError
from shop.catalog.price_lists.formats.unpacking import check_zip
from shop.catalog.price_lists.formats.workbooks import Sheet, Workbook
from shop.sheets import SheetTooLargeError

MOST_SHEETS = 20


def read_xlsx(file: BinaryIO, layout: Layout, limits: Limits) -> ParsedPriceList:
    archive = check_zip(file, limits)
    names = set(archive.namelist())
    if "[Content_Types].xml" not in names or not any(name.startswith("xl/") for name in names):
        raise UnreadablePriceList("archive")
    if "xl/workbook.bin" in names:
        raise UnreadablePriceList("binary_excel")
    try:
        workbook = Workbook(archive)
    except DamagedWorkbookError as error:
        raise _damaged(error) from None
    sheet, header = _sheet(workbook, layout)
    rows_expected = workbook.rows_stated(sheet) - header.line - 1
    return parsed_table("xlsx", _lines(workbook, sheet), header, layout, rows_expected=rows_expected)


def _sheet(workbook: Workbook, layout: Layout) -> tuple[Sheet, Header]:
    for sheet in workbook.sheets[:MOST_SHEETS]:
        header = find_header(list(islice(_lines(workbook, sheet), LINES_BEFORE_NAMES)), layout)
        if header:
            return sheet, header
    raise UnreadablePriceList("no_known_sheet")


def _lines(workbook: Workbook, sheet: Sheet) -> Iterator[list[Any]]:
    try:
        yield from workbook.lines(sheet)
    except SheetTooLargeError:
        raise UnreadablePriceList("sheet_too_large", sheet=sheet.name[:40]) from None
    except DamagedWorkbookError as error:
        raise _damaged(error) from None


def _damaged(error: DamagedWorkbookError) -> UnreadablePriceList:
    return UnreadablePriceList("workbook_unreadable", said=str(error)[:200])
