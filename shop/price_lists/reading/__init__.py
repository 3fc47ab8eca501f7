"""From a file to its parts: what shop it names, the categories it declares, and its goods as a stream of rows.

The format is seen in the content, never in the name: YAML, JSON, CSV, XLSX or YML (Yandex Market Language), each of
them perhaps packed by gzip. A reader takes the file and answers a ParsedPriceList; whatever is wrong with the file as a
whole is an UnreadablePriceList, also while its goods are being read.
"""

import io
import re
from collections.abc import Callable
from typing import BinaryIO

from shop.price_lists.reading.csv_files import read_csv
from shop.price_lists.reading.gzip_files import unpacked
from shop.price_lists.reading.parsed import MOST_GOODS, Limits, ParsedPriceList, UnreadablePriceList
from shop.price_lists.reading.xlsx_files import read_xlsx
from shop.price_lists.reading.yaml_files import read_json_or_yaml
from shop.price_lists.reading.yml_feeds import read_yml
from shop.spreadsheets import SheetTooLargeError, is_zip
from shop.spreadsheets.headings import BY_NAME, Layout

__all__ = ["Layout", "Limits", "ParsedPriceList", "UnreadablePriceList", "parse_price_list"]

HEAD = 2**16
OLD_EXCEL = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
WEB_PAGE = re.compile(rb"<!doctype\s+html|<html[\s>]", re.IGNORECASE)
KEYS_OF_YAML = re.compile(rb"^[ \t]*[\"']?(?:goods|categories|shop)[\"']?[ \t]*:", re.MULTILINE)
MARKS = (b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")

Reader = Callable[[BinaryIO, Layout, Limits], ParsedPriceList]


def parse_price_list(
    file: BinaryIO | bytes, *, layout: Layout = BY_NAME, limits: Limits | None = None
) -> ParsedPriceList:
    """`layout` says what the columns of a table mean where their names do not."""
    limits = limits or Limits()
    try:
        plain = unpacked(io.BytesIO(file) if isinstance(file, bytes) else file, limits)
    except SheetTooLargeError as error:
        raise UnreadablePriceList(error.code, **error.facts) from None
    head = plain.read(HEAD)
    plain.seek(0)
    parsed = _reader_of(head)(plain, layout, limits)
    if parsed.declares_categories and parsed.rows_expected > MOST_GOODS:  # of a table they are lines, empty ones too
        raise UnreadablePriceList("too_many_goods", most=MOST_GOODS)
    return parsed


def _reader_of(head: bytes) -> Reader:
    if is_zip(head):
        return read_xlsx
    if head.startswith(OLD_EXCEL):
        raise UnreadablePriceList("old_excel")
    if head.startswith(b"%PDF"):
        raise UnreadablePriceList("pdf")
    begin = _plain(head).lstrip()
    if begin.startswith(b"<"):
        return _reader_of_markup(begin)
    if begin[:1] in (b"{", b"[") or KEYS_OF_YAML.search(begin):
        return read_json_or_yaml
    return _table_or_yaml


def _plain(head: bytes) -> bytes:
    """Good enough to look at, also where every character takes two bytes."""
    return head.removeprefix(MARKS[0]) if not head.startswith(MARKS[1:]) else head[2:].replace(b"\x00", b"")


def _reader_of_markup(begin: bytes) -> Reader:
    if WEB_PAGE.search(begin[:2000]):
        raise UnreadablePriceList("web_page")
    return read_yml


def _table_or_yaml(file: BinaryIO, layout: Layout, limits: Limits) -> ParsedPriceList:
    table = read_csv(file, layout, limits)
    file.seek(0)
    return table or read_json_or_yaml(file, layout, limits)
