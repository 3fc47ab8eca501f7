"""The catalog through HTTP."""

from collections.abc import Callable
from typing import Any

import orjson
import pytest
from flask import Flask
from flask.testing import FlaskClient

from shop.auth.models import BUYER, MANAGER, PENDING, SUPPLIER
from shop.catalog.models import ON_ORDER, Product
from shop.catalog.schemas import OfferSchema, OffersPageSchema
from tests.factories.auth import bearer, make_company, make_user
from tests.factories.catalog import make_category, make_offer

OFFERS = "/api/v1/catalog/offers"


def test_shows_an_offer_as_documented(client: FlaskClient) -> None:
    supplier = make_company(SUPPLIER, name="Связной")
    category = make_category("Смартфоны")
    offer = make_offer(
        supplier=supplier,
        category=category,
        name="Смартфон",
        sku="00042",
        price="110000",
        price_rrc="116990.50",
        on_hand="14.5",
        units_per_pack=12,
        barcodes=["9520000000011"],
        parameters={"Цвет": "золотистый"},
    )

    response = client.get(f"{OFFERS}/{offer.id}")

    answer = response.json
    assert response.status_code == 200
    assert OfferSchema().validate(answer) == {}
    assert set(answer) == set(OfferSchema().fields)
    assert answer | {"updated_at": ""} == {
        "id": offer.id,
        "product_id": offer.product_id,
        "supplier": {"id": supplier.id, "name": "Связной"},
        "external_id": "00042",
        "sku": "00042",
        "name": "Смартфон",
        "model": "",
        "category": {"id": category.id, "name": "Смартфоны"},
        "price": "110000.00",
        "price_rrc": "116990.50",
        "currency": "RUB",
        "vat_rate": "22",
        "price_includes_vat": True,
        "unit": "шт",
        "unit_code": "796",
        "quantity_step": 1,
        "minimum_quantity": 1,
        "units_per_pack": 12,
        "base_price": "110000.00",
        "base_unit": "шт",
        "price_with_vat": "110000.00",
        "compare_price": "110000.00",
        "compare_includes_vat": True,
        "barcodes": ["9520000000011"],
        "parameters": {"Цвет": "золотистый"},
        "stock": {"kind": "exact", "available": 14},
        "is_orderable": True,
        "is_listed": True,
        "revision": 1,
        "updated_at": "",
    }


def test_the_page_of_offers_is_as_documented(client: FlaskClient) -> None:
    for _ in range(3):
        make_offer()
    query = {"limit": 2, "q": "товар", "in_stock": "true", "price_min": "1"}

    page = client.get(OFFERS, query_string=query).json
    rest = client.get(OFFERS, query_string=query | {"cursor": page["next_cursor"]}).json

    assert OffersPageSchema().validate(page) == {}
    assert (len(page["items"]), len(rest["items"]), rest["next_cursor"]) == (2, 1, None)


@pytest.mark.parametrize(
    "query",
    [
        {"colour": "red"},
        {"limit": "501"},
        {"limit": "0"},
        {"sort": "rank"},
        {"category": "abc"},
        {"category": 2**70},
        {"price_min": "NaN"},
        {"price_max": "1e999999"},
        {"price_max": "-1"},
        {"q": ""},
        {"q": "\x00"},
        {"sku": "\x00"},
        {"sort": "relevance"},
        {"sort": "price", "changed_since": "2026-01-01T00:00:00Z"},
        {"changed_since": "yesterday"},
        {"changed_since": "2026-01-01T00:00:00"},
        {"orderable": "perhaps"},
        {"param.": "x"},
        {"param.Цвет": "\x00"},
        {"parameters": "x"},
        {"cursor": "x"},
        {"cursor": "я"},
    ],
)
def test_refuses_a_query_that_means_nothing(client: FlaskClient, query: dict[str, Any]) -> None:
    response = client.get(OFFERS, query_string=query)

    assert response.status_code == 422
    [error] = response.json["errors"]
    assert (error["location"], error["field"].split(".")[0]) == ("query", next(iter(query)).split(".")[0])


@pytest.mark.parametrize(
    ("others", "terms", "is_orderable"),
    [
        ({}, {}, True),
        ({"on_hand": 4, "minimum_quantity": 5}, {}, False),
        ({"on_hand": 0, "stock_kind": ON_ORDER}, {}, True),
        ({}, {"accepts_orders": False}, False),
        ({"is_listed": False}, {}, False),
    ],
)
def test_says_what_can_be_ordered(
    client: FlaskClient, others: dict[str, Any], terms: dict[str, Any], is_orderable: bool
) -> None:
    offer = make_offer(supplier=make_company(SUPPLIER, **terms), **others)

    answer = client.get(f"{OFFERS}/{offer.id}").json

    assert answer["is_orderable"] is is_orderable
    assert answer["is_listed"] is others.get("is_listed", True)


def test_shows_a_product_with_all_its_offers_the_cheapest_first(client: FlaskClient, edge: Callable[[], Any]) -> None:
    with edge() as session:
        product = Product(name="Чай чёрный")
        session.add(product)
        dear, cheap = make_offer(price="20.00", product=product), make_offer(price="10.00", product=product)
        make_offer(price="5.00", product=product, is_listed=False)

    answer = client.get(f"/api/v1/catalog/products/{product.id}").json

    assert (answer["name"], [offer["id"] for offer in answer["offers"]]) == ("Чай чёрный", [cheap.id, dear.id])
    assert client.get("/api/v1/catalog/products/999").status_code == 404


def test_lists_categories_and_suppliers_with_what_they_hold(client: FlaskClient) -> None:
    supplier, category = make_company(SUPPLIER, name="ООО Один", minimum_order="5000"), make_category("Чай")
    make_category("Пустая")
    for _ in range(2):
        make_offer(supplier=supplier, category=category)
    make_offer(supplier=make_company(SUPPLIER, status=PENDING), category=category)

    categories = client.get("/api/v1/catalog/categories").json
    suppliers = client.get("/api/v1/catalog/suppliers").json

    assert categories == {"items": [{"id": category.id, "name": "Чай", "offers": 2}], "next_cursor": None}
    [answer] = suppliers["items"]
    assert (answer["name"], answer["offers"], answer["minimum_order"]) == ("ООО Один", 2, "5000.00")


def test_a_supplier_changes_its_terms(client: FlaskClient) -> None:
    user = make_user(SUPPLIER)
    body = {"accepts_orders": False, "delivery_fee": "600.00", "free_delivery_from": None, "stock_means": "free"}

    changed = client.patch("/api/v1/catalog/supplier", json=body, headers=bearer(user))
    shown = client.get("/api/v1/catalog/supplier", headers=bearer(user))

    assert changed.status_code == 200
    assert changed.json == shown.json
    assert {name: shown.json[name] for name in body} == body


def test_a_change_of_terms_leaves_in_the_log_who_made_it(client: FlaskClient, caplog: pytest.LogCaptureFixture) -> None:
    user = make_user(SUPPLIER)
    with caplog.at_level("INFO"):
        client.patch("/api/v1/catalog/supplier", json={"accepts_orders": False}, headers=bearer(user))
        client.patch("/api/v1/catalog/supplier", json={"accepts_orders": False}, headers=bearer(user))

    told = [record.getMessage() for record in caplog.records if "supplier_terms_changed" in record.getMessage()]
    assert len(told) == 1
    assert all(word in told[0] for word in ("accepts_orders", "False", str(user.id)))


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"delivery_fee": "-1"}, "delivery_fee"),
        ({"delivery_fee": "1.005"}, "delivery_fee"),
        ({"minimum_order": "1e15"}, "minimum_order"),
        ({"stock_means": "some"}, "stock_means"),
        ({"status": "active"}, "status"),
        ({"accepts_orders": None}, "accepts_orders"),
    ],
)
def test_refuses_terms_that_cannot_be_meant(client: FlaskClient, body: dict[str, Any], field: str) -> None:
    response = client.patch("/api/v1/catalog/supplier", json=body, headers=bearer(make_user(SUPPLIER)))

    assert response.status_code == 422
    assert response.json["errors"][0]["field"] == field


@pytest.mark.parametrize("role", [BUYER, MANAGER])
def test_terms_are_for_suppliers(client: FlaskClient, role: str) -> None:
    assert client.get("/api/v1/catalog/supplier", headers=bearer(make_user(role))).status_code == 403
    assert client.get("/api/v1/catalog/supplier").status_code == 401


@pytest.mark.parametrize("path", ["offers", "offers/1", "products/1", "categories", "suppliers"])
def test_a_catalog_that_is_not_public_needs_a_log_in(
    app: Flask, client: FlaskClient, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed = app.extensions["settings"].model_copy(update={"catalog_public": False})
    monkeypatch.setitem(app.extensions, "settings", closed)

    assert client.get(f"/api/v1/catalog/{path}").status_code == 401
    assert client.get(f"/api/v1/catalog/{path}", headers=bearer(make_user())).status_code in (200, 404)


@pytest.mark.parametrize(
    "path", ["offers", "offers?q=товар", "categories", "suppliers", "facets", "facets?q=товар", "products/{product}"]
)
def test_the_number_of_statements_does_not_grow(
    client: FlaskClient, path: str, count_statements: Callable[[], Any]
) -> None:
    offer = make_offer(category=make_category())
    path = f"/api/v1/catalog/{path.format(product=offer.product_id)}"
    headers = bearer(make_user())
    with count_statements() as few:
        client.get(path, headers=headers)
    for _ in range(5):
        make_offer(category=make_category())

    with count_statements() as many:
        response = client.get(path, headers=headers)

    assert response.status_code == 200
    assert len(few) == len(many) <= 4
    assert orjson.loads(response.data)


@pytest.mark.parametrize("path", ["offers", "products"])
@pytest.mark.parametrize("number", [999, 2**63, 2**80])
def test_does_not_know_what_does_not_exist(client: FlaskClient, path: str, number: int) -> None:
    assert client.get(f"/api/v1/catalog/{path}/{number}").status_code == 404
