"""Sending price lists through HTTP, and seeing what became of them."""

from collections.abc import Callable
from io import BytesIO
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from shop.auth.models import BUYER, MANAGER, PENDING, SUPPLIER, User
from shop.catalog.models import Offer
from tests.factories.auth import bearer, make_company, make_user
from tests.outbox_drain import Drain
from tests.price_lists.lists import good, list_of

LISTS = "/api/v1/catalog/price-lists"


@pytest.fixture
def upload(client: FlaskClient) -> Callable[..., Any]:
    def send(user: User | None, raw: bytes | None = None, **form: Any) -> Any:
        file = {} if raw is None else {"file": (BytesIO(raw), "../../price.yaml")}
        return client.post(LISTS, data=file | form, headers=bearer(user) if user else {})

    return send


def test_from_the_upload_to_the_catalog(client: FlaskClient, upload: Callable[..., Any], drain: Drain) -> None:
    user = make_user(SUPPLIER)

    accepted = upload(user, list_of(good(1, name="Смартфон"), good(2, price="сто"), good(3, category=9)))

    assert accepted.status_code == 202
    assert (accepted.json["state"], accepted.json["file_name"]) == ("queued", "price.yaml")
    drain()
    location = accepted.headers["Location"]
    done = client.get(location, headers=bearer(user)).json
    assert (done["state"], done["offers_new"], done["rows_rejected"]) == ("applied", 2, 1)
    first = client.get(f"{location}/issues?limit=1", headers=bearer(user)).json
    rest = client.get(f"{location}/issues?limit=1&cursor={first['next_cursor']}", headers=bearer(user)).json
    assert [(issue["row"], issue["code"]) for issue in first["items"] + rest["items"]] == [
        (2, "price_not_a_number"),
        (3, "category_undeclared"),
    ]
    assert rest["next_cursor"] is None
    found = client.get("/api/v1/catalog/offers?q=смартфон").json["items"]
    assert [offer["name"] for offer in found] == ["Смартфон"]


def test_a_supplier_sends_lists_once_it_is_approved(
    app: Flask, upload: Callable[..., Any], edge: Callable[[], Any]
) -> None:
    supplier = make_company(SUPPLIER, status=PENDING)
    user = make_user(SUPPLIER, company=supplier)
    early = upload(user, list_of(good(1)))
    assert (early.status_code, early.json["code"]) == (409, "SupplierNotApproved")

    with edge() as session:
        session.merge(supplier).status = "active"

    assert upload(user, list_of(good(1))).status_code == 202


def test_a_text_field_is_no_file(client: FlaskClient) -> None:
    answer = client.post(LISTS, data={"file": "abc"}, headers=bearer(make_user(SUPPLIER)))
    assert (answer.status_code, answer.json["errors"][0]["field"]) == (422, "file")


def test_a_manager_uploads_for_a_supplier_and_sees_all(
    client: FlaskClient, upload: Callable[..., Any], edge: Callable[[], Any], drain: Drain
) -> None:
    supplier, manager = make_company(SUPPLIER), make_user(MANAGER)

    accepted = upload(manager, list_of(good(1)), supplier_id=str(supplier.id), mode="update")

    assert accepted.status_code == 202
    assert (accepted.json["supplier_id"], accepted.json["mode"]) == (supplier.id, "update")
    assert len(client.get(LISTS, headers=bearer(manager)).json["items"]) == 1
    drain()
    with edge() as session:
        assert session.scalars(select(Offer)).one().supplier_id == supplier.id


@pytest.mark.parametrize("whose", ["nobody", "buyer", "unknown"])
def test_a_manager_must_name_a_supplier(upload: Callable[..., Any], whose: str) -> None:
    buyer = make_company(BUYER)
    form = {"nobody": {}, "buyer": {"supplier_id": str(buyer.id)}, "unknown": {"supplier_id": "99999"}}[whose]

    assert upload(make_user(MANAGER), list_of(good(1)), **form).status_code == 404


def test_others_lists_do_not_exist(client: FlaskClient, upload: Callable[..., Any]) -> None:
    owner, other = make_user(SUPPLIER), make_user(SUPPLIER)
    location = upload(owner, list_of(good(1))).headers["Location"]

    for path in (location, f"{location}/issues", f"{LISTS}/999"):
        assert client.get(path, headers=bearer(other)).status_code == 404
    assert client.get(LISTS, headers=bearer(other)).json["items"] == []
    assert upload(other, list_of(good(1)), supplier_id=str(owner.company_id)).status_code == 404


def test_lists_the_newest_first_page_by_page(client: FlaskClient, upload: Callable[..., Any]) -> None:
    user = make_user(SUPPLIER)
    ids = [upload(user, list_of(good(1))).json["id"] for _ in range(3)]

    first = client.get(f"{LISTS}?limit=2", headers=bearer(user)).json
    rest = client.get(f"{LISTS}?limit=2&cursor={first['next_cursor']}", headers=bearer(user)).json

    assert [each["id"] for each in first["items"] + rest["items"]] == ids[::-1]


@pytest.mark.parametrize(
    ("raw", "form", "field"),
    [
        (None, {}, "file"),
        (b"x", {"mode": "half"}, "mode"),
        (b"x", {"supplier_id": "abc"}, "supplier_id"),
        (b"x", {"url": "http://example.com"}, "url"),
    ],
)
def test_refuses_a_form_that_means_nothing(
    upload: Callable[..., Any], raw: bytes | None, form: dict[str, str], field: str
) -> None:
    response = upload(make_user(SUPPLIER), raw, **form)

    assert response.status_code == 422
    assert response.json["errors"][0]["field"] == field


def test_refuses_an_empty_file(upload: Callable[..., Any]) -> None:
    response = upload(make_user(SUPPLIER), b" \n")

    assert (response.status_code, response.json["code"]) == (422, "EmptyFile")


def test_takes_larger_bodies_than_other_routes_but_not_any(
    app: Flask, upload: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    small = app.extensions["settings"].model_copy(update={"max_price_list_mib": 0})
    monkeypatch.setitem(app.extensions, "settings", small)
    monkeypatch.setitem(app.config, "MAX_CONTENT_LENGTH", 1000)

    assert upload(make_user(SUPPLIER), b"goods: []" + b"#" * 50_000).status_code == 202
    assert upload(make_user(SUPPLIER), b"goods: []" + b"#" * 70_000).status_code == 413


@pytest.mark.parametrize(("role", "status"), [(None, 401), (BUYER, 403)])
def test_is_for_suppliers_and_managers(
    client: FlaskClient, upload: Callable[..., Any], role: str | None, status: int
) -> None:
    user = make_user(role) if role else None
    headers = bearer(user) if user else {}

    assert upload(user, list_of(good(1))).status_code == status
    assert client.get(LISTS, headers=headers).status_code == status
    assert client.get(f"{LISTS}/1", headers=headers).status_code == status
    assert client.get(f"{LISTS}/1/issues", headers=headers).status_code == status
