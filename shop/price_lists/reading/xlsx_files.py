"""XLSX: the first sheet that names columns we know."""

from collections.abc import Iterator
from itertools import islice
from typing import BinaryIO

from shop import spreadsheets
from shop.price_lists.reading.columns import Header, find_header, parsed_table
from shop.price_lists.reading.parsed import (
    MOST_COLUMNS,
    MOST_LINES,
    Limits,
    ParsedPriceList,
    UnreadablePriceList,
)
from shop.spreadsheets import Line, Sheet, UnreadableSheetError, Workbook
from shop.spreadsheets.headings import LINES_BEFORE_NAMES, Layout

MOST_CELLS = 20_000_000
MOST_TEXT = 400 * 2**20
MOST_SHARED_TEXTS = 4_000_000
MOST_ELEMENTS = 500_000


def read_xlsx(file: BinaryIO, layout: Layout, limits: Limits) -> ParsedPriceList:
    try:
        workbook = Workbook(file, _limits(limits.unpacked))
    except UnreadableSheetError as error:
        raise UnreadablePriceList(error.code, **error.facts) from None
    sheet, header = _sheet(workbook, layout)
    rows_expected = workbook.rows_stated(sheet) - header.line - 1
    return parsed_table("xlsx", _lines(workbook, sheet), header, layout, rows_expected=rows_expected)


def _limits(unpacked: int) -> spreadsheets.Limits:
    most = {"rows": MOST_LINES, "columns": MOST_COLUMNS, "cells": MOST_CELLS, "text": MOST_TEXT}
    return spreadsheets.Limits(**most, texts=MOST_SHARED_TEXTS, elements=MOST_ELEMENTS, unpacked=unpacked)


def _sheet(workbook: Workbook, layout: Layout) -> tuple[Sheet, Header]:
    for sheet in workbook.sheets:
        header = find_header(list(islice(_lines(workbook, sheet), LINES_BEFORE_NAMES)), layout)
        if header:
            return sheet, header
    raise UnreadablePriceList("no_known_sheet")


def _lines(workbook: Workbook, sheet: Sheet) -> Iterator[Line]:
    try:
        yield from workbook.lines(sheet)
    except UnreadableSheetError as error:
        raise UnreadablePriceList(error.code, **error.facts) from None
