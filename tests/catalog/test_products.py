"""One product per thing: recognized where it is certain, merged and split by managers, and left so by lists."""

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import text

from shop.auth.models import MANAGER, SUPPLIER, Company, User
from shop.catalog.models import Offer
from shop.catalog.packs import sql_pack
from shop.catalog.products import NothingToMerge, NothingToSplit, ProductsNotAlike, merge_products, split_product
from shop.catalog.schemas import ProductSchema
from shop.database import session
from tests.factories.auth import bearer, make_company, make_user
from tests.price_lists.lists import good, list_of, offers, run_import

EAN, OTHER_EAN, THIRD_EAN = "4601234567893", "4600000000008", "4600000000015"
TEA = {"name": "Чай чёрный «Утро» 100 г", "model": "utro-100"}


@pytest.fixture
def manager(app: Flask) -> User:
    return make_user(MANAGER)


@pytest.fixture
def products_of(app: Flask) -> Callable[..., list[int]]:
    """The products of goods, each listed by a supplier of its own (or by the one named), in order."""

    def import_each(*goods: dict[str, Any], supplier: Company | None = None) -> list[int]:
        if supplier:
            run_import(app, supplier, list_of(*goods))
            return [offer.product_id for offer in offers(app, supplier).values()]
        return [product for each in goods for product in import_each(each, supplier=make_company(SUPPLIER))]

    return import_each


@pytest.mark.parametrize(
    ("one", "two", "is_same"),
    [
        ({"barcode": EAN}, {"barcode": EAN, "name": "Совсем другое имя"}, True),
        ({"barcode": EAN}, {"barcode": OTHER_EAN}, False),
        ({"barcode": EAN}, {}, True),
        ({}, {"barcode": EAN}, True),
        ({}, {"name": "чай ЧЕРНЫЙ - утро, 100 г", "model": "UTRO 100"}, True),
        ({}, {"model": "utro-200"}, False),
        ({"unit": "уп", "units_per_pack": 12}, {}, False),
        ({"unit": "уп", "units_per_pack": 12}, {"unit": "ящ", "units_per_pack": 12}, True),
        ({"barcode": EAN, "unit": "уп", "units_per_pack": 12}, {"barcode": EAN}, False),
        ({"unit": "кг"}, {"unit": "г"}, False),
        ({"barcode": "2100310000009", "name": "a"}, {"barcode": "2100310000009", "name": "b"}, False),
    ],
)
def test_recognizes_the_same_thing(
    products_of: Callable[..., list[int]], one: dict[str, Any], two: dict[str, Any], is_same: bool
) -> None:
    first, second = products_of(good(1, **TEA | one), good(2, **TEA | two))

    assert (first == second) is is_same


def test_a_third_supplier_finds_the_pack_by_the_bottles_number(products_of: Callable[..., list[int]]) -> None:
    bottle = good(1, name="Вода 1 л", barcode=EAN)
    crate = good(2, name="Вода 1 л в ящике", barcode=EAN, unit="ящ", units_per_pack=6)

    found = products_of(bottle, crate, crate | {"name": "Вода, ящик"}, bottle | {"name": "Вода"})

    assert found[0] == found[3] != found[1] == found[2]


def test_two_goods_of_one_supplier_stay_apart_by_name(products_of: Callable[..., list[int]]) -> None:
    supplier = make_company(SUPPLIER)
    [rival] = products_of(good(1, **TEA))

    found = products_of(good(1, **TEA), good(2, **TEA), supplier=supplier)

    assert len({rival, *found}) == 3


def test_a_name_that_could_mean_two_products_means_neither(products_of: Callable[..., list[int]]) -> None:
    found = products_of(good(1, **TEA, barcode=EAN), good(2, **TEA, barcode=OTHER_EAN), good(3, **TEA))

    assert len(set(found)) == 3


def test_barcodes_that_contradict_each_other_make_a_product_of_its_own(products_of: Callable[..., list[int]]) -> None:
    found = products_of(
        good(1, name="a", barcode=EAN),
        good(2, name="b", barcode=OTHER_EAN),
        good(3, name="a", barcodes=[EAN, OTHER_EAN]),
    )

    assert len(set(found)) == 3


def test_a_number_that_a_supplier_uses_for_another_thing_is_another_product(
    products_of: Callable[..., list[int]],
) -> None:
    supplier = make_company(SUPPLIER)
    [rival] = products_of(good(7, **TEA, barcode=EAN))
    [before] = products_of(good(1, **TEA, barcode=EAN), supplier=supplier)

    [after] = products_of(good(1, name="Кофе", barcode=OTHER_EAN), supplier=supplier)

    assert before == rival != after


def test_an_id_that_a_supplier_uses_for_another_thing_is_another_product(
    products_of: Callable[..., list[int]],
) -> None:
    supplier = make_company(SUPPLIER)
    [tea, coffee] = products_of(good(7, **TEA), good(8, name="Кофе"))
    assert products_of(good(1, **TEA), good(2, name="Кофе"), supplier=supplier) == [tea, coffee]

    assert products_of(good(1, name="Кофе"), good(2, **TEA), supplier=supplier) == [coffee, tea]
    [cocoa, _] = products_of(good(1, name="Какао"), good(2, **TEA), supplier=supplier)
    assert cocoa not in (tea, coffee)


def test_the_same_thing_under_a_changed_name_stays_where_it_is(products_of: Callable[..., list[int]]) -> None:
    supplier = make_company(SUPPLIER)
    [tea, coffee] = products_of(good(7, **TEA), good(8, name="Кофе", barcode=EAN))
    products_of(good(1, **TEA), good(2, name="Кофе", barcode=EAN), supplier=supplier)

    respelled = TEA | {"name": "чай ЧЕРНЫЙ - утро, 100 г"}

    assert products_of(good(1, **respelled), good(2, name="Кофий", barcode=EAN), supplier=supplier) == [tea, coffee]


@pytest.mark.parametrize("order", [1, -1])
@pytest.mark.parametrize(
    ("barcodes", "groups"),
    [
        (([EAN, OTHER_EAN], [OTHER_EAN]), 1),
        (([EAN], [EAN, OTHER_EAN], [OTHER_EAN]), 1),
        (([EAN, OTHER_EAN], [OTHER_EAN, THIRD_EAN]), 2),
        (([EAN], [OTHER_EAN]), 2),
    ],
)
def test_rows_of_one_list_that_share_a_barcode_are_one_thing_unless_they_disagree(
    products_of: Callable[..., list[int]], barcodes: Any, groups: int, order: int
) -> None:
    rows = [good(number, barcodes=found) for number, found in enumerate(barcodes[::order])]

    assert len(set(products_of(*rows, supplier=make_company(SUPPLIER)))) == groups


def test_a_row_finds_its_product_by_the_number_of_a_row_beside_it(products_of: Callable[..., list[int]]) -> None:
    [known] = products_of(good(7, **TEA, barcode=EAN))

    found = products_of(
        good(1, barcodes=[OTHER_EAN]), good(2, barcodes=[EAN, OTHER_EAN]), supplier=make_company(SUPPLIER)
    )

    assert found == [known, known]


def test_a_barcode_that_comes_later_brings_rivals_together(products_of: Callable[..., list[int]]) -> None:
    supplier = make_company(SUPPLIER)
    [rival] = products_of(good(7, name="Чай «Утро»", barcode=EAN))
    [before] = products_of(good(1, **TEA), supplier=supplier)

    [after] = products_of(good(1, **TEA, barcode=EAN), supplier=supplier)

    assert before != rival == after


def test_what_a_manager_merged_stays_merged(
    app: Flask, edge: Callable[[], Any], manager: User, products_of: Callable[..., list[int]]
) -> None:
    supplier = make_company(SUPPLIER)
    [one] = products_of(good(1, name="Чай «Утро»", barcode=EAN), supplier=supplier)
    [two] = products_of(good(2, **TEA))
    with edge():
        assert merge_products(one, other_id=two, by=manager) == one

    [again] = products_of(good(1, name="Чай «Утро»", barcode=OTHER_EAN), supplier=supplier)
    [newcomer] = products_of(good(3, **TEA))

    assert again == newcomer == one


def test_what_a_manager_split_stays_split(
    app: Flask, edge: Callable[[], Any], manager: User, products_of: Callable[..., list[int]]
) -> None:
    supplier = make_company(SUPPLIER)
    [one] = products_of(good(1, **TEA, barcode=EAN))
    products_of(good(2, **TEA), supplier=supplier)
    offer = offers(app, supplier)["2"]
    with edge():
        new = split_product(one, offer_ids=[offer.id], by=manager)

    [again] = products_of(good(2, **TEA, barcode=EAN), supplier=supplier)
    [by_barcode, doubtful] = products_of(good(3, name="x", barcode=EAN), good(4, **TEA))

    assert again == new != one == by_barcode
    assert doubtful not in (one, new)
    with edge():
        assert session().get_one(Offer, offer.id).product_decided_by_id == manager.id


def test_refuses_what_cannot_be_meant(
    app: Flask, edge: Callable[[], Any], manager: User, products_of: Callable[..., list[int]]
) -> None:
    supplier = make_company(SUPPLIER)
    products_of(good(1, name="a"), good(2, name="b", unit="ящ", units_per_pack=6), supplier=supplier)
    one, two = (offer for offer in offers(app, supplier).values())

    with pytest.raises(ProductsNotAlike, match="1 шт"), edge():
        merge_products(one.product_id, other_id=two.product_id, by=manager)
    with pytest.raises(NothingToMerge), edge():
        merge_products(one.product_id, other_id=one.product_id, by=manager)
    for ids in ([one.id], [two.id], []):
        with pytest.raises(NothingToSplit), edge():
            split_product(one.product_id, offer_ids=ids, by=manager)


def test_merges_and_splits_through_http(
    app: Flask, client: FlaskClient, manager: User, products_of: Callable[..., list[int]]
) -> None:
    one, two = products_of(good(1, name="a", price="20"), good(2, name="b", price="10"))
    headers, path = bearer(manager), "/api/v1/catalog/products"

    merged = client.post(f"{path}/{one}/merge", json={"product_id": two}, headers=headers)
    by_old_id = client.get(f"{path}/{two}")
    offer_id = merged.json["offers"][0]["id"]
    parted = client.post(f"{path}/{one}/split", json={"offer_ids": [offer_id]}, headers=headers)

    assert ProductSchema().validate(merged.json) == {}
    assert [offer["name"] for offer in merged.json["offers"]] == ["b", "a"]
    assert (by_old_id.status_code, by_old_id.json["id"]) == (200, one)
    assert [offer["id"] for offer in parted.json["offers"]] == [offer_id]
    assert len(client.get(f"{path}/{one}").json["offers"]) == 1
    unknown = client.post(f"{path}/{one}/merge", json={"product_id": 999}, headers=headers)
    assert (unknown.status_code, unknown.json["code"]) == (404, "ProductNotFound")
    for verb, body in (("merge", {"product_id": two}), ("split", {"offer_ids": [1]})):
        refused = client.post(f"{path}/{one}/{verb}", json=body, headers=bearer(make_user(SUPPLIER)))
        assert refused.status_code == 403


def test_other_packs_are_compared_by_the_price_of_what_is_in_them(
    client: FlaskClient, products_of: Callable[..., list[int]]
) -> None:
    bottle, crate = products_of(
        good(1, name="Вода 1 л", barcode=EAN, price="50"),
        good(2, name="Вода", barcode=EAN, price="240", unit="ящ", units_per_pack=6),
    )

    answer = client.get(f"/api/v1/catalog/products/{bottle}").json
    packed = client.get(f"/api/v1/catalog/products/{crate}").json["offers"][0]

    assert answer["other_packs"] == [
        {"id": crate, "name": "Вода", "base_price": "40.00", "compare_price": "40.00", "base_unit": "шт"}
    ]
    assert (packed["price"], packed["base_price"], packed["base_unit"]) == ("240.00", "40.00", "шт")


@pytest.mark.parametrize(
    ("unit", "units_per_pack", "pack"),
    [
        ("шт", None, "1 шт"),
        ("шт", 12, "1 шт"),
        ("уп", None, "1 шт"),
        ("уп", 1, "1 шт"),
        ("уп", 12, "12 шт"),
        ("ящ", "2.5", "2.5 шт"),
        ("кг", 12, "1 кг"),
        ("г", None, "0.001 кг"),
        ("мл", 6, "0.001 л"),
        ("т", None, "1000 кг"),
        ("тыс. шт", None, "1000 шт"),
        ("пар", None, "1 пар"),
        ("меш", 4, "1 шт"),
    ],
)
def test_a_unit_holds_so_many_base_units(edge: Callable[[], Any], unit: str, units_per_pack: Any, pack: str) -> None:
    given = "(SELECT CAST(:unit AS text) AS unit, CAST(:held AS numeric(14, 3)) AS units_per_pack) AS given"
    with edge() as current:
        found = current.scalar(text(f"SELECT {sql_pack('given')} FROM {given}"), {"unit": unit, "held": units_per_pack})

    assert found == pack
