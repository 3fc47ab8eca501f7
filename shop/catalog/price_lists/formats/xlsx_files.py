"""XLSX: the first sheet that names columns we know."""

from collections.abc import Iterator
from itertools import islice
from typing import Any, BinaryIO

from python_calamine import CalamineError, CalamineSheet, CalamineWorkbook

from shop.catalog.price_lists.formats.columns import LINES_BEFORE_NAMES, Header, Layout, find_header, goods_of_lines
from shop.catalog.price_lists.formats.parsed import Limits, ParsedPriceList, UnreadablePriceList
from shop.catalog.price_lists.formats.unpacking import check_zip
from shop.sheets import SheetTooLargeError, check_workbook

MOST_SHEETS = 20
MOST_CELLS = 20_000_000
MOST_ROWS, MOST_COLUMNS, MOST_TEXT = 2**20, 1000, 400 * 2**20
TOO_LARGE = "The sheet{name} is too large. Delete its empty rows and columns."


def read_xlsx(file: BinaryIO, layout: Layout, limits: Limits) -> ParsedPriceList:
    names = set(check_zip(file, limits).namelist())
    if "[Content_Types].xml" not in names or not any(name.startswith("xl/") for name in names):
        raise UnreadablePriceList(
            "The file is a zip archive and no workbook. Send the list itself, packed by gzip at most."
        )
    file.seek(0)
    try:
        check_workbook(
            file, rows=MOST_ROWS, columns=MOST_COLUMNS, cells=MOST_CELLS, text=MOST_TEXT, unpacked=limits.unpacked
        )
        sheet, header = _sheet(CalamineWorkbook.from_filelike(file), layout)
    except SheetTooLargeError:
        raise UnreadablePriceList(TOO_LARGE.format(name="")) from None
    except (CalamineError, ValueError, OSError) as error:
        raise UnreadablePriceList(f"The workbook cannot be read: {str(error)[:200]}.") from None
    goods = goods_of_lines(_lines(sheet), header, layout)
    rows_expected = max(sheet.total_height - header.line - 1, 0)
    return ParsedPriceList("xlsx", "", [], goods, rows_expected=rows_expected, declares_categories=False)


def _sheet(workbook: CalamineWorkbook, layout: Layout) -> tuple[CalamineSheet, Header]:
    for name in workbook.sheet_names[:MOST_SHEETS]:
        sheet = workbook.get_sheet_by_name(name)
        if sheet.total_height * sheet.total_width > MOST_CELLS:
            raise UnreadablePriceList(TOO_LARGE.format(name=f" «{name[:40]}»"))
        header = find_header(list(islice(_lines(sheet), LINES_BEFORE_NAMES)), layout)
        if header:
            return sheet, header
    raise UnreadablePriceList(
        "No sheet names columns that are known: id, name, price … Say with the file what its columns mean."
    )


def _lines(sheet: CalamineSheet) -> Iterator[list[Any]]:
    """From the sheet's first row on, so that rows count as the spreadsheet counts them."""
    first_row, first_column = sheet.start or (0, 0)
    yield from ([] for _ in range(first_row))
    for line in sheet.iter_rows():
        yield [None] * first_column + line
