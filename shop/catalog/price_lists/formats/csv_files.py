"""CSV: encoding (UTF-8, UTF-16 with a mark, windows-1251) and delimiter are seen in the file; read line by line."""

import codecs
import csv
import io
from collections.abc import Iterator
from itertools import chain, islice
from typing import BinaryIO

from shop.catalog.price_lists.formats.columns import LINES_BEFORE_NAMES, Header, Layout, find_header, parsed_table
from shop.catalog.price_lists.formats.parsed import Limits, ParsedPriceList, UnreadablePriceList

DELIMITERS = (";", "\t", ",", "|")
CHUNK = 2**20
HEAD = 2**16

Line = list[str]

# A line of our own after the last one: where it is part of another, a quotation mark was left open, and all that came
# after it has become one cell.
END = "\x04 end of the table"


def read_csv(file: BinaryIO, layout: Layout, _limits: Limits) -> ParsedPriceList | None:
    """None where nothing looks like a table, so that another format may be tried."""
    encoding, lines_expected = _survey(file)
    head = _head(file, encoding)
    found = [(header, delimiter) for delimiter in DELIMITERS if (header := _header(head, delimiter, layout))]
    if not found:
        if max(head.partition("\n")[0].count(delimiter) for delimiter in DELIMITERS) >= 2:
            raise UnreadablePriceList("no_known_column")
        return None
    header, delimiter = max(found, key=lambda each: len(each[0].fields))
    lines = _lines(file, encoding, delimiter)
    return parsed_table("csv", lines, header, layout, rows_expected=lines_expected - header.line)


def _survey(file: BinaryIO) -> tuple[str, int]:
    """The encoding that the whole file is in, and how many line ends it holds."""
    file.seek(0)
    head = file.read(3)
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        return _first_fitting(file, ["utf-16"])
    return _first_fitting(file, ["utf-8-sig", "cp1251"])


def _first_fitting(file: BinaryIO, encodings: list[str]) -> tuple[str, int]:
    for encoding in encodings:
        try:
            return encoding, _count_lines(file, encoding)
        except UnicodeDecodeError:
            continue
    raise UnreadablePriceList("unknown_encoding")


def _count_lines(file: BinaryIO, encoding: str) -> int:
    file.seek(0)
    decoder = codecs.getincrementaldecoder(encoding)()
    lines = 0
    while chunk := file.read(CHUNK):
        text = decoder.decode(chunk)
        if "\x00" in text:
            raise UnreadablePriceList("not_text")
        lines += text.count("\n")
    decoder.decode(b"", final=True)
    return lines


def _head(file: BinaryIO, encoding: str) -> str:
    file.seek(0)
    return codecs.getincrementaldecoder(encoding)().decode(file.read(HEAD))


def _header(head: str, delimiter: str, layout: Layout) -> Header | None:
    rows = csv.reader(io.StringIO(head, newline=""), delimiter=delimiter)
    try:
        lines = list(islice(rows, LINES_BEFORE_NAMES))
    except csv.Error:
        return None
    return find_header(lines, layout)


def _lines(file: BinaryIO, encoding: str, delimiter: str) -> Iterator[Line]:
    file.seek(0)
    text = io.TextIOWrapper(file, encoding=encoding, newline="")
    rows = csv.reader(chain(text, [END]), delimiter=delimiter)
    line = 1
    try:
        for cells in rows:
            if cells == [END]:
                return
            if cells and cells[-1].endswith(END):
                raise UnreadablePriceList("quotation_mark", line=line)
            yield cells
            line = rows.line_num + 1
    except csv.Error:
        raise UnreadablePriceList("quotation_mark", line=line) from None
    finally:
        text.detach()
