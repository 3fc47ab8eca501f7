"""The table of changes has the columns that are declared, whoever fills it, and is filled once."""

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import text
from sqlalchemy.dialects import postgresql

from shop.auth.models import SUPPLIER, Company
from shop.catalog.barcodes import INTERNAL
from shop.catalog.models import Category
from shop.database import session, transaction
from shop.price_lists.imports import pipeline
from shop.price_lists.imports.changes_table import changes, make_changes
from shop.price_lists.imports.comparison import compare
from shop.price_lists.imports.decisions import apply_list
from shop.price_lists.imports.hold_guards import guards_of
from shop.price_lists.imports.rollback import GATHER, NOT_OF_A_ROLLBACK
from shop.price_lists.models import APPLIED, HELD, MODES, PriceList
from tests.factories.auth import make_company, make_user
from tests.price_lists.lists import change_set, good, list_of, offers, receive, run_import

COLUMNS = text("""
SELECT attname, format_type(atttypid, NULL) FROM pg_attribute
WHERE attrelid = 'pg_temp.price_list_changes'::regclass AND attnum > 0 ORDER BY attnum
""")
TEN = range(10)


def declared() -> list[tuple[str, str]]:
    types = ((column.name, column.type.compile(postgresql.dialect())) for column in changes.columns)
    return [(name, type_.partition("(")[0].lower()) for name, type_ in types]


@pytest.fixture
def supplier(app: Flask) -> Company:
    return make_company(SUPPLIER, name="Связной")


@pytest.mark.parametrize("mode", MODES)
def test_a_comparison_makes_what_is_declared(app: Flask, supplier: Company, mode: str) -> None:
    settings = app.extensions["settings"]
    run_import(app, supplier, list_of(good(1)))
    price_list = receive(supplier, list_of(good(1, price=101)), mode=mode)
    with app.app_context():
        pipeline._check(price_list.id, settings, None)
        with transaction() as current:
            compare(current.get_one(PriceList, price_list.id), guards_of(supplier.id, settings))
            assert [tuple(row) for row in current.execute(COLUMNS)] == declared()


def test_and_so_does_a_rollback(app: Flask, supplier: Company) -> None:
    applied = run_import(app, supplier, list_of(good(1)))
    with app.app_context(), transaction() as current:
        make_changes(GATHER, {"rolls_back_id": applied.id, "internal": INTERNAL}, lacking=NOT_OF_A_ROLLBACK)
        assert [tuple(row) for row in current.execute(COLUMNS)] == declared()


def test_a_list_that_is_held_is_compared_once_and_adds_no_category(
    app: Flask, supplier: Company, count_statements: Callable[[], Any]
) -> None:
    run_import(app, supplier, list_of(*map(good, TEN)))
    moved = [good(number, price=200, category=7) for number in TEN]
    with count_statements() as statements:
        held = run_import(app, supplier, list_of(*moved, categories=[{"id": 7, "name": "Новая"}]))

    assert held.state == HELD
    assert len([each for each in statements if "CREATE TEMPORARY TABLE price_list_changes" in each]) == 1
    assert ("quarantined", "1", ["category", "price"]) in change_set(app, held)
    with app.app_context(), transaction():
        assert "Новая" not in set(session().scalars(text("SELECT name FROM categories")))


def test_what_is_approved_gets_the_categories_that_are_added_then(
    app: Flask, supplier: Company, drain: Callable[[], Any]
) -> None:
    """Two numbers whose names differ by their letters' case alone mean one category: that is nothing unseen."""
    named = [{"id": 7, "name": "Новая"}, {"id": 8, "name": "НОВАЯ"}]
    run_import(app, supplier, list_of(*map(good, TEN)))
    wanted = list_of(*(good(number, category=7 + number % 2) for number in TEN[:6]), categories=named)
    held = run_import(app, supplier, wanted)
    assert held.state == HELD
    user = make_user(SUPPLIER, company=supplier)
    with app.app_context(), transaction() as current:
        apply_list(current.get_one(PriceList, held.id), rows=None, by=current.merge(user))
    drain()
    with app.app_context(), transaction() as current:
        assert current.get_one(PriceList, held.id).state == APPLIED
        [category] = current.query(Category).filter_by(name="Новая")
    found = offers(app, supplier)
    assert {found[str(number)].category_id for number in TEN[:6]} == {category.id}


def test_an_offer_without_a_category_gets_one_that_its_list_adds(app: Flask, supplier: Company) -> None:
    run_import(app, supplier, list_of(good(1, category=None)), mode="update")
    with_category = list_of(good(1, category=7), categories=[{"id": 7, "name": "Новая"}])

    applied, again = (run_import(app, supplier, with_category, mode="update") for _ in range(2))

    with app.app_context(), transaction() as current:
        [category] = current.query(Category).filter_by(name="Новая")
    assert offers(app, supplier)["1"].category_id == category.id
    assert (applied.offers_changed, again.offers_changed) == (1, 0)
