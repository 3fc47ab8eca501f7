"""A supplier's prices mean something else: what is compared follows in the background, and copies hear of it once."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import text, update

from shop.auth.models import SUPPLIER, Company, LegalEntity, User
from shop.catalog.compare_prices import COLUMNS
from shop.catalog.models import Offer
from shop.companies.legal_entities import describe_legal_entity
from shop.database import claimed, now, session
from shop.price_lists.imports import vat_terms
from tests.factories.auth import bearer, make_user
from tests.factories.catalog import make_offer
from tests.outbox_drain import Drain
from tests.price_lists.lists import good, list_of, run_import

STALE = text(f"SELECT offer.external_id {vat_terms.STALE} ORDER BY offer.id")
GOODS = [
    good(1, vat_rate=22),
    good(2, vat_rate=10, unit="г"),
    good(3),
    good(4, unit="уп", units_per_pack=6),
    good(5, vat_rate="none"),
]


@pytest.fixture
def seller(app: Flask) -> User:
    """Of a supplier with five offers, two of them without a rate of their own."""
    user = make_user(SUPPLIER)
    run_import(app, user.company, list_of(*GOODS))
    return user


@pytest.fixture
def stale(edge: Callable[[], Any]) -> Callable[[User], list[str]]:
    """The offers whose prices to compare are not what the supplier's terms make of its prices."""

    def find(user: User) -> list[str]:
        with edge():
            return list(session().scalars(STALE, {"supplier_id": user.company_id}))

    return find


@pytest.fixture
def small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vat_terms, "BATCH", 2)


def changed_since(client: FlaskClient, moment: str) -> dict[str, Any]:
    found = client.get("/api/v1/catalog/offers", query_string={"changed_since": moment, "limit": 100}).json
    return {"ids": sorted(int(each["external_id"]) for each in found["items"]), "as_of": found["as_of"]}


def switch(client: FlaskClient, user: User, includes: bool) -> None:
    body = {"price_includes_vat": includes}
    assert client.patch("/api/v1/catalog/supplier", json=body, headers=bearer(user)).status_code == 200


def test_what_is_compared_follows_and_copies_hear_of_it_once(
    client: FlaskClient, drain: Drain, seller: User, stale: Callable[[User], list[str]], small_batches: None
) -> None:
    before = changed_since(client, (now() - timedelta(days=1)).isoformat())
    prices = [client.get(f"/api/v1/catalog/offers/{number}").json["price"] for number in range(1, 6)]

    switch(client, seller, includes=False)
    assert stale(seller) == ["1", "2", "3", "4"]  # not in the request; what has no VAT is the same
    drain()

    assert stale(seller) == []
    after = [client.get(f"/api/v1/catalog/offers/{number}").json for number in range(1, 6)]
    assert [each["price"] for each in after] == prices
    assert [each["price_with_vat"] for each in after] == ["122.00", "110.00", "122.00", "122.00", "100.00"]
    assert [each["compare_price"] for each in after] == ["122.00", "110000.00", "122.00", "20.3333", "100.00"]
    once = changed_since(client, before["as_of"])
    assert once["ids"] == [1, 2, 3, 4, 5]
    assert len({each["updated_at"] for each in after}) == 1
    assert changed_since(client, once["as_of"])["ids"] == []
    assert drain() == 0


def test_nothing_is_dated_before_all_of_it_is_done(
    client: FlaskClient, edge: Callable[[], Any], seller: User, monkeypatch: pytest.MonkeyPatch, small_batches: None
) -> None:
    before, seen = changed_since(client, (now() - timedelta(days=1)).isoformat()), []
    follow = vat_terms._follow

    def look(*args: Any) -> None:
        follow(*args)
        seen.append(changed_since(client, before["as_of"])["ids"])

    monkeypatch.setattr(vat_terms, "_follow", look)
    switch(client, seller, includes=False)
    Drain(client.application)()
    assert seen == [[], []]


@pytest.mark.parametrize("rate", ["10", "none"])
def test_a_default_rate_counts_where_an_offer_has_none(
    client: FlaskClient,
    edge: Callable[[], Any],
    drain: Drain,
    seller: User,
    stale: Callable[[User], list[str]],
    rate: str,
) -> None:
    with edge() as current:
        company = current.get_one(Company, seller.company_id)
        describe_legal_entity(company, by=None, default_vat_rate=rate)
    assert stale(seller) == ["3", "4"]
    drain()
    assert stale(seller) == []


def test_whose_offers_all_have_a_rate_need_not_follow_another_default(
    edge: Callable[[], Any], drain: Drain, app: Flask
) -> None:
    offer = make_offer()
    with edge() as current:
        entity = update(LegalEntity).where(LegalEntity.company_id == offer.supplier_id)
        current.execute(entity.values(default_vat_rate="10"))
    assert drain() == 0


def test_one_that_was_killed_goes_on_and_does_not_forget_to_tell(
    client: FlaskClient,
    drain: Drain,
    seller: User,
    stale: Callable[[User], list[str]],
    monkeypatch: pytest.MonkeyPatch,
    small_batches: None,
) -> None:
    before = changed_since(client, (now() - timedelta(days=1)).isoformat())
    switch(client, seller, includes=False)
    follow, left = vat_terms._follow, []

    def killed(*args: Any) -> None:
        if left:
            raise KeyboardInterrupt
        follow(*args)
        left.append(stale(seller))

    for place, name in ((killed, "_follow"), (lambda *_: 1 / 0, "_finish")):
        with monkeypatch.context() as patch, pytest.raises((KeyboardInterrupt, ZeroDivisionError)):
            patch.setattr(vat_terms, name, place)
            drain()
        assert changed_since(client, before["as_of"])["ids"] == []
    assert left == [["3", "4"]]  # the rest was done by the second, which died before it could tell
    assert stale(seller) == []
    drain()
    assert changed_since(client, before["as_of"])["ids"] == [1, 2, 3, 4, 5]


def test_lists_meanwhile_and_it_wait_for_each_other(
    app: Flask,
    client: FlaskClient,
    drain: Drain,
    seller: User,
    stale: Callable[[User], list[str]],
    edge: Callable[[], Any],
    unguarded: None,
) -> None:
    """A list that is under way has its turn; what it wrote by the old terms is found afterwards."""
    switch(client, seller, includes=False)
    with app.app_context(), claimed("catalog.price_lists", seller.company_id):
        with edge() as current:
            event_id = current.scalar(text("SELECT id FROM outbox_events WHERE type = 'supplier.vat_terms_changed'"))
        vat_terms.follow_vat_terms(seller.company_id, event_id=event_id)
    assert stale(seller) == ["1", "2", "3", "4"]
    run_import(app, seller.company, list_of(*(each | {"price": "200.00"} for each in GOODS), good(6)))
    assert stale(seller) == []  # the list read the new terms already
    with edge() as current:  # as one that began before the change: by the old terms
        current.execute(text(f"UPDATE offers SET ({COLUMNS}) = (price, price, price, base_unit) WHERE id IN (1, 6)"))
    drain()
    assert stale(seller) == []
    drain()
    with edge():
        assert session().scalar(text("SELECT count(*) FROM outbox_events WHERE handled_at IS NULL")) == 0


def test_a_rollback_writes_what_the_terms_make_of_the_old_prices(
    app: Flask, client: FlaskClient, drain: Drain, seller: User, stale: Callable[[User], list[str]], unguarded: None
) -> None:
    run_import(app, seller.company, list_of(*(each | {"price": "150.00"} for each in GOODS)))
    switch(client, seller, includes=False)
    drain()
    path = "/api/v1/catalog/price-lists/2/rollback"
    assert client.post(path, headers=bearer(seller)).status_code == 202
    drain()
    assert stale(seller) == []
    assert client.get("/api/v1/catalog/offers/1").json["price_with_vat"] == "122.00"


def test_lists_write_what_the_terms_make_of_their_prices(
    app: Flask, seller: User, stale: Callable[[User], list[str]], edge: Callable[[], Any], unguarded: None
) -> None:
    """Changed, new, withdrawn, and listed again."""
    for goods in (
        [each | {"price": "77.77"} for each in GOODS],
        [good(7, price="0.0001", unit="мл")],
        GOODS,
    ):
        run_import(app, seller.company, list_of(*goods))
        assert stale(seller) == []
    with edge():
        assert session().scalar(text("SELECT count(*) FROM offers WHERE is_listed AND price_with_vat = 100")) == 5


def test_every_statement_that_writes_offers_leaves_them_as_they_should_be(
    edge: Callable[[], Any], seller: User, stale: Callable[[User], list[str]]
) -> None:
    """Also one that knows nothing of what is compared."""
    with edge() as current:
        current.execute(update(Offer).values(price=Offer.price * 2, vat_rate=None))
        current.execute(update(Offer).where(Offer.id == 2).values(unit="кг"))
    assert stale(seller) == []
