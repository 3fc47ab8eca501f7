"""CSV: the delimiter is the one by which the first lines name most columns; read line by line."""

import csv
import io
from collections.abc import Iterator
from itertools import islice
from typing import BinaryIO

from shop.price_lists.reading.columns import Header, find_header, parsed_table
from shop.price_lists.reading.parsed import MOST_LINES, Limits, ParsedPriceList, UnreadablePriceList
from shop.spreadsheets import DELIMITERS, Line, TextTable, UnreadableSheetError
from shop.spreadsheets.headings import LINES_BEFORE_NAMES, Layout


def read_csv(file: BinaryIO, layout: Layout, _limits: Limits) -> ParsedPriceList | None:
    """None where nothing looks like a table, so that another format may be tried."""
    try:
        table = TextTable(file)
        head = table.head()
        found = [(header, delimiter) for delimiter in DELIMITERS if (header := _header(head, delimiter, layout))]
        if not found:
            if max(head.partition("\n")[0].count(delimiter) for delimiter in DELIMITERS) >= 2:
                raise UnreadablePriceList("no_known_column")
            return None
        table.check_size(lines=MOST_LINES)
    except UnreadableSheetError as error:
        raise UnreadablePriceList(error.code, **error.facts) from None
    header, delimiter = max(found, key=lambda each: len(each[0].fields))
    lines = _lines(table, delimiter)
    return parsed_table("csv", lines, header, layout, rows_expected=table.lines_expected - header.line)


def _header(head: str, delimiter: str, layout: Layout) -> Header | None:
    rows = csv.reader(io.StringIO(head, newline=""), delimiter=delimiter)
    try:
        lines = list(islice(rows, LINES_BEFORE_NAMES))
    except csv.Error:
        return None
    return find_header(lines, layout)


def _lines(table: TextTable, delimiter: str) -> Iterator[Line]:
    try:
        yield from table.lines(delimiter)
    except UnreadableSheetError as error:
        raise UnreadablePriceList(error.code, **error.facts) from None
