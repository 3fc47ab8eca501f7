"""Small files made to cost much: refused before the work, or done within little of it.

Measured is the processor's time of this process, as a share of what an honest list costs in the same process: a slow or
busy machine and coverage stretch both. Each of these took from eight such lists to hundreds.
"""

import gzip
import random
import time
import zipfile
from collections.abc import Callable
from contextlib import suppress
from io import BytesIO

import pytest

from shop.companies.contact_files import read_contacts
from shop.errors import Invalid
from shop.orders.basket.quick_order import read_quick_order
from shop.price_lists.reading import parse_price_list
from shop.price_lists.reading.row_checks import check_goods
from tests.price_lists.test_tables import book_of

HONEST_LISTS = 3  # the worst one costs what the honest list does, about a second
TIMES_A_LIST = 40  # of its size: a workbook is packed, the list that it is compared with is not

HEADER = "<sheetData><row><c t='s'><v>0</v></c><c t='s'><v>1</v></c><c t='s'><v>2</v></c></row>"
TEXTS = "<sst><si><t>id</t></si><si><t>name</t></si><si><t>price</t></si></sst>"
REFERENCES = "<row>" + "<c t='s'><v>2</v></c>" * 100 + "</row>"
XLSX = {
    "a million references to one text": book_of(f"{HEADER}{REFERENCES * 10_000}</sheetData>", sharedStrings=TEXTS),
    "a million empty rows": book_of(f"{HEADER}{'<row/>' * 1_000_000}</sheetData>", sharedStrings=TEXTS),
    "a million elements": book_of(f"{HEADER}{'<a/>' * 1_000_000}</sheetData>", sharedStrings=TEXTS),
    "nested elements": book_of(f"{HEADER}{'<a>' * 1_000_000}", sharedStrings=TEXTS),
    "a million shared texts": book_of("", sharedStrings=f"<sst>{'<si/>' * 1_000_000}</sst>"),
    "a million styles": book_of("", styles=f"<styleSheet><cellXfs>{'<xf/>' * 1_000_000}</cellXfs></styleSheet>"),
    "an endless format": book_of(
        "", styles=f"<styleSheet><numFmts><numFmt numFmtId='1' formatCode='{'[' * 200_000}'/></numFmts></styleSheet>"
    ),
    "an endless number": book_of(f"{HEADER}<row r='{'9' * 10_000}'/></sheetData>", sharedStrings=TEXTS),
}


DICE = random.Random(3)


def row_of(*cells: object) -> str:
    return "<row>" + "".join(f"<c t='s'><v>{cell}</v></c>" for cell in cells) + "</row>"


AS_LARGE_AS_LISTS = {
    "a million cells": book_of(
        f"{HEADER}{''.join(row_of(*DICE.choices('012', k=100)) for _ in range(10_000))}</sheetData>",
        sharedStrings=TEXTS,
    ),
    "a million shared texts": book_of(
        f"{HEADER}</sheetData>",
        sharedStrings=f"<sst>{''.join(f'<si><t>{DICE.randrange(10**5)}</t></si>' for _ in range(10**6))}</sst>",
    ),
    "categories of YAML": b"goods:\n- id: 1\ncategories:\n"
    + b"".join(b"- id: %d\n  name: a\n" % each for each in range(180_000)),
}
LIST_OF_A_MEGABYTE = b"id;name;price;quantity\n" + b"".join(
    "%d;Товар %x;%d;5\n".encode() % (each, DICE.getrandbits(48), each % 1000) for each in range(30_000)
)


def loose(raw: bytes) -> bytes:
    """With something beside it that cannot be packed: how tight the whole is tells nothing."""
    file = BytesIO(raw)
    with zipfile.ZipFile(file, "a") as archive:
        archive.writestr("xl/media/image.png", random.Random(1).randbytes(800_000))
    return file.getvalue()


TEXT = {
    "empty lines": b"\n" * 4_500_000,
    "one line": b"1;" + b";" * 4_500_000,
    "one word": b"a" * 4_500_000,
    "blanks in a line": (b"a" + b" 1" * 2000 + b"x\n") * 1000,
    "blanks at the end": b"a;1" + b" " * 1_000_000 + b"x",
    "digits": b"a 1" + b"1" * 1_000_000,
    "cells of a heading": b"sku;name;" * 400_000,
    "rows": b"a;1\n" * 1_000_000,
    "quotation marks": b'"\n' * 2_000_000,
}


def offers(inside: str) -> bytes:
    begin = '<yml_catalog><shop><offers><offer id="1"><name>a</name><price>5</price>'
    return f"{begin}{inside}</offer></offers></shop></yml_catalog>".encode()


def nested(depth: int) -> bytes:
    return b"[" * depth + b"]" * depth


HEADING = b"id;name;price;quantity;barcode;"
LISTS = {
    "gzip of short rows": gzip.compress(b"id;name;price\n" + b"1;a;5\n" * 3_300_000),
    "empty lines of a table": b"id;name;price\n1;a;5\n" + b"\n" * 45_000_000,
    "empty lines of YAML": b"goods:\n- id: 1\n" + b"\n" * 45_000_000,
    "nothing but empty lines": b"\n" * 45_000_000,
    "blank rows": b"id;name;price\n" + b";;\n" * 900_000,
    "400,000 blank columns": b"id;name;price" + b";" * 400_000 + b"\n",
    "parameters in each row": HEADING
    + b";".join(b"p%d" % n for n in range(900))
    + b"\n"
    + (b"1" + b";x" * 900 + b"\n") * 500,
    "barcodes": HEADING + b"\n" + (b"1;a;5;5;" + b"1," * 60_000 + b"\n") * 50,
    "words of stock": HEADING + b"\n" + (b"1;a;5;" + b"0 " * 60_000 + b";\n") * 50,
    "digits of a price": HEADING + b"\n" + (b"1;a;" + b"1 " * 60_000 + b";;\n") * 50,
    "nested in one good": b"goods:\n- " + nested(9999),
    "nested again and again": b"goods:\n" + (b"- " + nested(9999) + b"\n") * 20,
    "nested less, more often": b"goods: [" + (nested(100) + b",\n") * 20_000 + b"]",
    "nested dashes": b"goods:\n" + (b"- " * 100 + b"x\n") * 20_000,
    "nested by indentation": b"goods:\n" + b"".join(b" " * level + b"a:\n" for level in range(2000)),
    "goods without end": b"goods:\n" + b"- id: 1\n" * 1_500_000,
    "categories without end": b'{"goods": [], "categories": [' + b"1," * 1_000_000 + b"1]}",
    "keys without end": b'{"goods": [{' + b",".join(b'"%d": 1' % n for n in range(400_000)) + b', "399999": 1}]}',
    "nested JSON": b'{"a":' * 1_000_000,
    "JSON without its end": b'{"goods": [' + b'{"id": 1, "name": "x"},' * 200_000,
    "params of a feed": offers('<param name="a">1</param>' * 500_000),
    "outlets of a feed": offers('<outlet instock="1"/>' * 500_000),
    "an attribute of a feed": offers("").replace(b'"1"', b'"' + b"1" * 4_000_000 + b'"'),
    "tags of a feed": b"<yml_catalog><shop>" + b"<a/>" * 4_000_000,
    "offers of a feed": b"<yml_catalog><shop><offers>" + b'<offer id="1"/>' * 1_500_000,
    "categories of a feed": b"<yml_catalog><shop><categories>" + b'<category id="1">a</category>' * 400_000,
}


def whole_list(raw: bytes) -> int:
    parsed = parse_price_list(raw)
    goods = check_goods(parsed.goods, {}, "full", declares_categories=parsed.declares_categories)
    return sum(len(each.issues) for each in goods)


def seconds(read: Callable[[bytes], object], raw: bytes) -> float:
    started = time.process_time()
    with suppress(Invalid):
        read(raw)
    return time.process_time() - started


@pytest.fixture(scope="module")
def honest() -> float:
    """Seconds for a list of 1.4 MB with 30,000 goods."""
    return min(seconds(whole_list, LIST_OF_A_MEGABYTE) for _ in range(2))


@pytest.fixture(scope="module")
def bound(honest: float) -> float:
    return HONEST_LISTS * honest


@pytest.mark.parametrize("kind", LISTS)
def test_a_price_list(kind: str, bound: float) -> None:
    assert seconds(whole_list, LISTS[kind]) < bound


@pytest.mark.parametrize("kind", XLSX)
def test_a_workbook(kind: str, bound: float) -> None:
    for read in (whole_list, read_quick_order, read_contacts):
        assert seconds(read, XLSX[kind]) < bound  # type: ignore[arg-type]


@pytest.mark.parametrize("kind", XLSX)
def test_a_workbook_beside_a_picture(kind: str, bound: float) -> None:
    for read in (whole_list, read_quick_order, read_contacts):
        assert seconds(read, loose(XLSX[kind])) < bound  # type: ignore[arg-type]


@pytest.mark.parametrize("kind", AS_LARGE_AS_LISTS)
def test_what_is_as_large_as_a_list(kind: str, honest: float, bound: float) -> None:
    """An import may take its time for a million cells, a request may not."""
    raw = AS_LARGE_AS_LISTS[kind]
    assert seconds(whole_list, raw) < TIMES_A_LIST * honest * len(raw) / len(LIST_OF_A_MEGABYTE)
    for read in (read_quick_order, read_contacts):
        assert seconds(read, raw) < bound  # type: ignore[arg-type]


@pytest.mark.parametrize("kind", TEXT)
def test_a_text(kind: str, bound: float) -> None:
    for read in (read_quick_order, read_contacts):
        assert seconds(read, TEXT[kind]) < bound  # type: ignore[arg-type]


def test_refusals_say_what_the_limit_is() -> None:
    with pytest.raises(Invalid, match="more than 10000 rows"):
        read_quick_order(book_of(f"{HEADER}<row r='10001'/></sheetData>", sharedStrings=TEXTS))
    with pytest.raises(Invalid, match="larger than 16 MiB"):
        read_quick_order(AS_LARGE_AS_LISTS["a million cells"])
    with pytest.raises(Invalid, match="more than 1048576 lines"):
        whole_list(LISTS["empty lines of a table"])
    with pytest.raises(Invalid, match="more than 100 times as large"):
        whole_list(LISTS["gzip of short rows"])


def test_issues_of_one_good_have_an_end() -> None:
    raw = HEADING + b"\n1;a;5;5;" + b"1," * 60_000 + b"\n"
    assert whole_list(raw) == 50
