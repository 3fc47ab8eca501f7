"""What a list has made of the stock is taken back where somebody asks for it, less what was shipped since."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select, text

from shop.auth.models import FREE, SUPPLIER, Company, User
from shop.catalog.models import StockChange, StockLevel
from shop.catalog.stock import reserve, ship
from shop.database import session, transaction
from shop.price_lists.models import APPLIED, STOCK_ONLY, PriceList
from tests.factories.auth import bearer, make_company, make_user
from tests.outbox_drain import Drain
from tests.price_lists.lists import good, list_of, offers, read, run_import, stock

LISTS = "/api/v1/catalog/price-lists"

Rollback = Callable[..., PriceList]


@pytest.fixture
def supplier(app: Flask) -> Company:
    return make_company(SUPPLIER, name="Связной")


@pytest.fixture
def roll_back(app: Flask, client: FlaskClient, supplier: Company, drain: Drain) -> Rollback:
    user: User = make_user(SUPPLIER, company=supplier)

    def send(price_list: PriceList, **wanted: Any) -> PriceList:
        answer = client.post(f"{LISTS}/{price_list.id}/rollback", json=wanted, headers=bearer(user))
        assert answer.status_code == 202
        drain()
        with app.app_context(), transaction():
            return session().get_one(PriceList, answer.json["id"])

    return send


def levels(app: Flask, supplier: Company) -> dict[str, tuple[str, Decimal, Decimal]]:
    found = {name: stock(app, offer) for name, offer in offers(app, supplier).items()}
    return {name: (level.kind, level.on_hand, level.reserved) for name, level in found.items()}


def move(app: Flask, supplier: Company, verb: Callable[[dict[int, Decimal]], None], **quantities: int) -> None:
    ids = {name: offer.id for name, offer in offers(app, supplier).items()}
    with app.app_context(), transaction():
        verb({ids[name[1:]]: Decimal(quantity) for name, quantity in quantities.items()})


def test_stock_stays_unless_somebody_asks_for_it(app: Flask, supplier: Company, roll_back: Rollback) -> None:
    run_import(app, supplier, list_of(good(1), good(2)))
    latest = run_import(app, supplier, list_of(good(1, price=101, quantity=3), good(2)))

    done = roll_back(latest)

    assert (done.state, done.stock_changed, done.stock_left) == (APPLIED, 0, 0)
    assert (levels(app, supplier)["1"], offers(app, supplier)["1"].price) == (("exact", 3, 0), 100)


def test_is_what_it_was_less_what_was_shipped_since(app: Flask, supplier: Company, roll_back: Rollback) -> None:
    before = [good(1, quantity=10), good(2, quantity=">20"), good(3, quantity=5), good(4, quantity=8), good(5)]
    run_import(app, supplier, list_of(*before))
    move(app, supplier, reserve, g1=4, g2=3, g3=5, g4=2)
    move(app, supplier, ship, g1=1)
    after = [good(1, quantity=2, price=101), good(2, quantity="есть"), good(3, quantity=1), good(4), good(5, price=99)]
    latest = run_import(app, supplier, list_of(*after))
    move(app, supplier, ship, g1=3, g2=2, g3=5)
    assert [levels(app, supplier)[n][1] for n in "123"] == [0, 0, 0]

    done = roll_back(latest, take_stock_back=True)

    assert (done.stock_changed, done.stock_left) == (4, 0)
    assert levels(app, supplier) == {
        "1": ("exact", 6, 0),  # 9 less 3, although only 2 were there to be taken
        "2": ("at_least", 18, 1),
        "3": ("exact", 0, 0),
        "4": ("exact", 8, 2),
        "5": ("exact", 10, 0),
    }


def test_leaves_what_a_newer_list_or_a_hand_has_stated(app: Flask, supplier: Company, roll_back: Rollback) -> None:
    run_import(app, supplier, list_of(*(good(n) for n in range(1, 5))))
    latest = run_import(
        app, supplier, list_of(good(1, price=101, quantity=3), *(good(n, quantity=3) for n in (2, 3, 4)))
    )
    newer = [{"id": 1, "quantity": 3}, {"id": 2, "quantity": 7}]  # the first says that what is there is right
    run_import(app, supplier, list_of(*newer), mode=STOCK_ONLY)
    with app.app_context(), transaction():
        by_hand = text("UPDATE stock_levels SET on_hand = 33 FROM offers WHERE id = offer_id AND external_id = '3'")
        session().execute(by_hand)

    done = roll_back(latest, take_stock_back=True)

    assert (done.stock_changed, done.stock_left) == (1, 3)
    assert [levels(app, supplier)[n][1] for n in "1234"] == [3, 7, 33, 10]


def test_free_stock_comes_back_with_what_is_promised(app: Flask, supplier: Company, roll_back: Rollback) -> None:
    with app.app_context(), transaction():
        session().get_one(Company, supplier.id).stock_means = FREE
    run_import(app, supplier, list_of(good(1), good(2)))
    move(app, supplier, reserve, g1=4)
    latest = run_import(app, supplier, list_of(good(1, quantity=1, price=101), good(2)))
    assert levels(app, supplier)["1"] == ("exact", 5, 4)
    move(app, supplier, ship, g1=1)

    roll_back(latest, take_stock_back=True)

    assert levels(app, supplier)["1"] == ("exact", 9, 3)


def test_notes_are_kept_as_long_as_the_list_can_be_rolled_back(app: Flask, supplier: Company) -> None:
    def noted() -> list[tuple[int, int]]:
        with app.app_context(), transaction():
            columns = (StockChange.price_list_id, func.count())
            return [tuple(row) for row in session().execute(select(*columns).group_by(StockChange.price_list_id))]

    run_import(app, supplier, list_of(good(1), good(2)))
    one = run_import(app, supplier, list_of(good(1, price=101, quantity=3), good(2, quantity=3)))
    assert noted() == [(one.id, 2)]
    run_import(app, supplier, list_of(good(1, price=101, quantity=4), good(2, quantity=3)))  # of stock alone
    assert noted() == [(one.id, 2)]
    two = run_import(app, supplier, list_of(good(1, price=102, quantity=5), good(2, quantity=3)))
    assert noted() == [(two.id, 1)]


def test_counts_what_is_shipped(app: Flask, supplier: Company) -> None:
    run_import(app, supplier, list_of(good(1, quantity=5)))
    move(app, supplier, reserve, g1=4)
    move(app, supplier, ship, g1=3)
    with app.app_context(), transaction():
        assert session().scalars(select(StockLevel.shipped)).one() == 3


def test_the_answer_says_how_much_was_left(
    app: Flask, client: FlaskClient, supplier: Company, roll_back: Rollback
) -> None:
    run_import(app, supplier, list_of(good(1), good(2)))
    latest = run_import(app, supplier, list_of(good(1, price=101, quantity=3), good(2)))
    run_import(app, supplier, list_of({"id": 1, "quantity": 4}), mode=STOCK_ONLY)
    done = roll_back(latest, take_stock_back=True)
    headers = bearer(make_user(SUPPLIER, company=supplier))
    answer = client.get(f"{LISTS}/{read(app, done).id}", headers=headers).json
    assert (answer["stock_changed"], answer["stock_left"]) == (0, 1)
