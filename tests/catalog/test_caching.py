"""Cached answers are as new as the catalog, whoever changed it and whatever died; and computed once."""

import os
import threading
import time
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import psycopg
import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import text

from shop.auth.models import SUPPLIER, Company
from shop.catalog import categories
from shop.catalog.caching import catalog_generation
from shop.catalog.models import Category, Offer
from shop.catalog.stock import reserve
from shop.companies.approval import block
from shop.database import db, session, transaction
from shop.expiring_cache import Recent
from shop.http import caching
from shop.http.caching import cache, remembered
from tests.factories.auth import bearer, make_company, make_user
from tests.factories.catalog import make_category, make_offer
from tests.price_lists.lists import good, list_of, run_import

FACETS = "/api/v1/catalog/facets"


@pytest.fixture(autouse=True)
def _living_cache(app: Flask) -> Iterator[None]:
    caching._dead_until = 0.0
    yield
    caching._dead_until = 0.0


@pytest.fixture
def generation(edge: Callable[[], Any]) -> Callable[[], int]:
    def read() -> int:
        with edge():
            return catalog_generation()

    return read


def test_an_unchanged_catalog_is_computed_once_and_not_sent_again(
    client: FlaskClient, count_statements: Callable[[], Any]
) -> None:
    make_offer(category=make_category())
    first = client.get(FACETS)

    with count_statements() as statements:
        second = client.get(FACETS)
        third = client.get(FACETS, headers={"If-None-Match": first.headers["ETag"]})

    assert (first.status_code, second.data) == (200, first.data)
    assert (third.status_code, third.data, third.headers["ETag"]) == (304, b"", first.headers["ETag"])
    assert third.headers["Cache-Control"] == "private, no-cache"
    assert len(statements) == 2  # one each: the generation


def test_the_generation_comes_with_the_token(client: FlaskClient, count_statements: Callable[[], Any]) -> None:
    make_offer()
    headers = bearer(make_user())
    client.get(FACETS, headers=headers)

    with count_statements() as statements:
        answer = client.get(FACETS, headers=headers)

    assert answer.status_code == 200
    assert len(statements) == 1
    assert "catalog_generation" in statements[0]


LAST_ASKED = """
SELECT query FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'shop'
"""


def test_reading_sends_the_database_nothing_but_its_statements(client: FlaskClient, app: Flask) -> None:
    """No ping, no BEGIN, no ROLLBACK: what each connection was asked last is a statement of ours."""
    make_offer()
    headers = bearer(make_user())
    with app.app_context():
        db.engine.dispose()
    client.get("/api/v1/catalog/offers", headers=headers)
    with app.app_context():
        address = db.engine.url.set(drivername="postgresql").render_as_string(hide_password=False)
        with psycopg.connect(address) as other:
            last = other.execute(LAST_ASKED).fetchall()

    assert last
    assert [query.partition(" ")[0] for [query] in last] == ["SELECT"] * len(last)


@pytest.mark.parametrize(
    "path", ["offers", "offers/{offer}", "products/{product}", "suppliers", "categories?empty=true"]
)
def test_whoever_has_it_does_not_get_it_again(client: FlaskClient, path: str) -> None:
    offer = make_offer()
    path = f"/api/v1/catalog/{path.format(offer=offer.id, product=offer.product_id)}"
    etag = client.get(path).headers["ETag"]

    again = client.get(path, headers={"If-None-Match": f'"other", {etag}'})
    with client.application.app_context(), transaction():
        session().get_one(Offer, offer.id).price = 1
    changed = client.get(path, headers={"If-None-Match": etag})

    assert (again.status_code, changed.status_code) == (304, 200)


def test_an_import_is_seen_by_the_next_request(app: Flask, client: FlaskClient) -> None:
    supplier = make_company(SUPPLIER)
    for price in ("100.00", "110.00", "120.00"):
        run_import(app, supplier, list_of(good(1, price=price)))

        assert client.get(FACETS).json["price"] == {"min": price, "max": price}


def test_an_import_whose_process_dies_with_its_commit_leaves_nothing_stale(app: Flask, client: FlaskClient) -> None:
    """Nothing is left to be done after the commit, so it does not matter that nobody is left to do it."""
    supplier = make_company(SUPPLIER)
    run_import(app, supplier, list_of(good(1, price="100.00")))
    assert client.get(FACETS).json["price"]["min"] == "100.00"
    with app.app_context():
        db.engine.dispose()

    child = os.fork()
    if not child:
        with app.app_context():
            db.engine.dispose(close=False)
            with transaction() as current:
                current.execute(text("UPDATE offers SET price = 111, updated_at = now()"))
                current.commit()
                os.kill(os.getpid(), 9)
    _, status = os.waitpid(child, 0)

    assert os.WTERMSIG(status) == 9
    assert client.get(FACETS).json["price"]["min"] == "111.00"


def test_a_change_that_is_taken_back_changes_nothing(
    app: Flask, edge: Callable[[], Any], generation: Callable[[], int]
) -> None:
    make_offer()
    before = generation()

    with pytest.raises(ZeroDivisionError), edge() as current:
        current.execute(text("UPDATE offers SET price = 1"))
        raise ZeroDivisionError

    assert generation() == before


def change_price(offer: Offer) -> None:
    session().get_one(Offer, offer.id).price = 7


def rename_category(offer: Offer) -> None:
    category = session().get_one(Category, offer.category_id)
    categories.rename_category(category.id, name="Другое имя", by=make_user("manager"))


def block_supplier(offer: Offer) -> None:
    block(session().get_one(Company, offer.supplier_id), by=None)


def switch_orders_off(offer: Offer) -> None:
    session().get_one(Company, offer.supplier_id).accepts_orders = False


@pytest.mark.parametrize("change", [change_price, rename_category, block_supplier, switch_orders_off])
def test_whatever_readers_see_raises_the_generation(
    app: Flask, edge: Callable[[], Any], generation: Callable[[], int], change: Callable[[Offer], None]
) -> None:
    offer = make_offer(category=make_category())
    before = generation()

    with edge():
        change(offer)

    assert generation() > before


def test_what_changes_nothing_does_not_raise_it(
    app: Flask, edge: Callable[[], Any], generation: Callable[[], int]
) -> None:
    supplier = make_company(SUPPLIER)
    raw = list_of(good(1), good(2))
    run_import(app, supplier, raw)
    make_offer()
    before = generation()

    run_import(app, supplier, raw)
    run_import(app, supplier, list_of(good(1, quantity=3), good(2)))
    with edge() as current:
        reserve({1: 1})
        current.execute(text("UPDATE offers SET price = 1 WHERE false"))
    make_company()

    assert generation() == before


def test_a_long_import_keeps_no_other_change_waiting(app: Flask, edge: Callable[[], Any]) -> None:
    offer = make_offer()
    with app.app_context(), db.engine.connect() as importing:
        importing.execute(text("UPDATE offers SET price = 2"))

        with edge() as current:
            current.execute(text("SET LOCAL lock_timeout = '300ms'"))
            current.get_one(Company, offer.supplier_id).accepts_orders = False

        importing.commit()


def test_two_changes_at_once_are_two_generations(app: Flask, generation: Callable[[], int]) -> None:
    offers = [make_offer() for _ in range(8)]
    before, seen = generation(), []

    def change(offer: Offer) -> None:
        with app.app_context(), transaction():
            session().get_one(Offer, offer.id).price = 3
        with app.app_context():
            seen.append(catalog_generation())

    in_threads([lambda offer=offer: change(offer) for offer in offers])

    assert generation() == max(seen) >= before + len(offers)


def test_many_who_ask_at_once_compute_once(app: Flask) -> None:
    computed, answers = [], []

    def compute() -> str:
        computed.append(1)
        time.sleep(0.2)
        return "text"

    def ask() -> None:
        with app.app_context():
            answers.append(remembered(f"once:{id(computed)}", compute, seconds=60))

    in_threads([ask] * 10)

    assert (answers, len(computed)) == (["text"] * 10, 1)


def test_another_process_that_computes_is_waited_for(app: Flask) -> None:
    with app.app_context():
        key = f"elsewhere:{time.time_ns()}"
        cache.cache.add(f"{key}:computing", 1, timeout=600)
        answers: list[str] = []

        def ask() -> None:
            with app.app_context():
                answers.append(remembered(key, lambda: "ours", seconds=60))

        waiting = threading.Thread(target=ask)
        waiting.start()
        time.sleep(0.1)
        cache.cache.set(key, "theirs", timeout=60)
        waiting.join()

    assert answers == ["theirs"]


def test_what_many_ask_for_is_asked_of_the_cache_once_in_a_while(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    recent: Recent[Any, Any] = Recent(seconds=3600, most=100)
    monkeypatch.setattr(caching, "_recent", recent)
    with app.app_context():
        key = f"often:{time.time_ns()}"
        cache.cache.set(key, "first", timeout=60)
        answers = [remembered(key, lambda: "computed", seconds=60) for _ in range(2)]
        cache.cache.set(key, "second", timeout=60)
        answers.append(remembered(key, lambda: "computed", seconds=60))
        recent._until = time.monotonic()  # an hour later
        answers.append(remembered(key, lambda: "computed", seconds=60))
        cache.clear()
        answers.append(remembered(key, lambda: "computed", seconds=60))

    assert answers == ["first", "first", "first", "second", "computed"]


def test_one_who_fails_does_not_fail_the_others(app: Flask) -> None:
    outcomes: list[str] = []
    numbers = iter(range(100))

    def compute() -> str:
        time.sleep(0.1)
        if next(numbers) == 0:
            raise ValueError("first")
        return "text"

    def ask() -> None:
        with app.app_context():
            try:
                outcomes.append(remembered(f"fails:{id(numbers)}", compute, seconds=60))
            except ValueError:
                outcomes.append("failed")

    in_threads([ask] * 4)

    assert sorted(outcomes) == ["failed", "text", "text", "text"]


def test_without_a_cache_everything_is_read(client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    offer = make_offer(category=make_category())
    client.get(FACETS)
    with client.application.app_context():
        pool = cache.cache._read_client.connection_pool
    monkeypatch.setitem(pool.connection_kwargs, "port", 1)
    pool.disconnect()
    clock = SimpleNamespace(  # of this module alone: other threads may sleep
        monotonic=time.monotonic, sleep=lambda _: pytest.fail("waited for somebody who computes")
    )
    monkeypatch.setattr(caching, "time", clock)

    answers = [client.get(f"/api/v1/catalog/{path}") for path in ("facets", "categories", "suppliers", "facets")]

    assert [answer.status_code for answer in answers] == [200] * 4
    assert answers[0].json["offers"] == 1
    assert client.get(f"/api/v1/catalog/offers/{offer.id}", headers=bearer(make_user())).status_code == 200


def in_threads(work: list[Callable[[], None]]) -> None:
    threads = [threading.Thread(target=each) for each in work]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
