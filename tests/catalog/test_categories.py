"""Managers name categories and decide what the suppliers' own numbers mean; offers follow, lists respect it."""

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from shop.auth.models import MANAGER, SUPPLIER, Company, User
from shop.catalog.categories import (
    CategoryNameTaken,
    CategoryNotFound,
    list_categories,
    map_supplier_category,
    rename_category,
)
from shop.catalog.models import OfferRevision, SupplierCategory
from shop.database import session
from tests.factories.auth import bearer, make_company, make_user
from tests.factories.catalog import make_category
from tests.price_lists.lists import good, list_of, offers, run_import

MAPPINGS = "/api/v1/catalog/supplier-categories"


@pytest.fixture
def manager(app: Flask) -> User:
    return make_user(MANAGER)


@pytest.fixture
def supplier(app: Flask) -> Company:
    supplier = make_company(SUPPLIER, name="Связной")
    run_import(app, supplier, list_of(good(1), good(2), good(3, category=15)))
    return supplier


def mapping(supplier: Company, external_id: str = "224") -> SupplierCategory:
    found = select(SupplierCategory).filter_by(supplier_id=supplier.id, external_id=external_id)
    return session().scalars(found).one()


def test_offers_follow_a_mapping_at_once_and_the_next_list_respects_it(
    app: Flask, edge: Callable[[], Any], supplier: Company, manager: User
) -> None:
    other = make_category("Телефоны")
    with edge():
        answer = map_supplier_category(mapping(supplier).id, category_id=other.id, by=manager)
    moved = offers(app, supplier)
    done = run_import(app, supplier, list_of(good(1), good(2), good(3, category=15), good(4)))

    assert answer["category"] == {"id": other.id, "name": "Телефоны"}
    assert (moved["1"].category_id, moved["2"].category_id, moved["3"].category_id != other.id) == (other.id,) * 2 + (
        True,
    )
    assert (done.offers_changed, done.offers_new) == (0, 1)
    assert offers(app, supplier)["4"].category_id == other.id
    with edge():
        last = session().scalars(select(OfferRevision).filter_by(offer_id=moved["1"].id, revision=2)).one()
        assert (last.category_id, last.user_id) == (other.id, manager.id)


def test_two_numbers_with_one_meaning_are_told_apart(
    app: Flask, edge: Callable[[], Any], supplier: Company, manager: User
) -> None:
    one, two = make_category("Одно"), make_category("Другое")
    with edge():
        map_supplier_category(mapping(supplier).id, category_id=one.id, by=manager)
        map_supplier_category(mapping(supplier, "15").id, category_id=one.id, by=manager)
    with edge():
        map_supplier_category(mapping(supplier, "15").id, category_id=two.id, by=manager)

    assert [offer.category_id for offer in offers(app, supplier).values()] == [one.id, one.id, two.id]


def test_the_next_list_does_not_bring_back_a_name_that_was_changed(
    app: Flask, edge: Callable[[], Any], supplier: Company, manager: User
) -> None:
    with edge():
        rename_category(mapping(supplier).category_id, name="Телефоны", by=manager)

    run_import(app, supplier, list_of(good(1, name="Новое имя"), good(2), good(3, category=15)))

    with edge():
        assert [each["name"] for each in list_categories(empty=True)] == ["Аксессуары", "Телефоны"]


def test_refuses_a_name_that_is_taken(app: Flask, edge: Callable[[], Any], manager: User) -> None:
    make_category("Чай")
    other = make_category("Кофе")

    with pytest.raises(CategoryNameTaken, match="ЧАЙ"), edge():
        rename_category(other.id, name="ЧАЙ", by=manager)
    with pytest.raises(CategoryNotFound), edge():
        rename_category(999, name="x", by=manager)


def test_renames_and_maps_through_http(client: FlaskClient, supplier: Company, manager: User) -> None:
    headers, empty = bearer(manager), make_category("Пустая")
    listed = client.get(f"{MAPPINGS}?supplier={supplier.id}&limit=1", headers=headers).json
    rest = client.get(f"{MAPPINGS}?supplier={supplier.id}&cursor={listed['next_cursor']}", headers=headers).json
    first = listed["items"][0]

    mapped = client.patch(f"{MAPPINGS}/{first['id']}", json={"category_id": empty.id}, headers=headers)
    renamed = client.patch(f"/api/v1/catalog/categories/{empty.id}", json={"name": "Полная"}, headers=headers)
    names = [each["name"] for each in client.get("/api/v1/catalog/categories").json["items"]]
    every = [each["name"] for each in client.get("/api/v1/catalog/categories?empty=true").json["items"]]
    unknown = client.patch(f"{MAPPINGS}/{first['id']}", json={"category_id": 999}, headers=headers)

    assert first["supplier"] == {"id": supplier.id, "name": "Связной"}
    assert len(rest["items"]) == 1
    assert mapped.json["category"] == {"id": empty.id, "name": "Пустая"}
    assert renamed.json["name"] == "Полная"
    assert "Полная" in names
    assert len(every) == len(names) + 1
    assert (unknown.status_code, unknown.json["code"]) == (404, "CategoryNotFound")
    for path in (f"{MAPPINGS}/1", "/api/v1/catalog/categories/1"):
        assert client.patch(path, json={}, headers=bearer(make_user(SUPPLIER))).status_code == 403
    assert client.get(MAPPINGS).status_code == 401
