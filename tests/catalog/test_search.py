"""Offers are found by words, codes and filters, page by page, in one statement."""

import base64
import json
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from flask import Flask

from shop.auth.models import BLOCKED, PENDING, SUPPLIER
from shop.catalog.models import ON_ORDER, UNKNOWN
from shop.catalog.search import SORTS, OfferFilter, _scope, search_offers
from shop.http.pagination import BadCursor
from tests.factories.auth import make_company
from tests.factories.catalog import make_category, make_offer

PHONE = "Смартфон Apple iPhone XS Max 512GB (золотистый)"


@pytest.fixture
def found(edge: Callable[[], Any]) -> Callable[..., list[str]]:
    """The names of what a search finds."""

    def find(sort: str = "name", **wanted: Any) -> list[str]:
        with edge():
            return [offer["name"] for offer in search_offers(OfferFilter(**wanted), sort=sort)[0]]

    return find


@pytest.mark.parametrize(
    "q", ["iPhone XS Max", "смартфоны apple", "iphone", "смартфон золотист", "iph", "000042", "9520000000011", "xs-max"]
)
def test_finds_by_words_their_beginnings_and_codes(app: Flask, found: Callable[..., list[str]], q: str) -> None:
    make_offer(name=PHONE, model="apple/iphone/xs-max", sku="000042", barcodes=["9520000000011"])
    make_offer(name="Чайник электрический")

    assert found(q=q) == [PHONE]


@pytest.mark.parametrize(
    "q", ["nokia", "42", "9520000000028", "-iphone -чайник", "' OR 1=1 --", "!!!", "и", '"', "(", "\\", ":*"]
)
def test_finds_nothing_and_survives(app: Flask, found: Callable[..., list[str]], q: str) -> None:
    make_offer(name=PHONE, sku="000042", barcodes=["9520000000011"])
    make_offer(name="Чайник электрический")

    assert found(q=q) == []


def test_filters(app: Flask, found: Callable[..., list[str]]) -> None:
    supplier, category = make_company(SUPPLIER), make_category()
    make_offer(name="a", price="10.00", supplier=supplier, sku="0001")
    make_offer(name="b", price="20.00", category=category, on_hand=0, barcodes=["9520000000011"])
    make_offer(name="c", price="30.00", stock_kind=UNKNOWN, on_hand=0)
    make_offer(name="d", price="40.00", stock_kind=ON_ORDER, on_hand=0, is_listed=True)
    make_offer(name="gone", is_listed=False)

    assert found() == ["a", "b", "c", "d"]
    assert found(supplier=supplier.id) == ["a"]
    assert found(category=category.id) == ["b"]
    assert found(price_min=Decimal(20), price_max=Decimal("30.00")) == ["b", "c"]
    assert found(in_stock=True) == ["a", "c"]
    assert found(in_stock=False) == ["b", "d"]
    assert found(sku="0001") == ["a"]
    assert found(barcode="9520000000011") == ["b"]
    assert found(barcode="no barcode") == []
    assert found(sort="-price") == ["d", "c", "b", "a"]
    assert found(sort="newest") == ["d", "c", "b", "a"]


@pytest.mark.parametrize("status", [PENDING, BLOCKED])
def test_hides_offers_of_suppliers_who_are_not_active(app: Flask, found: Callable[..., list[str]], status: str) -> None:
    make_offer(supplier=make_company(SUPPLIER, status=status))

    assert found() == []


@pytest.mark.parametrize("sort", list(SORTS))
def test_pages_hold_every_offer_once(app: Flask, edge: Callable[[], Any], sort: str) -> None:
    supplier = make_company(SUPPLIER)
    ids = {make_offer(supplier=supplier, price=f"{i % 3 + 1}.00", name=f"{'Я' * 400} {i % 4}").id for i in range(11)}

    seen, cursor = [], None
    with edge():
        for _ in range(4):
            page, cursor = search_offers(OfferFilter(), sort=sort, limit=3, cursor=cursor)
            seen += [offer["id"] for offer in page]

    assert cursor is None
    assert len(seen) == len(ids)
    assert set(seen) == ids


@pytest.mark.parametrize(
    "key",
    [
        ["\x00", 1],
        ["a\ud800", 1],
        [1, 1],
        ["a", 2**70],
        ["a", "b"],
        ["a"],
        ["a", True],
        ["a", None],
        ["a", 1.5],
        {},
        [],
    ],
)
def test_refuses_a_cursor_that_somebody_made_up(app: Flask, edge: Callable[[], Any], key: Any) -> None:
    wanted = OfferFilter()
    forged = base64.urlsafe_b64encode(json.dumps([_scope(wanted, "name"), *key]).encode()).decode()

    with edge(), pytest.raises(BadCursor):
        search_offers(wanted, sort="name", cursor=forged)


@pytest.mark.parametrize("others", [{"sort": "price"}, {"wanted": OfferFilter(q="товар")}])
def test_refuses_the_cursor_of_another_search(app: Flask, edge: Callable[[], Any], others: dict[str, Any]) -> None:
    make_offer()
    make_offer()
    with edge():
        _, cursor = search_offers(OfferFilter(), sort="name", limit=1)

    with edge(), pytest.raises(BadCursor):
        search_offers(**({"wanted": OfferFilter(), "sort": "name"} | others), cursor=cursor)


def test_needs_one_statement(app: Flask, edge: Callable[[], Any], count_statements: Callable[[], Any]) -> None:
    for _ in range(5):
        make_offer(category=make_category())

    with edge(), count_statements() as statements:
        assert len(search_offers(OfferFilter(q="товар", in_stock=True), sort="price")[0]) == 5

    assert len(statements) == 1
