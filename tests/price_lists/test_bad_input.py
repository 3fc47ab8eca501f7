"""Files as nobody should send them: each is refused with a sentence or loses single rows, and the catalog stays."""

import gzip
import json
import random
import struct
import time
import zipfile
import zlib
from io import BytesIO
from typing import Any

import orjson
import pytest
from flask import Flask
from xlsxwriter import Workbook

from shop.auth.models import SUPPLIER, Company
from shop.price_lists.models import APPLIED, FAILED, HELD
from shop.price_lists.reading import row_checks
from tests.factories.auth import make_company
from tests.price_lists.lists import good, issues, list_of, offers, run_import

GOODS = [good(1), good(2)]
YAML = list_of(*GOODS)
CSV = "id;name;price;quantity\n1;Товар 1;100.00;10\n2;Товар 2;100.00;10\n"
YML = (
    "<yml_catalog><shop><name>x</name><categories/><offers>"
    '<offer id="1"><name>Товар 1</name><price>100</price></offer></offers></shop></yml_catalog>'
)
ENTITIES = '<!DOCTYPE yml_catalog [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;&a;">]>'
EXTERNAL = '<!DOCTYPE yml_catalog [<!ENTITY a SYSTEM "file:///etc/passwd">]>'


def xlsx(*lines: list[Any]) -> bytes:
    file = BytesIO()
    book = Workbook(file, {"strings_to_formulas": True})
    sheet = book.add_worksheet()
    for number, line in enumerate(lines):
        sheet.write_row(number, 0, line)
    book.close()
    return file.getvalue()


def zipped(**members: bytes) -> bytes:
    file = BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name.replace("__", "/"), content)
    return file.getvalue()


def lying_bomb() -> bytes:
    """States a size of 10 and unpacks to 300 MiB."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    packed = b"".join(packer.compress(b"\0" * 2**20) for _ in range(300)) + packer.flush()
    name = b"xl/workbook.xml"
    sizes = struct.pack("<III", zlib.crc32(b"\0" * 10), len(packed), 10)
    local = b"PK\3\4" + struct.pack("<HHHHH", 20, 0, 8, 0, 33) + sizes + struct.pack("<HH", len(name), 0) + name
    central = b"PK\1\2" + struct.pack("<HHHHHH", 20, 20, 0, 8, 0, 33) + sizes
    central += struct.pack("<HHHHHII", len(name), 0, 0, 0, 0, 0, 0) + name
    body = local + packed
    end = b"PK\5\6" + struct.pack("<HHHHIIH", 0, 0, 1, 1, len(central), len(body), 0)
    return body + central + end


NOISE = b"# " + random.Random(1).randbytes(180_000).hex().encode() + b"\n"
WHOLE_FILES: dict[str, tuple[bytes, str]] = {
    "truncated json": (YAML[:-30], "it ends before its last bracket"),
    "truncated yaml": (b'shop: x\ngoods:\n  - id: "1', "not valid YAML"),
    "truncated gzip": (gzip.compress(YAML)[:-20], "damaged or was cut off"),
    "truncated xlsx": (xlsx(["id", "name", "price"])[:-200], "damaged or was cut off"),
    "truncated yml": (YML[:-40].encode(), "not valid XML"),
    "yaml in windows-1251": ("goods:\n- id: 1\n  name: Щит\n  price: 5".encode("cp1251"), "not in UTF-8"),
    "json in windows-1251": ('{"goods": [{"id": 1, "name": "Щит"}]}'.encode("cp1251"), "not in UTF-8"),
    "csv in no encoding": (b"id;name;price\n1;\x98\xff;5\n", "letters cannot be read"),
    "nothing but a byte order mark": (b"\xef\xbb\xbf", "must hold shop, categories and goods"),
    "html in place of the file": (b"<!DOCTYPE html><html><body>502 Bad Gateway</body></html>", "web page"),
    "html without doctype": (b"\n<HTML><body>Log in</body></HTML>", "web page"),
    "an xml of something else": (b"<?xml version='1.0'?><rss><channel/></rss>", "no YML"),
    "an xml of 1C": (
        '<КоммерческаяИнформация xmlns="urn:1C.ru:commerceml_2"/>'.encode(),
        "it begins with <КоммерческаяИнформация>",
    ),
    "no goods key": (b"shop: x\ncategories: []", "no list called goods"),
    "goods of another type": (b"goods: 5", "no list called goods"),
    "categories of another type": (b"goods: [1]\ncategories: x", "list of id and name"),
    "alias bomb": (b"a: &a [x,x]\nb: &b [*a,*a]\ngoods: [*b,*b]", "by reference"),
    "depth in yaml": (b"goods: " + b"[" * 5000 + b"]" * 5000, "nested too deep"),
    "depth in json": (b'{"goods": ' + b'{"a":' * 3000 + b"1" + b"}" * 3001, "nested too deep"),
    "depth in yml": (f"<yml_catalog><shop>{'<a>' * 400}".encode(), "nested too deep"),
    "the same key twice in json": (b'{"goods": [{"id": 1, "id": 2}]}', "given twice"),
    "gzip bomb": (gzip.compress(b"0" * 300 * 2**20, 9), "more than 100 times as large"),
    "gzip in gzip": (gzip.compress(gzip.compress(YAML)), "packed twice"),
    "gzip of yaml beyond its limit": (gzip.compress(b"goods:\n" + NOISE * 150, 1), "larger than 50 MiB"),
    "zip bomb": (
        zipped(**{"[Content_Types].xml": b"x", "xl__workbook.xml": b"0" * 300 * 2**20}),
        "more than 100 times as large",
    ),
    "zip bomb that lies": (lying_bomb(), "more than 100 times as large"),
    "a zip of something else": (zipped(list=b"id;name"), "no workbook"),
    "a workbook without sheets": (zipped(**{"[Content_Types].xml": b"x", "xl__x": b"y"}), "cannot be read"),
    "entities": (ENTITIES.encode() + YML.replace("Товар 1", "&b;").encode(), "declares entities"),
    "external entities": (EXTERNAL.encode() + YML.replace("Товар 1", "&a;").encode(), "declares entities"),
    "an entity unknown to xml": (YML.replace("Товар 1", "&nbsp;x").encode(), "entity"),
    "NUL bytes in yaml": (b"goods:\n- id: 1\n  name: a\x00b\n", "not text"),
    "NUL bytes in csv": (b"id;name;price\n1;a\x00b;5\n", "not text"),
    "10 MB of one line": (b"x" * 10_000_000, "must hold shop, categories and goods"),
    "10 MB of one line in a table": (b"id;name;price\n1;x;5;" + b'"' + b"x" * 10_000_000, "quotation mark"),
    "a quotation mark left open": (
        b'id;name;price\n1;x;5\n2;"y;6\n3;z;7\n',
        "The table cannot be read (line 3). Is a quotation mark opened and never closed?",
    ),
    "a picture": (b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 40, "."),
    "an old workbook": (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), "old Excel"),
    "a pdf": (b"%PDF-1.7 ...", "PDF"),
    "columns that nobody knows": (b"foo;bar;baz\n1;2;3\n", "None of the columns is known"),
    "no goods that can be taken": (list_of(5, {"id": 1}), "None of the 2 goods"),
    "a table without a price": (
        "Код;Товар;€\n1;x;5\n".encode(),
        "No column holds the price of the goods; the columns are «Код», «Товар», «€».",
    ),
    "a table without a name": (b"id;price;x\n1;5;x\n", "No column holds the name of the goods"),
    "an object of python": (b"goods: !!python/object/apply:os.system ['exit']", "no list called goods"),
    "a tag for the whole": (b"!!python/dict\ngoods:\n- id: 1", "no list called goods"),
}

ROWS: dict[str, tuple[Any, str]] = {
    "no good at all": (5, "not_a_good"),
    "null": (None, "not_a_good"),
    "no id": (good(None), "id_missing"),
    "a boolean id": (good(True), "id_not_text"),
    "an id twice": (good(1), "id_duplicate"),
    "an id that lost its digits": (good("4.6E+12"), "id_rounded"),
    "no name": (good(3, name=None), "name_missing"),
    "a null name": (good(3) | {"name": None}, "name_missing"),
    "a boolean name": (good(3, name=True), "name_not_text"),
    "a list for a name": (good(3, name=["x"]), "name_not_text"),
    "NUL in a name": (good(3, name="\x00"), "name_missing"),
    "a huge name": (good(3, name="x" * 10_000), "name_too_long"),
    "no price": (good(3, price=None), "price_missing"),
    "a null price": (good(3) | {"price": None}, "price_missing"),
    "text for a price": (good(3, price="по запросу"), "price_not_a_number"),
    "a formula for a price": (good(3, price="=1+1"), "price_not_a_number"),
    "NaN": (good(3, price="NaN"), "price_not_a_number"),
    "infinity": (good(3, price="1e999"), "price_not_a_number"),
    "a negative price": (good(3, price=-5), "price_not_positive"),
    "a huge price": (good(3, price=10**12), "price_too_large"),
    "another currency": (good(3, currency="USD"), "currency_unknown"),
    "a category not declared": (good(3, category=999), "category_undeclared"),
    "a negative quantity": (good(3, quantity=-1), "quantity_negative"),
    "a wrong barcode": (good(3, barcode="4607034161235"), "barcode_invalid"),
    "parameters of another type": (good(3, parameters=[1]), "parameters_not_a_group"),
    "deep parameters": (good(3, parameters={"a": {"b": {"c": 1}}}), "parameters_not_a_value"),
}


TAGGED = """
goods:
  - {{id: 1, name: Товар 1, price: 100.00, quantity: 10}}
  - id: 2
    name: {name}
    price: {price}
"""


@pytest.mark.parametrize(
    ("name", "price", "code"),
    [
        ("!!python/object/apply:os.system ['exit']", "100", "name_not_text"),
        ("!!python/name:os.system", "100", "name_not_text"),
        ("!!binary 0KLQtdC60YHRgg==", "100", "name_not_text"),
        ("!own text", "100", "name_not_text"),
        ("!<tag:yaml.org,2002:binary> 0KLQtdC60YHRgg==", "100", "name_not_text"),
        ("x", "!!binary NQ==", "price_not_a_number"),
        ("!!str 007", "!!float 100.5", None),
        ("2026-03-08", "100", None),
        ("Внимание !!binary", "100", None),
        ("'!!python/str'", "100", None),
    ],
)
def test_a_tag_is_no_text(app: Flask, supplier: Company, name: str, price: str, code: str | None) -> None:
    done = run_import(app, supplier, TAGGED.format(name=name, price=price).encode(), mode="update")

    assert done.state == APPLIED
    assert [found for _, _, found in issues(app, done)] == ([code] if code else [])
    shown = {"!!str 007": "007", "'!!python/str'": "!!python/str"}.get(name, name)
    assert offers(app, supplier)["2"].name == ("Товар 2" if code else shown)


@pytest.mark.parametrize("broken", ["a\x00b", "a\ud800b"])
def test_text_that_cannot_be_stored_costs_a_row_and_no_list(app: Flask, supplier: Company, broken: str) -> None:
    first = good(4, barcodes=[broken], unit=broken, vat_rate=broken, model=broken, parameters={broken: broken})
    goods = [first, good(broken, name=broken), good(2, price=broken), good(3, **{broken: broken})]
    raw = json.dumps({"shop": broken, "categories": [{"id": 224, "name": broken}], "goods": goods}).encode()

    done = run_import(app, supplier, raw, mode="update")

    assert done.state == APPLIED, done.message
    said = issues(app, done)
    assert {"barcode_invalid", "model_broken_characters", "parameters_broken_characters"} <= {
        code for row, severity, code in said if row == 1 and severity == "warning"
    }
    assert (3, "error", "price_not_a_number") in said
    assert offers(app, supplier)["4"].parameters == {"a b": "a b"}


@pytest.fixture
def supplier(app: Flask) -> Company:
    supplier = make_company(SUPPLIER)
    run_import(app, supplier, YAML)
    return supplier


def catalog(app: Flask, supplier: Company) -> list[tuple[str, Any, bool, int]]:
    return [(name, each.price, each.is_listed, each.revision) for name, each in offers(app, supplier).items()]


@pytest.mark.parametrize("kind", WHOLE_FILES)
def test_a_file_that_is_no_list_fails_with_a_sentence(app: Flask, supplier: Company, kind: str) -> None:
    raw, sentence = WHOLE_FILES[kind]
    before, started = catalog(app, supplier), time.process_time()

    done = run_import(app, supplier, raw)

    assert done.state == FAILED
    assert sentence in (done.message or ""), done.message
    assert (done.message or "").endswith((".", "?"))
    assert catalog(app, supplier) == before
    assert time.process_time() - started < 20


def test_a_list_of_endless_goods_fails(app: Flask, supplier: Company, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(row_checks, "MOST_GOODS", 2)
    before = catalog(app, supplier)

    done = run_import(app, supplier, list_of(good(1, price=90), good(2), good(3)))

    assert (done.state, done.message) == (FAILED, "The list has more than 2 goods; send it in parts, in mode update.")
    assert catalog(app, supplier) == before


@pytest.mark.parametrize("kind", ROWS)
def test_a_row_that_is_no_good_is_reported(app: Flask, supplier: Company, kind: str) -> None:
    bad, code = ROWS[kind]
    raw = orjson.dumps({"categories": [{"id": 224, "name": "Смартфоны"}], "goods": [*GOODS, bad]})
    before = catalog(app, supplier)

    done = run_import(app, supplier, raw)

    assert done.state == APPLIED
    assert code in [found for row, _, found in issues(app, done) if row == 3]
    assert catalog(app, supplier)[:2] == before


@pytest.mark.parametrize("form", ["csv", "xlsx", "yml"])
def test_a_bad_row_in_other_formats(app: Flask, supplier: Company, form: str) -> None:
    raw = {
        "csv": (CSV + "3;Товар 3;сто;\n").encode("cp1251"),
        "xlsx": xlsx(["id", "name", "price"], [1, "Товар 1", 100], [2, "Товар 2", 100], [3, "Товар 3", "=1/0"]),
        "yml": YML.replace("</offers>", '<offer id="2"><name>y</name><price>x</price></offer></offers>').encode(),
    }[form]

    done = run_import(app, supplier, raw, mode="update")

    assert (done.state, done.rows_rejected) == (APPLIED, 1), done.message
    assert next(code for _, severity, code in issues(app, done) if severity == "error").startswith("price_")


def test_an_empty_full_list_is_held_and_others_fail(app: Flask, supplier: Company) -> None:
    assert run_import(app, supplier, list_of()).state == HELD
    assert run_import(app, supplier, list_of(), mode="update").state == FAILED
    assert run_import(app, supplier, b"id;name;price\n", mode="full").state == HELD
    assert all(offer.is_listed for offer in offers(app, supplier).values())


def test_a_price_recommended_by_nobody_and_no_shop_are_fine(app: Flask, supplier: Company) -> None:
    raw = orjson.dumps({"goods": [good(1, category=None), good(2, category="224")]})

    assert run_import(app, supplier, raw).state == APPLIED
