"""A price that cannot be taken makes its good wait; nobody orders it at the old one meanwhile."""

from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from shop.auth.models import BUYER, SUPPLIER, Company, User
from shop.price_lists.models import APPLIED, FULL, PRICES_AND_STOCK, STOCK_ONLY, UPDATE, PriceList
from tests.factories.auth import bearer, make_company, make_user
from tests.outbox_drain import Drain
from tests.price_lists.lists import change_set, good, issues, list_of, offers, read, revisions, run_import

LISTS = "/api/v1/catalog/price-lists"


@pytest.fixture
def supplier(app: Flask) -> Company:
    return make_company(SUPPLIER, name="Связной")


@pytest.fixture
def user(supplier: Company) -> User:
    return make_user(SUPPLIER, company=supplier)


@pytest.fixture
def refused(app: Flask, supplier: Company) -> PriceList:
    run_import(app, supplier, list_of(good(1), good(2), good(3)))
    return run_import(app, supplier, list_of(good(1, price=0), good(2, price="?"), good(3, price=101)))


def waiting(app: Flask, supplier: Company) -> list[str]:
    return [name for name, offer in offers(app, supplier).items() if offer.is_quarantined]


@pytest.mark.parametrize("price", [0, "0,00", -5, "по запросу", "", None])
@pytest.mark.parametrize("mode", [FULL, UPDATE, PRICES_AND_STOCK])
def test_makes_its_good_wait(app: Flask, client: FlaskClient, supplier: Company, mode: str, price: Any) -> None:
    run_import(app, supplier, list_of(good(1), good(2), good(3)))
    rows = [good(1, price=price, name="Другое", quantity=1), good(2), good("new", price=price)]

    done = run_import(app, supplier, list_of(*rows, good(3)), mode=mode)

    assert (done.state, done.offers_quarantined, done.offers_new, done.offers_withdrawn) == (APPLIED, 1, 0, 0)
    assert (done.rows_rejected, done.offers_unchanged) == (2, 2)
    offer = offers(app, supplier)["1"]
    assert (offer.is_listed, offer.is_quarantined, offer.price, offer.name) == (True, True, 100, "Товар 1")
    assert change_set(app, done) == [("quarantined", "1", [])]
    assert {row for row, severity, _ in issues(app, done) if severity == "error"} == {1, 3}
    answer = client.get(f"/api/v1/catalog/offers/{offer.id}", headers=bearer(make_user(BUYER))).json
    assert not answer["is_orderable"]


@pytest.mark.parametrize("mode", [UPDATE, PRICES_AND_STOCK, STOCK_ONLY])
def test_a_list_without_prices_does_not_end_it_and_one_with_does(
    app: Flask, client: FlaskClient, supplier: Company, user: User, refused: PriceList, mode: str
) -> None:
    rows = [{"id": n, "quantity": 4} for n in (1, 2, 3)]

    stated = run_import(app, supplier, list_of(*rows), mode=mode)

    assert (stated.state, waiting(app, supplier)) == (APPLIED, ["1", "2"])
    last = refused if mode == STOCK_ONLY else stated
    assert client.post(f"{LISTS}/{last.id}/discard", json={"rows": [2]}, headers=bearer(user)).status_code == 200
    assert waiting(app, supplier) == ["1"]
    run_import(app, supplier, list_of(good(1), good(2), good(3)), mode=UPDATE)
    assert waiting(app, supplier) == []


def test_the_old_price_is_kept_or_the_good_withdrawn(
    app: Flask, client: FlaskClient, supplier: Company, user: User, refused: PriceList, drain: Drain
) -> None:
    def post(verb: str, *rows: int) -> Any:
        answer = client.post(f"{LISTS}/{refused.id}/{verb}", json={"rows": rows}, headers=bearer(user))
        drain()
        return answer

    assert post("apply", 1).json["code"] == "NoPriceToApply"
    assert client.post(f"{LISTS}/{refused.id}/apply", headers=bearer(user)).json["code"] == "NoPriceToApply"
    assert post("discard", 1).status_code == 200
    assert post("withdraw", 2).status_code == 200
    assert post("withdraw", 2).json["code"] == "RowsUnknown"
    assert post("discard", 2).json["code"] == "RowsUnknown"

    found = offers(app, supplier)
    assert [(found[n].is_listed, found[n].is_quarantined, found[n].price) for n in "12"] == [
        (True, False, 100),
        (False, False, 100),
    ]
    assert revisions(app, found["2"])[-1] == (2, "100.00", False)
    done = read(app, refused)
    assert (done.offers_quarantined, done.offers_withdrawn) == (0, 1)
    assert {line[:2] for line in change_set(app, done)} == {("discarded", "1"), ("withdrawn", "2"), ("changed", "3")}
    run_import(app, supplier, list_of(good(2)), mode=UPDATE)
    assert offers(app, supplier)["2"].is_listed


def test_goes_on_waiting_where_the_rest_of_a_held_list_is_applied(
    app: Flask, client: FlaskClient, supplier: Company, user: User, drain: Drain
) -> None:
    goods = [good(n) for n in range(10)]
    run_import(app, supplier, list_of(*goods))
    rows = [good(0, price=0), good(1, price=1000), *goods[2:6]]
    held = run_import(app, supplier, list_of(*rows))
    assert held.state == "held"

    client.post(f"{LISTS}/{held.id}/apply", headers=bearer(user))
    drain()
    assert (read(app, held).state, waiting(app, supplier)) == (APPLIED, ["0", "1"])

    again = run_import(app, supplier, list_of(*goods))
    assert waiting(app, supplier) == []
    again = run_import(app, supplier, list_of(*rows))
    client.post(f"{LISTS}/{again.id}/apply", json={"with_quarantined": True}, headers=bearer(user))
    drain()
    assert (waiting(app, supplier), offers(app, supplier)["1"].price) == (["0"], 1000)


def test_one_good_that_was_sent_alone_waits_and_a_column_read_wrong_fails(app: Flask, supplier: Company) -> None:
    goods = [good(n) for n in range(20)]
    run_import(app, supplier, list_of(*goods))

    one = run_import(app, supplier, list_of(good(0, price="нет")), mode=UPDATE)
    many = run_import(app, supplier, list_of(*(good(n, price="нет") for n in range(1, 20))), mode=UPDATE)

    assert (one.state, many.state, waiting(app, supplier)) == (APPLIED, "failed", ["0"])


def test_a_rollback_ends_it(
    app: Flask, client: FlaskClient, supplier: Company, user: User, refused: PriceList, drain: Drain
) -> None:
    client.post(f"{LISTS}/{refused.id}/rollback", headers=bearer(user))
    drain()
    assert waiting(app, supplier) == []
