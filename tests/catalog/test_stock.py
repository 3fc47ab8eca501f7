"""Stock is reserved as far as it reaches, and no further, whoever asks at once."""

import threading
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from flask import Flask

from shop.catalog.models import AT_LEAST, ON_ORDER, UNKNOWN, Offer, StockLevel
from shop.catalog.stock import OutOfStock, release, reserve, ship
from shop.database import session, transaction
from tests.factories.catalog import make_offer


def level(app: Flask, offer: Offer) -> tuple[Decimal, Decimal]:
    with app.app_context(), transaction():
        stock = session().get_one(StockLevel, offer.id)
        return stock.on_hand, stock.reserved


def test_reserves_all_lines_in_two_statements(
    app: Flask, edge: Callable[[], Any], count_statements: Callable[[], Any]
) -> None:
    offers = [make_offer(on_hand=5) for _ in range(7)]

    with edge(), count_statements() as statements:
        reserve({offer.id: Decimal("2.5") for offer in offers})

    assert len(statements) == 2
    assert {level(app, offer) for offer in offers} == {(5, Decimal("2.5"))}


def test_names_every_short_line_and_reserves_nothing(app: Flask, edge: Callable[[], Any]) -> None:
    plenty = make_offer(on_hand=10)
    short = make_offer(on_hand=3, name="Гречка", sku="Б-1033")
    bound = make_offer(on_hand=3, stock_kind=AT_LEAST)

    with edge(), pytest.raises(OutOfStock) as refused:
        reserve({plenty.id: Decimal(4), short.id: Decimal(4), bound.id: Decimal(4), 999: Decimal(1)})

    assert [line["offer_id"] for line in refused.value.facts["lines"]] == [short.id, bound.id, 999]
    assert refused.value.facts["lines"][0] == {
        "offer_id": short.id,
        "sku": "Б-1033",
        "name": "Гречка",
        "requested": 4,
        "available": 3,
    }
    assert level(app, plenty) == (10, 0)


@pytest.mark.parametrize("kind", [UNKNOWN, ON_ORDER])
def test_what_the_supplier_must_confirm_is_not_bounded(app: Flask, edge: Callable[[], Any], kind: str) -> None:
    offer = make_offer(on_hand=0, stock_kind=kind)

    with edge():
        reserve({offer.id: Decimal(1000)})

    assert level(app, offer) == (0, 1000)


def test_releases_and_ships(app: Flask, edge: Callable[[], Any]) -> None:
    offer = make_offer(on_hand=10)
    with edge():
        reserve({offer.id: Decimal(8)})

    with edge():
        release({offer.id: Decimal(3)})
    assert level(app, offer) == (10, 5)

    with edge():
        ship({offer.id: Decimal(5)})
    assert level(app, offer) == (5, 0)


def test_ships_at_most_what_is_on_hand(app: Flask, edge: Callable[[], Any]) -> None:
    offer = make_offer(on_hand=2, stock_kind=UNKNOWN)
    with edge():
        reserve({offer.id: Decimal(5)})

    with edge():
        ship({offer.id: Decimal(5)})

    assert level(app, offer) == (0, 0)


def test_one_of_twenty_gets_the_last_one(app: Flask) -> None:
    offer = make_offer(on_hand=1)
    barrier = threading.Barrier(20)
    won: list[bool] = []

    def buy() -> None:
        with app.app_context():
            barrier.wait()
            try:
                with transaction():
                    reserve({offer.id: Decimal(1)})
            except OutOfStock:
                won.append(False)
            else:
                won.append(True)

    threads = [threading.Thread(target=buy) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(won) == [False] * 19 + [True]
    assert level(app, offer) == (1, 1)


def test_orders_of_the_same_goods_in_another_order_do_not_die_of_a_deadlock(app: Flask) -> None:
    offers = [make_offer(on_hand=1000) for _ in range(5)]
    failed: list[Exception] = []

    def buy(ids: list[int]) -> None:
        with app.app_context():
            for _ in range(10):
                try:
                    with transaction():
                        reserve(dict.fromkeys(ids, Decimal(1)))
                except Exception as error:
                    failed.append(error)

    ids = [offer.id for offer in offers]
    threads = [threading.Thread(target=buy, args=(ids[::step],)) for step in (1, -1, 1, -1)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert failed == []
    assert {level(app, offer) for offer in offers} == {(1000, 40)}
