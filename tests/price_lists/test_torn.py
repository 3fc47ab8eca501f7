"""Files that were cut off on their way: seen, and never taken for a list that leaves the rest out."""

import gzip
from typing import Any

import orjson
import pytest
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import given
from hypothesis import strategies as st

from shop.auth.models import SUPPLIER, Company
from shop.price_lists.models import APPLIED, HELD
from shop.price_lists.reading import UnreadablePriceList, parse_price_list
from shop.price_lists.reading.parsed import CutGood
from tests.factories.auth import bearer, make_company, make_user
from tests.outbox_drain import Drain
from tests.price_lists.lists import issues, offers, read, run_import, stock
from tests.price_lists.test_tables import workbook

COUNT = 40
ROWS = [(f"{number:04d}", f"Болт М{number}", f"{number + 100}.00", number + 100) for number in range(COUNT)]
CSV = "Код;Наименование;Остаток;Цена\n" + "".join(f"{key};{name};{count};{price}\n" for key, name, price, count in ROWS)
YAML = "shop: Пример\ngoods:\n" + "".join(
    f'  - id: "{key}"\n    name: {name}\n    quantity: {count}\n    price: {price}\n'
    for key, name, price, count in ROWS
)
STOCK = "Код;Остаток;Склад 2\n" + "".join(f"{key};{count};x\n" for key, _, _, count in ROWS)


@pytest.fixture
def supplier(app: Flask) -> Company:
    supplier = make_company(SUPPLIER)
    assert run_import(app, supplier, CSV.encode()).state == APPLIED
    return supplier


def cut(text: str, *, after: str, lacks: str = "") -> bytes:
    """Up to the last `after`, and of that without `lacks`."""
    return (text[: text.rindex(after)] + after.removesuffix(lacks)).encode()


TORN = {
    "csv: cells are missing": cut(CSV, after="0037;Болт"),
    "csv: in the price": cut(CSV, after="137.00", lacks="37.00"),
    "csv: no price": cut(CSV, after=";137;"),
    "csv: in a letter": cut(CSV, after="0037;Б")[:-1],
    "yaml: keys are missing": cut(YAML, after="name: Болт М37"),
    "yaml: at a line's end": cut(YAML, after="name: Болт М37\n"),
    "yaml: in the price": cut(YAML, after="price: 137.00", lacks="37.00"),
    "yaml: no price": cut(YAML, after="price: 137.00", lacks=" 137.00"),
}


@pytest.mark.parametrize("kind", TORN)
@pytest.mark.parametrize("mode", ["full", "update"])
def test_a_torn_list_is_held_and_says_so(app: Flask, supplier: Company, kind: str, mode: str) -> None:
    before = {key: (offer.price, offer.revision, offer.is_listed) for key, offer in offers(app, supplier).items()}

    done = run_import(app, supplier, TORN[kind], mode=mode)

    assert (done.state, [each["code"] for each in done.reasons]) == (HELD, ["torn"]), done.message
    assert "cut off" in (done.message or "")
    assert [(code, severity) for _, severity, code in issues(app, done)] == [("torn", "error")]
    assert {key: (each.price, each.revision, each.is_listed) for key, each in offers(app, supplier).items()} == before


def test_who_applies_it_keeps_the_good_that_was_cut(
    app: Flask, client: FlaskClient, drain: Drain, supplier: Company
) -> None:
    """Its row names it; the two that are missing altogether are withdrawn, as was shown."""
    held = run_import(app, supplier, TORN["csv: in the price"])
    by = bearer(make_user(SUPPLIER, company=supplier))
    assert client.post(f"/api/v1/catalog/price-lists/{held.id}/apply", headers=by).status_code == 202
    drain()

    assert read(app, held).state == APPLIED
    found = offers(app, supplier)
    assert (found["0037"].price, found["0037"].is_listed) == (137, True)
    assert [key for key, offer in found.items() if not offer.is_listed] == ["0038", "0039"]


def test_a_torn_list_of_stock_loses_its_last_row(app: Flask, supplier: Company) -> None:
    done = run_import(
        app, supplier, STOCK.replace(";137;x", ";999;x")[: STOCK.index("138;x") + 1].encode(), mode="stock_only"
    )

    assert done.state == APPLIED
    assert [(code, severity) for _, severity, code in issues(app, done)] == [("torn", "error")]
    found = offers(app, supplier)
    assert [int(stock(app, found[key]).on_hand) for key in ("0037", "0038")] == [999, 138]


JSON = orjson.dumps({"goods": [{"id": key, "name": name, "price": price} for key, name, price, _ in ROWS]})
YML = (
    "<yml_catalog><shop><offers>"
    + "".join(f'<offer id="{key}"><name>{name}</name><price>{price}</price></offer>' for key, name, price, _ in ROWS)
    + "</offers></shop></yml_catalog>"
).encode()
XLSX = workbook(["id", "name", "price"], *([key, name, float(price)] for key, name, price, _ in ROWS))
FLOW = ("goods: [" + ", ".join(f'{{id: "{key}", name: x, price: {price}}}' for key, _, price, _ in ROWS) + "]").encode()
WITH_AN_END = {"json": JSON, "yml": YML, "xlsx": XLSX, "gzip": gzip.compress(CSV.encode()), "yaml in brackets": FLOW}


@pytest.mark.parametrize("form", WITH_AN_END)
@pytest.mark.parametrize("share", [0.3, 0.85, 0.99])
def test_what_has_an_end_of_its_own_is_refused_without_it(form: str, share: float) -> None:
    raw = WITH_AN_END[form]
    assert len(list(parse_price_list(raw).goods)) == COUNT
    with pytest.raises(UnreadablePriceList):
        list(parse_price_list(raw[: int(len(raw) * share)]).goods)


@given(st.integers(YAML.encode().index(b"0010"), len(YAML.encode()) - 1))
def test_of_yaml_cut_anywhere_no_good_is_taken_that_nobody_meant(end: int) -> None:
    whole = list(parse_price_list(YAML.encode()).goods)
    try:
        goods = list(parse_price_list(YAML.encode()[:end]).goods)
    except UnreadablePriceList:
        return
    torn = goods[-1:] if goods and isinstance(goods[-1][1], CutGood) else []
    assert goods[: len(goods) - len(torn)] == whole[: len(goods) - len(torn)]


@pytest.mark.parametrize(
    "goods",
    [
        [{"id": "1"}, {"id": "2", "name": "x"}, {"id": "3"}],
        [{"id": str(number), "name": "x", "price": "5"} for number in range(30)],
        [{"id": "1", "name": "x", "price": "5.00"}, {"id": "2", "name": "y", "price": "7"}],
        [{"id": str(number), **({"quantity": "1"} if number % 2 else {}), "name": "x"} for number in range(30)],
    ],
)
def test_whole_lists_are_not_suspected(goods: list[dict[str, Any]]) -> None:
    lines = ("  - " + "\n    ".join(f'{name}: "{value}"' for name, value in good.items()) + "\n" for good in goods)
    text = "goods:\n" + "".join(lines)
    for raw in (text, text.rstrip("\n")):
        assert [good for _, good in parse_price_list(raw.encode()).goods] == goods
