"""Tables and feeds: columns, headings, encodings, and numbers as spreadsheets write them."""

import gzip
import random
import tracemalloc
import zipfile
from datetime import date
from decimal import Decimal
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from hypothesis import given
from hypothesis import strategies as st
from xlsxwriter import Workbook

from shop.auth.models import SUPPLIER, Company
from shop.price_lists.models import APPLIED, FAILED
from shop.price_lists.reading import Layout, Limits, UnreadablePriceList, parse_price_list
from shop.price_lists.reading.parsed import WideGood
from tests.factories.auth import make_company
from tests.price_lists.lists import issues, offers, run_import, stock

FEEDS = Path(__file__).parents[2].parent / "shared/data/feeds"
real_feeds = pytest.mark.skipif(not FEEDS.exists(), reason="the shared real feeds are not on this machine")

CSV = "Код;Артикул;Наименование;Цена;РРЦ;Остаток;Категория;Цвет\n007;00A;Болт М8;1 450,5;;>100;Крепёж;чёрный\n"


def workbook(*lines: list[Any]) -> bytes:
    file = BytesIO()
    book = Workbook(file, {"default_date_format": "dd.mm.yyyy"})
    sheet = book.add_worksheet()
    for number, line in enumerate(lines):
        sheet.write_row(number, 0, line)
    book.close()
    return file.getvalue()


def goods(raw: bytes, **options: Any) -> list[tuple[int, dict[str, Any]]]:
    return list(parse_price_list(raw, **options).goods)


@pytest.fixture
def supplier(app: Flask) -> Company:
    return make_company(SUPPLIER)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1251", "utf-16"])
@pytest.mark.parametrize("delimiter", [";", ",", "\t", "|"])
def test_sees_encoding_and_delimiter(encoding: str, delimiter: str) -> None:
    raw = CSV.replace("1 450,5", "1450.50").replace(";", delimiter).encode(encoding)

    [(row, good)] = goods(raw)

    assert (row, good["id"], good["sku"], good["name"]) == (2, "007", "00A", "Болт М8")
    assert (good["category"], good["parameters"]) == ("Крепёж", {"Цвет": "чёрный"})


def test_a_table_becomes_offers(app: Flask, supplier: Company) -> None:
    done = run_import(app, supplier, CSV.encode("cp1251"))

    assert (done.state, done.format, done.offers_new, issues(app, done)) == (APPLIED, "csv", 1, [])
    offer = offers(app, supplier)["007"]
    assert (offer.sku, f"{offer.price:.2f}", offer.parameters) == ("00A", "1450.50", {"Цвет": "чёрный"})
    assert (stock(app, offer).kind, stock(app, offer).on_hand) == ("at_least", 100)


def test_numbers_of_a_sheet(app: Flask, supplier: Company) -> None:
    raw = workbook(
        ["Прайс-лист"],
        ["id", "name", "price", "quantity", "Вес", "Новинка"],
        [12.0, "Гайка", 10.5, 3.0, 0.25, True],
        ["0042", "Шайба", "1 200,00", "есть", "", False],
        ["4.6E+12", "Шуруп", 1, 1],
        [1.5, "Дюбель", 1, 1],
        ["77", date(2026, 3, 8), 1, 1],
    )

    done = run_import(app, supplier, raw)

    found = offers(app, supplier)
    assert set(found) == {"12", "0042"}
    assert (found["12"].price, found["12"].parameters) == (10.5, {"Вес": 0.25, "Новинка": True})
    assert (found["0042"].price, found["0042"].parameters) == (1200, {"Новинка": False})
    assert issues(app, done) == [
        (5, "error", "id_rounded"),
        (6, "error", "id_not_text"),
        (7, "error", "name_not_text"),
    ]


def book_of(content: str, **parts: str) -> bytes:
    """A workbook as other programs write it: of one sheet, and of the parts given."""
    relations = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    kinds = {"sheet": "worksheet", "sharedStrings": "sharedStrings", "styles": "styles"}
    parts = {"sheet": f"<x:worksheet xmlns:x='x'>{content}</x:worksheet>"} | parts
    links = "".join(
        f'<Relationship Id="{name}" Type="{relations}/{kinds[name]}" Target="/xl/{name}.xml"/>' for name in parts
    )
    book = '<workbook xmlns:r="r"><sheets><sheet name="Лист" r:id="sheet"/></sheets></workbook>'
    members = {f"xl/{name}.xml": text for name, text in parts.items()} | {
        "[Content_Types].xml": "<Types/>",
        "xl/workbook.xml": book,
        "xl/_rels/workbook.xml.rels": f"<Relationships>{links}</Relationships>",
    }
    file = BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in members.items():
            archive.writestr(name, text)
    return file.getvalue()


HEADER = "<x:row r='3'>" + "".join(
    f"<x:c r='{column}3' t='inlineStr'><x:is><x:t>{name}</x:t></x:is></x:c>"
    for column, name in zip("ABCDE", ["id", "name", "price", "Дата", "Да"], strict=True)
)


def test_reads_what_other_programs_write() -> None:
    raw = book_of(
        f"<x:sheetData>{HEADER}</x:row><x:row><x:c t='s'><x:v>1</x:v></x:c><x:c t='str'><x:f>A1</x:f><x:v>Б</x:v></x:c>"
        "<x:c><x:v>1.5</x:v></x:c><x:c s='1'><x:v>45000.5</x:v></x:c><x:c t='b'><x:v>1</x:v></x:c></x:row>"
        "<x:row r='7'><x:c r='A7' t='s'><x:v>0</x:v></x:c><x:c r='C7' t='e'><x:v>#N/A</x:v></x:c></x:row>"
        "</x:sheetData>",
        sharedStrings="<sst><si><r><t>до_x000D_</t></r><r><t>м</t></r><rPh><t>phonetic</t></rPh></si>"
        "<si><t>007</t></si></sst>",
        styles="<styleSheet><numFmts><numFmt numFmtId='170' formatCode='[$-419]dd.mm'/></numFmts>"
        "<cellXfs><xf numFmtId='4'/><xf numFmtId='170'/></cellXfs></styleSheet>",
    )

    assert goods(raw) == [
        (4, {"id": "007", "name": "Б", "price": 1.5, "parameters": {"Дата": "2023-03-15 12:00:00", "Да": True}}),
        (7, {"id": "до\rм", "price": "#N/A", "parameters": {}}),
    ]


@pytest.mark.parametrize(
    ("row", "sentence"),
    [
        ("<x:row r='4'><x:c r='XFD4'><x:v>1</x:v></x:c></x:row>", "too large"),
        ("<x:row r='1048577'/>", "too large"),
        ("<x:row r='2'/>", "not in order"),
        ("<x:row r='4'><x:c r='A4' t='s'><x:v>5</x:v></x:c></x:row>", "a text is missing"),
        ("<x:row r='4'><x:c r='4'><x:v>5</x:v></x:c></x:row>", "no place"),
        (f"<x:row r='4'><x:c t='inlineStr'><x:is><x:t>{'x' * 200_000}</x:t></x:is></x:c></x:row>", "too large"),
        ("<x:row>", "cannot be read"),
    ],
)
def test_refuses_a_sheet_that_makes_no_sense(row: str, sentence: str) -> None:
    with pytest.raises(UnreadablePriceList, match=sentence):
        goods(book_of(f"<x:sheetData>{HEADER}</x:row>{row}</x:sheetData>"))


def test_refuses_a_workbook_with_entities() -> None:
    bomb = "<!DOCTYPE a [<!ENTITY b 'bbbbbbbb'>]><worksheet>&b;</worksheet>"
    with pytest.raises(UnreadablePriceList, match="declares a document type"):
        goods(book_of("", sheet=bomb))


def test_a_long_sheet_takes_no_more_memory_than_a_short_one() -> None:
    def most_memory(length: int) -> int:
        raw = workbook(["id", "name", "price"], *([number, f"Товар {number}", 5] for number in range(length)))
        tracemalloc.start()
        assert sum(1 for _ in parse_price_list(raw).goods) == length
        most = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return most

    assert most_memory(30_000) < most_memory(10_000) + 2**20


def test_headings_are_categories_or_skipped() -> None:
    raw = workbook(
        ["id", "name", "price"], ["Насосы"], [1, "Насос", 5], ["Запчасти", "PG1", ""], [2, "Вал", 7], ["x", "", 3]
    )

    as_categories, skipped = goods(raw), goods(raw, layout=Layout(headings="skip"))

    assert [(row, good.get("category")) for row, good in as_categories if "price" in good] == [
        (3, "Насосы"),
        (5, "Запчасти"),
        (6, "Запчасти"),
    ]
    assert [row for row, good in as_categories if good.get("is_heading")] == [4]
    assert all("category" not in good for _, good in skipped)


def test_a_mapping_says_what_columns_mean() -> None:
    raw = "Номер;Что;Почём;Заметка\n1;Болт;5;тс\n".encode()
    layout = Layout({"номер": "id", "Что": "name", "Почём": "price", "Заметка": "ignored"})

    assert goods(raw, layout=layout) == [(2, {"id": "1", "name": "Болт", "price": "5", "parameters": {}})]


@pytest.mark.parametrize(
    ("raw", "sentence"),
    [
        (b"a;b;c\n1;2;3\n", "None of the columns is known"),
        (b"name;price;price\nx;1;2\n", "Two columns are called"),
        (b"name;price\nx;1\n", "No column holds the id"),
        (b'id;name;price\n1;"' + b"x" * 200_000, "quotation mark"),
        (workbook(["a", "b"]), "No sheet names columns"),
    ],
)
def test_refuses_tables_that_mean_nothing(raw: bytes, sentence: str) -> None:
    with pytest.raises(UnreadablePriceList, match=sentence):
        goods(raw)


def test_takes_gzip_up_to_a_limit() -> None:
    assert len(goods(gzip.compress(CSV.encode()))) == 1
    with pytest.raises(UnreadablePriceList, match="Unpacked, the file is larger than 1 MiB"):
        goods(gzip.compress(random.Random(1).randbytes(3_000_000)), limits=Limits(unpacked=2**20))


@real_feeds
def test_a_real_workbook_needs_one_column_explained(app: Flask, supplier: Company) -> None:
    raw = (FEEDS / "wilo_price.xlsx").read_bytes()

    done = run_import(app, supplier, raw, layout={"columns": {"€ без ПДВ": "price"}})

    assert (done.state, done.format) == (APPLIED, "xlsx")
    assert done.offers_new > 2000
    assert {code for _, severity, code in issues(app, done) if severity == "error"} == {
        "price_not_a_number",  # «по запиту»
        "id_duplicate",
    }
    assert offers(app, supplier)["4111288"].name == "STAR-ZD 25/6"
    again = run_import(app, supplier, raw)
    assert (again.offers_new, again.offers_changed, again.offers_withdrawn, again.stock_changed) == (0, 0, 0, 0)


@real_feeds
@pytest.mark.parametrize(
    ("name", "state", "count"),
    [
        ("yml_dmitrykram_2021.xml", APPLIED, 77),
        ("yml_emporium_2012.xml", APPLIED, 132),
        ("yml_akcent_2026-05-19.yml", FAILED, 0),
    ],
)
def test_takes_real_feeds_in_rubles(app: Flask, supplier: Company, name: str, state: str, count: int) -> None:
    done = run_import(app, supplier, (FEEDS / name).read_bytes())

    assert (done.state, done.format, done.offers_new) == (state, "yml", count), done.message


def test_a_feed_in_windows_1251() -> None:
    offer = (
        '<offer id="07" available="false"><price>5</price><categoryId>1</categoryId><name>Чай &amp; кофе</name>'
        '<vat>NO_VAT</vat><count>4</count><param name="Вес" unit="кг">1.5</param></offer>'
    )
    categories = '<categories><category id="1">Еда</category></categories>'
    begin = '<?xml version="1.0" encoding="windows-1251"?><!DOCTYPE yml_catalog SYSTEM "shops.dtd"><yml_catalog>'
    xml = f"{begin}<shop><name>Лавка</name>{categories}<offers>{offer}</offers></shop></yml_catalog>"

    parsed = parse_price_list(xml.encode("cp1251"))

    assert (parsed.shop, parsed.categories) == ("Лавка", [{"id": "1", "name": "Еда"}])
    [(_, good)] = parsed.goods
    assert (good["id"], good["name"], good["vat_rate"], good["quantity"]) == ("07", "Чай & кофе", "none", "4")
    assert good["parameters"] == {"Вес (кг)": 1.5}


WIDE = {
    "commas in numbers": "Код,Наименование,Цена,Остаток\nA,Сыр,78,40,12\nB,Масло,96,24\n".encode(),
    "tabs": "Код\tНаименование\tЦена\tОстаток\nA\tСыр\t78\t40\t12\nB\tМасло\t96\t24\n".encode(),
    "heading ends in a separator": "Код;Наименование;Цена;Остаток;\nA;Сыр;78;40;12;\nB;Масло;96;24;\n".encode("cp1251"),
    "blank cells behind": "Код|Наименование|Цена|Остаток\nA|Сыр|78|40||12\nB|Масло|96|24|||\n".encode(),
    "workbook": workbook(
        ["Код", "Наименование", "Цена", "Остаток"], ["A", "Сыр", 78, 40, 12], ["B", "Масло", 96, 24, ""]
    ),
}


@pytest.mark.parametrize("kind", WIDE)
def test_a_row_wider_than_its_heading_is_an_error(app: Flask, supplier: Company, kind: str) -> None:
    """The offer stays as it was: the row names it, and that is all that it is sure to say."""
    first = "Код;Наименование;Цена;Остаток\nA;Сыр;78.40;12\nB;Масло;96;24\n".encode()
    run_import(app, supplier, first)

    done = run_import(app, supplier, WIDE[kind])

    assert (done.state, done.rows_rejected, issues(app, done)) == (APPLIED, 1, [(2, "error", "row_too_wide")])
    found = offers(app, supplier)
    assert [(f"{offer.price:.2f}", offer.is_listed, int(stock(app, offer).on_hand)) for offer in found.values()] == [
        ("78.40", True, 12),
        ("96.00", True, 24),
    ]


@given(
    st.lists(st.tuples(st.decimals(1, 999, places=2), st.integers(0, 99)), min_size=1, max_size=6),
    st.sampled_from(";,\t|"),
    st.booleans(),
    st.integers(0, 3),
)
def test_no_cell_is_taken_for_its_neighbor(
    meant: list[tuple[Decimal, int]], delimiter: str, quotes: bool, blanks: int
) -> None:
    """Prices with a decimal comma, in quotes or not, and blank cells at the end of the row."""
    rows = []
    for number, (price, count) in enumerate(meant):
        written = str(price).replace(".", ",")
        shown = f'"{written}"' if quotes else written
        rows.append(delimiter.join([f"A{number}", "Сыр", shown, str(count), *[""] * blanks]))
    heading = delimiter.join(["Код", "Наименование", "Цена", "Остаток"])

    read = goods("\n".join([heading, *rows, ""]).encode())

    assert len(read) == len(meant)
    for (_, good), (price, count) in zip(read, meant, strict=True):
        if isinstance(good, WideGood):
            assert (delimiter, quotes) == (",", False)
        else:
            assert (good["price"], good["quantity"]) == (str(price).replace(".", ","), str(count))


def test_two_hundred_thousand_rows_are_read() -> None:
    """What limits turn away is made to be; of lists like this there are many."""
    count, rnd = 200_000, random.Random(1)
    rows = [
        (f"{number:06d}", f"Болт М{number % 40} оцинкованный", rnd.randrange(1000), rnd.randrange(99))
        for number in range(count)
    ]
    table = "Код;Наименование;Цена;Остаток\n" + "".join(f"{a};{b};{c}.50;{d}\n" for a, b, c, d in rows)
    cells = "<x:c t='inlineStr'><x:is><x:t>{}</x:t></x:is></x:c>" * 2 + "<x:c><x:v>{}</x:v></x:c>" * 2
    sheet = "".join(f"<x:row>{cells.format(*row)}</x:row>" for row in rows)

    for raw in (gzip.compress(table.encode()), book_of(f"<x:sheetData>{HEADER}</x:row>{sheet}</x:sheetData>")):
        assert sum(1 for _ in parse_price_list(raw).goods) == count
