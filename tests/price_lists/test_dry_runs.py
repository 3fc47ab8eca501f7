"""A list that is only tried shows everything and changes nothing."""

import io
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select, text, update

from shop.auth.models import SUPPLIER, Company, User
from shop.database import now, session, transaction
from shop.housekeeping import purge
from shop.mail.models import MailMessage
from shop.price_lists.arriving.receipt import receive_price_list
from shop.price_lists.imports.decisions import apply_list
from shop.price_lists.imports.pipeline import import_price_list
from shop.price_lists.models import (
    APPLIED,
    DISCARDED,
    HELD,
    MODES,
    STOCK_ONLY,
    UPDATE,
    ImportTerms,
    PriceList,
)
from tests.factories import committed
from tests.factories.auth import bearer, make_company, make_user
from tests.outbox_drain import Drain
from tests.price_lists.lists import change_set, good, issues, list_of, offers, read, run_import

LISTS = "/api/v1/catalog/price-lists"
TABLES = (
    *("offers", "offer_revisions", "stock_levels", "products", "barcodes", "categories", "supplier_categories"),
    *("import_terms", "stock_changes"),
)


@pytest.fixture
def supplier(app: Flask) -> Company:
    return make_company(SUPPLIER, name="Связной")


@pytest.fixture
def user(supplier: Company) -> User:
    return make_user(SUPPLIER, company=supplier)


@committed
def receive_dry(supplier: Company, raw: bytes, mode: str) -> PriceList:
    return receive_price_list(supplier, file_name="list.yaml", raw=raw, mode=mode, dry_run=True, by=None)


def try_list(app: Flask, supplier: Company, raw: bytes, mode: str = "full") -> PriceList:
    price_list = receive_dry(supplier, raw, mode)
    with app.app_context():
        import_price_list(price_list.id, app.extensions["settings"])
    return read(app, price_list)


def contents(app: Flask) -> dict[str, list[str]]:
    with app.app_context(), transaction():
        tables = {name: text(f"SELECT t::text FROM {name} AS t ORDER BY 1") for name in TABLES}
        return {name: list(session().scalars(statement)) for name, statement in tables.items()}


def changed_list() -> bytes:
    return list_of(
        good(1, price=101, quantity=3, category=7),
        good(2, price=1000),
        good(3, price=0),
        good("new", barcode="96385074"),
        good(4, quantity="?"),
        categories=[{"id": 7, "name": "Новая"}, {"id": 224, "name": "Смартфоны"}],
    )


@pytest.mark.parametrize("mode", MODES)
def test_leaves_the_catalog_byte_for_byte(app: Flask, supplier: Company, mode: str, drain: Drain, user: User) -> None:
    run_import(app, supplier, list_of(*(good(n) for n in range(1, 6))))
    before = contents(app)

    tried = try_list(app, supplier, changed_list(), mode)

    assert (tried.state, tried.reasons[0]["code"], tried.is_dry_run) == (HELD, "dry_run", True)
    assert contents(app) == before
    assert issues(app, tried)
    if mode != STOCK_ONLY:
        assert {line[:2] for line in change_set(app, tried)} >= {("changed", "1"), ("quarantined", "2")}
    drain()
    with app.app_context(), transaction():
        assert session().scalars(select(MailMessage.kind)).all() == []


def test_reports_unknown_goods_once_however_often_it_is_compared(app: Flask, supplier: Company, user: User) -> None:
    run_import(app, supplier, list_of(good(1)))
    tried = try_list(app, supplier, list_of(good(1, price=101), good("new")), "prices_and_stock")
    assert (issues(app, tried), tried.rows_rejected) == ([(2, "error", "id_unknown")], 1)

    approve(app, tried, user)

    done = read(app, tried)
    assert (done.state, issues(app, done), done.rows_rejected) == (APPLIED, [(2, "error", "id_unknown")], 1)


def approve(app: Flask, price_list: PriceList, user: User) -> None:
    with app.app_context():
        with transaction():
            apply_list(session().get_one(PriceList, price_list.id), rows=None, by=user)
        import_price_list(price_list.id, app.extensions["settings"])


def test_is_applied_as_it_was_shown_or_held_again(app: Flask, supplier: Company, user: User) -> None:
    run_import(app, supplier, list_of(good(1), good(2)))
    tried = try_list(app, supplier, list_of(good(1, price=101), good(2)))
    approve(app, tried, user)
    done = read(app, tried)
    assert (done.state, done.is_dry_run, offers(app, supplier)["1"].price) == (APPLIED, False, 101)

    again = try_list(app, supplier, list_of(good(1, price=102), good(2)))
    with app.app_context(), transaction():
        session().execute(text("UPDATE offers SET price = 99 WHERE external_id = '2'"))
    approve(app, again, user)
    assert (read(app, again).state, read(app, again).reasons[0]["code"]) == (HELD, "grown")


def test_takes_nobodys_place_and_gives_way_to_a_newer_list(app: Flask, supplier: Company, user: User) -> None:
    run_import(app, supplier, list_of(*map(good, range(10))))
    held = run_import(app, supplier, list_of(*map(good, range(5))))
    tried = try_list(app, supplier, list_of(*map(good, range(9))))
    assert (read(app, held).state, read(app, tried).state) == (HELD, HELD)

    run_import(app, supplier, list_of({"id": 1, "quantity": 5}), mode=STOCK_ONLY)
    assert (read(app, held).state, read(app, tried).state) == (HELD, HELD)

    run_import(app, supplier, list_of(good(1, price=101)), mode=UPDATE)
    assert (read(app, held).state, read(app, tried).state) == (DISCARDED, DISCARDED)


def test_a_newer_list_that_is_applied_first_wins_over_one_just_approved(
    app: Flask, supplier: Company, user: User
) -> None:
    run_import(app, supplier, list_of(good(1)))
    tried = try_list(app, supplier, list_of(good(1, price=105)))
    with app.app_context(), transaction():
        apply_list(session().get_one(PriceList, tried.id), rows=None, by=user)
    with app.app_context(), transaction():  # which is as if the newer one had had its turn before
        session().execute(update(PriceList).where(PriceList.id == tried.id).values(state=HELD))
    run_import(app, supplier, list_of(good(1, price=110)))
    with app.app_context(), transaction():
        session().execute(update(PriceList).where(PriceList.id == tried.id).values(state="queued"))
    with app.app_context():
        import_price_list(tried.id, app.extensions["settings"])

    assert (read(app, tried).state, offers(app, supplier)["1"].price) == (DISCARDED, 110)


def test_ends_after_seven_days(app: Flask, supplier: Company) -> None:
    old = try_list(app, supplier, list_of(good(1)))
    young = try_list(app, supplier, list_of(good(2)))
    with app.app_context(), transaction():
        past = now() - timedelta(days=7, minutes=1)
        session().execute(update(PriceList).where(PriceList.id == old.id).values(created_at=past))

    with app.app_context():
        purge()

    assert (read(app, old).state, read(app, old).reasons[0]["code"]) == (DISCARDED, "expired")
    assert read(app, young).state == HELD


def test_remembers_nothing_of_what_was_chosen_for_it(
    app: Flask, client: FlaskClient, supplier: Company, user: User, drain: Drain
) -> None:
    run_import(app, supplier, list_of(good(1)))
    file = (io.BytesIO(b"id;name;EUR\n1;a;5\n"), "a.csv")
    form = {"file": file, "mode": UPDATE, "columns": '{"EUR": "price"}', "dry_run": "true"}

    answer = client.post(LISTS, data=form, headers=bearer(user))

    assert (answer.status_code, answer.json["dry_run"], answer.json["mode"]) == (202, True, UPDATE)
    drain()
    assert client.get(f"{LISTS}/{answer.json['id']}", headers=bearer(user)).json["state"] == HELD
    with app.app_context(), transaction():
        terms = session().get_one(ImportTerms, supplier.id)
        assert (terms.upload_mode, terms.columns) == ("full", {})


def test_of_two_decisions_the_second_finds_nothing(
    app: Flask, client: FlaskClient, supplier: Company, user: User, drain: Callable[[], Any]
) -> None:
    tried = try_list(app, supplier, list_of(good(1)))
    headers = bearer(user)
    assert client.post(f"{LISTS}/{tried.id}/discard", headers=headers).status_code == 200
    assert client.post(f"{LISTS}/{tried.id}/apply", headers=headers).json["code"] == "NothingToDecide"
    assert read(app, tried).state == DISCARDED
