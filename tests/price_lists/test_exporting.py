"""What goes out as a list comes in again without a change."""

import csv
from collections.abc import Callable
from io import BytesIO, StringIO
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import update

from shop.auth.models import FREE, MANAGER, SUPPLIER, Company
from shop.catalog.models import StockLevel
from shop.database import session, transaction
from tests.factories.auth import bearer, make_company, make_user
from tests.outbox_drain import Drain
from tests.price_lists.lists import good, issues, list_of, offers, run_import, stock

pytestmark = pytest.mark.usefixtures("unguarded")

CATALOG = "/api/v1/catalog"
AWKWARD = [
    good("0012", sku="12.0", name="=1+1", model="-5 %", price="0.4855", price_rrc="1.10", quantity=">100"),
    good("12.50", name="'12.5", unit="кг", units_per_pack=12, quantity_step="0.125", quantity="есть"),
    good("a;b", name='Чай "Высший", 5\tшт', barcode="9520000000011", vat_rate="none", quantity="под заказ"),
    good("'=7", sku="'-1", name="-1"),
    good("+7", name="@имя", category=15, quantity=0, vat_rate=0, minimum_quantity=3),
    good(
        5,
        parameters={
            "Текст": "12",
            "Дробь": "12.50",
            "Число": 6.5,
            "Целое": -3,
            "Да": True,
            "Слово": "true",
            "Пусто": "",
            "Апостроф": "'=x",
            "Формула": "=SUM(A1)",
            "Минус": "-3",
            "Ниже нуля": "-0.5 °C",
            "Кавычка": "'",
            "Артикул": "как колонка",
            "param:x": "y",
            "issue_code": "z",
        },
    ),
]


@pytest.fixture
def supplier(app: Flask) -> Company:
    return make_company(SUPPLIER, name="Связной")


@pytest.mark.parametrize("form", ["yaml", "csv", "xlsx"])
def test_the_own_list_comes_in_again_without_a_change(
    app: Flask, client: FlaskClient, supplier: Company, form: str
) -> None:
    first = run_import(app, supplier, list_of(*AWKWARD))
    assert (first.offers_new, issues(app, first)) == (6, [])
    before = {name: vars(offer) for name, offer in offers(app, supplier).items()}

    answer = client.get(f"{CATALOG}/price-list?format={form}", headers=bearer(make_user(SUPPLIER, company=supplier)))
    again = run_import(app, supplier, answer.data)

    assert (answer.status_code, again.format, issues(app, again)) == (200, form, []), again.message
    assert (again.offers_new, again.offers_changed, again.offers_withdrawn, again.stock_changed) == (0, 0, 0, 0)
    assert again.offers_unchanged == 6
    assert {name: offer.revision for name, offer in offers(app, supplier).items()} == dict.fromkeys(before, 1)


@pytest.mark.parametrize("form", ["yaml", "csv", "xlsx"])
def test_free_stock_comes_in_again_without_a_change_whatever_is_reserved(
    app: Flask, client: FlaskClient, form: str
) -> None:
    supplier = make_company(SUPPLIER, stock_means=FREE)
    run_import(app, supplier, list_of(good(1, quantity=10), good(2, quantity=">10"), good(3, quantity="есть")))
    found = list(offers(app, supplier).values())
    with app.app_context(), transaction():
        session().execute(update(StockLevel).values(on_hand=3, reserved=7).where(StockLevel.offer_id != found[2].id))
        session().execute(update(StockLevel).values(reserved=2).where(StockLevel.offer_id == found[2].id))

    answer = client.get(f"{CATALOG}/price-list?format={form}", headers=bearer(make_user(SUPPLIER, company=supplier)))
    again = run_import(app, supplier, answer.data)

    assert (again.stock_changed, again.offers_changed, again.offers_unchanged) == (0, 0, 3), again.message
    levels = [stock(app, offer) for offer in found]
    assert [(level.on_hand, level.reserved) for level in levels] == [(3, 7), (3, 7), (0, 2)]


@pytest.mark.parametrize("form", ["yaml", "csv", "xlsx"])
def test_an_empty_list_is_a_file_too(client: FlaskClient, supplier: Company, form: str) -> None:
    address = f"{CATALOG}/price-list?format={form}&supplier_id={supplier.id}"
    assert client.get(address, headers=bearer(make_user(MANAGER))).status_code == 200
    assert client.get(address, headers=bearer(make_user(SUPPLIER))).status_code == 404


def test_rejected_rows_come_back_to_be_mended(
    app: Flask, client: FlaskClient, supplier: Company, drain: Drain, edge: Callable[[], Any]
) -> None:
    user = make_user(SUPPLIER, company=supplier)
    raw = "Код;Наименование;Цена;Цвет\n1;Болт;5;=A1\n2;Гайка;пять;белый\n3;=HYPERLINK(1);;-\n".encode()
    done = run_import(app, supplier, raw)

    answer = client.get(f"{CATALOG}/price-lists/{done.id}/rejected-rows", headers=bearer(user))

    lines = list(csv.reader(StringIO(answer.data.decode("utf-8-sig")), delimiter=";"))
    assert lines[0][-3:] == ["issue_row", "issue_code", "issue_message"]
    assert [line[-3:-1] for line in lines[1:]] == [["3", "price_not_a_number"], ["4", "price_missing"]]
    assert "'=HYPERLINK(1)" in lines[2]
    assert lines[1][-1] == "price: должно быть числом, а не «пять»"
    mended = answer.data.replace("пять".encode(), b"5").replace(b"'=HYPERLINK(1);", "Шайба;".encode())
    form = {"file": (BytesIO(mended), "mended.csv"), "mode": "update"}
    location = client.post(f"{CATALOG}/price-lists", data=form, headers=bearer(user)).headers["Location"]
    drain()
    counts = client.get(location, headers=bearer(user)).json
    assert (counts["offers_new"], counts["rows_rejected"]) == (1, 1)
    assert offers(app, supplier)["2"].parameters == {"Цвет": "белый"}


def test_an_offers_history(app: Flask, client: FlaskClient, supplier: Company) -> None:
    for price in (100, 110, 105):
        run_import(app, supplier, list_of(good(1, price=price)))
    offer_id = offers(app, supplier)["1"].id

    first = client.get(f"{CATALOG}/offers/{offer_id}/history?limit=2").json
    rest = client.get(f"{CATALOG}/offers/{offer_id}/history?cursor={first['next_cursor']}").json

    assert [each["price"] for each in first["items"] + rest["items"]] == ["105.00", "110.00", "100.00"]
    assert client.get(f"{CATALOG}/offers/999/history").status_code == 404


def test_what_was_chosen_is_remembered(client: FlaskClient, supplier: Company) -> None:
    user = make_user(SUPPLIER, company=supplier)
    form = {"mode": "update", "columns": '{"Почём": "price"}', "file": (BytesIO(b"id,name,price"), "x.csv")}
    assert client.post(f"{CATALOG}/price-lists", data=form, headers=bearer(user)).json["mode"] == "update"
    again = client.post(f"{CATALOG}/price-lists", data={"file": (BytesIO(b"x"), "x")}, headers=bearer(user))
    assert again.json["mode"] == "update"

    body = {"price_lists": {"url": "https://example.com/list.csv", "interval_hours": 6}}
    assert client.patch(f"{CATALOG}/supplier", json=body, headers=bearer(user)).status_code == 200
    terms = client.get(f"{CATALOG}/supplier/price-lists", headers=bearer(user)).json
    assert (terms["interval_hours"], terms["url"], terms["columns"]) == (
        6,
        "https://example.com/list.csv",
        {"Почём": "price"},
    )
    assert terms["next_fetch_at"]
