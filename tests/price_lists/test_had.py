"""What a list does not name stays: every mode, format and field, against a model of the rule in a few lines."""

import csv
import io
import random
from collections.abc import Callable
from decimal import Decimal
from typing import Any
from xml.sax.saxutils import quoteattr

import orjson
import pytest
from flask import Flask
from sqlalchemy import select
from xlsxwriter import Workbook

from shop.auth.models import SUPPLIER, Company
from shop.catalog.models import Category, Offer, StockLevel
from shop.database import session, transaction
from shop.price_lists.models import APPLIED, FAILED, FULL, PRICES_AND_STOCK, STOCK_ONLY, UPDATE, PriceList
from tests.factories.auth import make_company
from tests.price_lists.lists import good, issues, list_of, offers, read, run_import, stock

Good = dict[str, Any]

EMPTY = ""
GTINS = ("9520000000011", "96385074")
BEFORE: Good = {
    "sku": "S-1",
    "category": "Смартфоны",
    "model": "m/1",
    "price": "100",
    "price_rrc": "150",
    "vat_rate": "10",
    "unit": "кг",
    "quantity_step": "2",
    "minimum_quantity": "6",
    "units_per_pack": "4",
    "barcode": GTINS[0],
    "quantity": "7",
    "Цвет": "синий",
    "Вес": "5",
}
AFTER = BEFORE | {
    "sku": "S-2",
    "category": "Аксессуары",
    "model": "m/2",
    "price": "110",
    "price_rrc": "160",
    "quantity_step": "4",
    "minimum_quantity": "8",
    "units_per_pack": "4",
    "barcode": GTINS[1],
    "quantity": "9",
    "Цвет": "белый",
    "Вес": "6",
}
PARAMETERS = ("Цвет", "Вес")
FIELDS = tuple(BEFORE)
OF_YML = frozenset({"sku", "category", "model", "price", "vat_rate", "quantity_step", "minimum_quantity"})
OF_YML |= {"barcode", "quantity", *PARAMETERS}
DEFAULTS = {"unit": "шт", "quantity_step": "1"}
GUARDED = ("unit", "vat_rate")  # another one is quarantined: named as before, or not at all
TAKEN = {FULL: FIELDS, UPDATE: FIELDS, PRICES_AND_STOCK: ("price", "price_rrc", "quantity")}


@pytest.fixture
def supplier(app: Flask) -> Company:
    return make_company(SUPPLIER, name="Связной")


def as_csv(goods: list[Good]) -> bytes:
    columns = list(goods[0])
    file = io.StringIO(newline="")
    csv.writer(file, delimiter=";").writerows([columns, *([each[name] for name in columns] for each in goods)])
    return file.getvalue().encode()


def as_xlsx(goods: list[Good]) -> bytes:
    file = io.BytesIO()
    workbook = Workbook(file)
    sheet = workbook.add_worksheet()
    for number, line in enumerate([list(goods[0]), *(list(each.values()) for each in goods)]):
        for column, cell in enumerate(line):
            sheet.write_string(number, column, cell)
    workbook.close()
    return file.getvalue()


def as_json(goods: list[Good]) -> bytes:
    """What is empty is null in one good and missing in the next."""
    categories = [{"id": name, "name": name} for name in ("Смартфоны", "Аксессуары")]
    written = []
    for number, each in enumerate(goods):
        values = {name: value or None for name, value in each.items() if value or number % 2}
        parameters = {name: values.pop(name) for name in PARAMETERS if values.get(name)}
        for name in PARAMETERS:
            values.pop(name, None)
        written.append(values | ({"parameters": parameters} if parameters else {}))
    return orjson.dumps({"categories": categories, "goods": written})


def as_yml(goods: list[Good]) -> bytes:
    tags = {"sku": "vendorCode", "category": "categoryId", "vat_rate": "vat", "quantity": "count"}
    tags |= {"quantity_step": "step-quantity", "minimum_quantity": "min-quantity"}
    body = ""
    for each in goods:
        inner = ""
        for name, value in each.items():
            if name in PARAMETERS:
                inner += f"<param name={quoteattr(name)}>{value}</param>" if value else ""
            elif name != "id":
                inner += f"<{tags.get(name, name)}>{value}</{tags.get(name, name)}>"
        body += f"<offer id={quoteattr(each['id'])}>{inner}</offer>"
    names = "".join(f'<category id="{name}">{name}</category>' for name in ("Смартфоны", "Аксессуары"))
    return (f"<yml_catalog><shop><categories>{names}</categories><offers>{body}</offers></shop></yml_catalog>").encode()


FORMATS: dict[str, Callable[[list[Good]], bytes]] = {"csv": as_csv, "xlsx": as_xlsx, "json": as_json, "yml": as_yml}


def expected(mode: str, before: Good | None, said: Good) -> Good:
    """`said` has what the list has, EMPTY where the row leaves it out."""
    found: Good = {}
    for name in FIELDS:
        value, kept = said.get(name, EMPTY), before[name] if before else EMPTY
        is_cleared = mode == FULL and name in said and name not in ("price", "quantity")
        if name not in TAKEN[mode]:
            value = kept
        found[name] = value or (EMPTY if is_cleared else kept) or DEFAULTS.get(name, EMPTY)
    found["sku"] = found["sku"] or said["id"]
    found["minimum_quantity"] = found["minimum_quantity"] or found["quantity_step"]
    found["quantity"] = found["quantity"] or "unknown"
    return found


def shown(offer: Offer, level: StockLevel, categories: dict[int | None, str]) -> Good:
    def number(value: Decimal | None) -> str:
        return EMPTY if value is None else f"{value.normalize():f}"

    return {
        "sku": offer.sku,
        "category": categories.get(offer.category_id, EMPTY),
        "model": offer.model,
        "price": number(offer.price),
        "price_rrc": number(offer.price_rrc),
        "vat_rate": offer.vat_rate or EMPTY,
        "unit": offer.unit,
        "quantity_step": number(offer.quantity_step),
        "minimum_quantity": number(offer.minimum_quantity),
        "units_per_pack": number(offer.units_per_pack),
        "barcode": ", ".join(offer.barcodes),
        "quantity": number(level.on_hand) if level.kind == "exact" else level.kind,
        **{name: str(offer.parameters.get(name, EMPTY)) for name in PARAMETERS},
    }


def catalog(app: Flask, supplier: Company) -> dict[str, tuple[bool, Good]]:
    with app.app_context(), transaction():
        categories: dict[int | None, str] = {each.id: each.name for each in session().scalars(select(Category))}
        rows = session().execute(
            select(Offer, StockLevel)
            .join(StockLevel, StockLevel.offer_id == Offer.id)
            .filter_by(supplier_id=supplier.id)
        )
        return {offer.external_id: (offer.is_listed, shown(offer, level, categories)) for offer, level in rows}


def changes_of(done: PriceList) -> tuple[int, ...]:
    return (done.offers_new, done.offers_changed, done.offers_withdrawn, done.offers_quarantined, done.stock_changed)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("mode", TAKEN)
@pytest.mark.usefixtures("unguarded")
def test_what_is_not_named_stays(app: Flask, supplier: Company, mode: str, form: str, seed: int) -> None:
    dice = random.Random(f"{mode} {form} {seed}")
    run_import(app, supplier, as_json([{"id": n, "name": f"Товар {n}", **BEFORE} for n in ("known", "all", "gone")]))
    run_import(app, supplier, as_json([{"id": n, "name": f"Товар {n}"} | BEFORE for n in ("known", "all")]))
    fields = [name for name in FIELDS if form != "yml" or name in OF_YML]
    had = [name for name in fields if name == "price" or dice.random() < 0.6]

    def said(n: str) -> Good:
        values = {"id": n, "name": f"Товар {n}"} | {name: AFTER[name] for name in had}
        if n != "all":  # which has them all, so that they are had
            left_out = [name for name in had if name not in ("price", *GUARDED) and dice.random() < 0.4]
            values |= dict.fromkeys(left_out, EMPTY)
        return values

    goods = [said(n) for n in ("known", "all", "gone", "new")]
    before = catalog(app, supplier)

    done = run_import(app, supplier, FORMATS[form](goods), mode=mode)

    assert (done.state, done.offers_quarantined) == (APPLIED, 0), done.message
    is_whole = mode != PRICES_AND_STOCK
    model = {
        each["id"]: (
            is_whole or before[each["id"]][0],
            expected(mode, before[each["id"]][1] if each["id"] in before else None, each),
        )
        for each in goods
        if is_whole or each["id"] in before
    }
    assert catalog(app, supplier) == model
    assert [code for _, severity, code in issues(app, done) if severity == "error"] == (
        [] if is_whole else ["id_unknown"]
    )
    again = run_import(app, supplier, FORMATS[form](goods), mode=mode)
    assert changes_of(again) == (0, 0, 0, 0, 0)


COMMON = "Артикул;Наименование;Цена;Остаток\nS-1;Ложка;{};{}\nS-2;Вилка;20;5\n"


@pytest.mark.parametrize("mode", [FULL, UPDATE, PRICES_AND_STOCK])
def test_the_commonest_file_works_on_the_first_and_the_second_day(app: Flask, supplier: Company, mode: str) -> None:
    first = run_import(app, supplier, COMMON.format(10, 3).encode())
    assert (first.state, first.offers_new) == (APPLIED, 2)
    rich = [
        {"id": n, "sku": n, "name": name, "price": price, "vat_rate": 22, "unit": "упак", "units_per_pack": 6}
        | {"parameters": {"Цвет": "белый"}, "barcode": GTINS[0], "category": 15}
        for n, name, price in (("S-1", "Ложка", 10), ("S-2", "Вилка", 20))
    ]
    told = run_import(app, supplier, list_of(*rich))
    if told.offers_quarantined:
        run_import(app, supplier, list_of(*rich))
    before = catalog(app, supplier)

    done = run_import(app, supplier, COMMON.format(11, 4).encode(), mode=mode)

    assert (done.state, done.offers_changed, done.offers_quarantined, done.stock_changed) == (APPLIED, 1, 0, 1)
    expected_spoon = before["S-1"][1] | {"price": "11", "quantity": "4"}
    assert catalog(app, supplier)["S-1"] == (True, expected_spoon)
    assert issues(app, done) == []


@pytest.mark.parametrize("mode", [FULL, UPDATE, PRICES_AND_STOCK, STOCK_ONLY])
def test_an_empty_stock_stays_and_is_said_once(app: Flask, supplier: Company, mode: str) -> None:
    run_import(app, supplier, list_of(good(1), good(2), good(3, quantity="есть")))
    raw = "id;name;price;quantity\n1;Товар 1;100;\n2;Товар 2;100; \n3;Товар 3;100;4\n".encode()

    done = run_import(app, supplier, raw, mode=mode)

    found = offers(app, supplier)
    levels = [(stock(app, found[n]).kind, stock(app, found[n]).on_hand) for n in "123"]
    assert levels == [("exact", 10), ("exact", 10), ("exact", 4)]
    assert issues(app, done) == [(0, "warning", "quantity_missing")]


def test_a_quantity_that_cannot_be_read_leaves_the_stock(app: Flask, supplier: Company) -> None:
    run_import(app, supplier, list_of(good(1), good(2)))

    done = run_import(app, supplier, list_of(good(1, quantity="?"), good(2), good(3, quantity="?")))

    found = offers(app, supplier)
    assert [stock(app, found[n]).kind for n in "123"] == ["exact", "exact", "unknown"]
    assert (1, "warning", "quantity_not_a_number") in issues(app, done)


@pytest.mark.parametrize(
    ("raw", "mode", "code"),
    [
        (b"id;name;x\n1;a;1\n", FULL, "no_price_column"),
        (b"id;name;x\n1;a;1\nnew;b;1\n", UPDATE, "no_price_column"),
        (b"id;price;x\n1;100;1\nnew;5;1\n", UPDATE, "no_name_column"),
        (b"goods: [{id: 1, name: a}, {id: new, name: b}]", UPDATE, "no_price_of_new"),
        (b"goods: [{id: 1, price: 100}, {id: new, price: 5}]", UPDATE, "no_name_of_new"),
        (b"goods: [{id: 1, name: a}]", FULL, "NothingUsable"),
        (b"id;name;price\n1;a;100\n", STOCK_ONLY, "no_stock"),
        (b"goods: [{id: 1, name: a}]", STOCK_ONLY, "no_stock"),
        (b"id;name;unit\n1;a;kg\n", PRICES_AND_STOCK, "nothing_to_take"),
        (b"goods: [{id: 1, name: a}]", PRICES_AND_STOCK, "nothing_to_take"),
    ],
)
def test_refuses_a_list_that_lacks_what_it_is_for(
    app: Flask, supplier: Company, raw: bytes, mode: str, code: str
) -> None:
    run_import(app, supplier, list_of(good(1)))
    before = catalog(app, supplier)

    done = run_import(app, supplier, raw, mode=mode)

    assert (done.state, [reason["code"] for reason in done.reasons]) == (FAILED, [code])
    assert catalog(app, supplier) == before


@pytest.mark.parametrize(
    "raw", [b"id;unit\n1;kg\n", b"goods: [{id: 1, unit: kg}]", b'{"goods": [{"id": 1, "unit": "kg"}]}']
)
def test_an_update_without_prices_and_names_is_taken_where_every_good_is_known(
    app: Flask, supplier: Company, raw: bytes
) -> None:
    run_import(app, supplier, list_of(good(1, unit="кг"), good(2)))
    done = run_import(app, supplier, raw, mode=UPDATE)
    assert (done.state, changes_of(done), done.offers_unchanged) == (APPLIED, (0, 0, 0, 0, 0), 1)


@pytest.mark.parametrize("mode", [FULL, UPDATE, PRICES_AND_STOCK])
@pytest.mark.parametrize("field", ["name", "price"])
def test_an_empty_name_or_price_is_an_error_whichever_good_comes_first(
    app: Flask, supplier: Company, mode: str, field: str
) -> None:
    """What the first goods lack is known to be had only when a later one has it."""
    run_import(app, supplier, list_of(good(1), good(2), good(3)))

    done = run_import(app, supplier, list_of(good(1, **{field: None}), good(2), good(3, **{field: ""})), mode=mode)

    assert (done.state, done.rows_rejected, done.offers_withdrawn) == (APPLIED, 2, 0)
    assert sorted(issues(app, done)) == [(1, "error", f"{field}_missing"), (3, "error", f"{field}_missing")]
    assert [each.name for each in offers(app, supplier).values()] == ["Товар 1", "Товар 2", "Товар 3"]


def test_says_which_fields_it_has(app: Flask, supplier: Company) -> None:
    done = run_import(app, supplier, "Код;Наименование;Цена;Цвет\n1;a;5;\n".encode())
    assert read(app, done).had == ["id", "name", "price", "param:Цвет"]


def test_a_price_of_another_unit_is_quarantined_and_the_unit_not_stored(app: Flask, supplier: Company) -> None:
    run_import(app, supplier, list_of(good(1, vat_rate=10), good(2), good(3)))
    rows = [good(1, vat_rate=22), good(2, unit="упак"), good(3, price=101, model="x", parameters={"a": 1})]

    done = run_import(app, supplier, list_of(*rows), mode=PRICES_AND_STOCK)

    found = offers(app, supplier)
    assert (done.offers_quarantined, done.offers_changed) == (2, 1)
    assert [found[n].is_quarantined for n in "123"] == [True, True, False]
    assert (found["1"].vat_rate, found["2"].unit) == ("10", "шт")
    assert (found["3"].price, found["3"].model, found["3"].parameters) == (101, "", {})


BY_SKU = "Артикул;Наименование;Цена;Остаток\nA-1;Ложка;11;4\nA-2;Вилка;;1\nA-3;Нож;30;1\n".encode()


@pytest.mark.parametrize("mode", [FULL, UPDATE, PRICES_AND_STOCK, STOCK_ONLY])
def test_a_file_without_codes_finds_the_goods_of_a_richer_list_by_their_sku(
    app: Flask, supplier: Company, mode: str
) -> None:
    goods = ((1, "A-1", "Ложка", 10), (2, "A-2", "Вилка", 20), (3, "A-3", "Нож", 30))
    run_import(app, supplier, list_of(*(good(n, sku=sku, name=name, price=price) for n, sku, name, price in goods)))

    done = run_import(app, supplier, BY_SKU, mode=mode)

    found = offers(app, supplier)
    assert (done.state, done.offers_new, done.offers_withdrawn, list(found)) == (APPLIED, 0, 0, ["1", "2", "3"])
    assert (found["1"].price, stock(app, found["1"]).on_hand) == (10 if mode == STOCK_ONLY else 11, 4)
    assert found["2"].is_quarantined is (mode != STOCK_ONLY)
    assert run_import(app, supplier, BY_SKU, mode=mode).offers_changed == 0


def test_a_sku_that_several_goods_have_decides_nothing(app: Flask, supplier: Company) -> None:
    run_import(app, supplier, list_of(good(1, sku="A-1"), good(2, sku="A-1"), good(3, sku="A-3")))
    before = catalog(app, supplier)

    raw = "Артикул;Наименование;Цена;Остаток\nA-1;Товар 1;101;1\nA-3;Товар 3;100;10\n".encode()
    done = run_import(app, supplier, raw)

    assert (done.state, done.rows_rejected, catalog(app, supplier)) == (APPLIED, 1, before)
    assert issues(app, done) == [(1 + 1, "error", "sku_ambiguous")] * 2
