"""Facets count what the search finds."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from shop.auth.models import PENDING, SUPPLIER
from shop.catalog.schemas import FacetsSchema
from shop.catalog.search.facets import count_facets
from shop.catalog.search.filters import OfferFilter
from tests.factories.auth import make_company
from tests.factories.catalog import make_category, make_offer


@pytest.fixture
def _goods(app: Flask) -> None:
    tea, milk = make_category("Чай"), make_category("Молоко")
    one, two = make_company(SUPPLIER, name="Один"), make_company(SUPPLIER, name="Два")
    make_offer(name="Чай чёрный", category=tea, supplier=one, price="10", parameters={"Вес": 100, "Лист": True})
    make_offer(name="Чай зелёный", category=tea, supplier=two, price="20", parameters={"Вес": 100})
    make_offer(name="Молоко", category=milk, supplier=two, price="30", parameters={"Вес": {"value": 5, "unit": "кг"}})
    make_offer(name="Чай прошлого года", category=tea, supplier=one, is_listed=False)
    make_offer(name="Чай", category=tea, supplier=make_company(SUPPLIER, status=PENDING))


@pytest.mark.usefixtures("_goods")
def test_counts_by_category_supplier_and_parameter(edge: Callable[[], Any]) -> None:
    with edge():
        found = count_facets(OfferFilter())

    assert FacetsSchema().validate(found) == {}
    assert (found["offers"], found["price"]) == (3, {"min": "10.00", "max": "30.00"})
    assert [(each["name"], each["offers"]) for each in found["categories"]] == [("Чай", 2), ("Молоко", 1)]
    assert [(each["name"], each["offers"]) for each in found["suppliers"]] == [("Два", 2), ("Один", 1)]
    assert [(each["name"], each["offers"]) for each in found["parameters"]] == [("Вес", 3), ("Лист", 1)]
    assert found["parameters"][0]["values"] == [{"value": 100, "offers": 2}, {"value": 5, "offers": 1}]


@pytest.mark.usefixtures("_goods")
def test_counts_the_current_search_only(edge: Callable[[], Any], count_statements: Callable[[], Any]) -> None:
    with edge(), count_statements() as statements:
        found = count_facets(OfferFilter(q="чаи", price_min=Decimal(15), parameters={"Вес": ("100",)}))

    assert found["offers"] == 1
    assert [each["name"] for each in found["suppliers"]] == ["Два"]
    assert len(statements) == 1


def counts(facet: list[dict[str, Any]]) -> dict[Any, int]:
    return {each.get("name", each.get("value")): each["offers"] for each in facet}


@pytest.mark.usefixtures("_goods")
def test_a_facet_ignores_its_own_filter_and_honors_the_others(
    edge: Callable[[], Any], count_statements: Callable[[], Any]
) -> None:
    """Suppliers are 1 and 2, tea is 1, milk 2."""
    with edge(), count_statements() as statements:
        tea = count_facets(OfferFilter(category=(1,)))
        of_one = count_facets(OfferFilter(supplier=(1,)))
        cheap = count_facets(OfferFilter(price_max=Decimal(15)))
        tea_of_two = count_facets(OfferFilter(category=(1,), supplier=(2,), price_max=Decimal(25)))

    assert (tea["offers"], counts(tea["categories"]), counts(tea["suppliers"])) == (
        2,
        {"Чай": 2, "Молоко": 1},
        {"Один": 1, "Два": 1},
    )
    assert (of_one["offers"], counts(of_one["suppliers"]), counts(of_one["categories"])) == (
        1,
        {"Два": 2, "Один": 1},
        {"Чай": 1},
    )
    assert (cheap["offers"], cheap["price"]) == (1, {"min": "10.00", "max": "30.00"})
    assert counts(cheap["suppliers"]) == {"Один": 1}
    assert tea_of_two["offers"] == 1
    assert counts(tea_of_two["categories"]) == {"Чай": 1}
    assert counts(tea_of_two["suppliers"]) == {"Один": 1, "Два": 1}
    assert tea_of_two["price"] == {"min": "20.00", "max": "20.00"}
    assert len(statements) == 4


@pytest.mark.usefixtures("_goods")
def test_a_parameter_ignores_its_own_filter_only(edge: Callable[[], Any]) -> None:
    with edge():
        by_weight = count_facets(OfferFilter(parameters={"Вес": ("100",)}))
        by_both = count_facets(OfferFilter(parameters={"Вес": ("5",), "Лист": ("true",)}))

    parameters = {each["name"]: counts(each["values"]) for each in by_weight["parameters"]}
    assert by_weight["offers"] == 2
    assert parameters == {"Вес": {100: 2, 5: 1}, "Лист": {True: 1}}
    assert counts(by_weight["categories"]) == {"Чай": 2}
    assert by_both["offers"] == 0
    assert {each["name"]: counts(each["values"]) for each in by_both["parameters"]} == {"Вес": {100: 1}}


def test_the_parameters_that_are_chosen_are_always_among_those_shown(app: Flask, edge: Callable[[], Any]) -> None:
    make_offer(parameters={f"Имя {number}": number for number in range(30)} | {"Редкое": "да"})
    make_offer(parameters={f"Имя {number}": number for number in range(30)})

    with edge():
        found = count_facets(OfferFilter(parameters={"Редкое": ("да",)}))

    assert "Редкое" in counts(found["parameters"])
    assert len(found["parameters"]) == 20


@pytest.mark.usefixtures("_goods")
def test_forgives_as_the_search_does(edge: Callable[[], Any]) -> None:
    with edge():
        mistyped, nothing = count_facets(OfferFilter(q="малако")), count_facets(OfferFilter(q="xyzzy"))

    assert (mistyped["offers"], mistyped["approximate"]) == (1, True)
    assert (nothing["offers"], nothing["approximate"], nothing["price"]) == (0, False, None)


@pytest.mark.usefixtures("_goods")
def test_counts_through_http(client: FlaskClient) -> None:
    answer = client.get("/api/v1/catalog/facets?q=чай&param.Вес=100&category=1&category=2&in_stock=true")

    assert FacetsSchema().validate(answer.json) == {}
    assert answer.json["offers"] == 2
    assert client.get("/api/v1/catalog/facets?limit=3").status_code == 422
