"""Large lists in a worker that has applied small ones before: what it reads grows with the list, not with its square.

A connection keeps plans that were made for a few rows. Looked at are the rows that the database read one after the
other in each transaction, and what triggers take of the statement that fires them.
"""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest
from flask import Flask
from sqlalchemy import Connection, event, func, make_url, select, text

from shop.auth.models import SUPPLIER, Company, User
from shop.database import db, session, transaction
from shop.price_lists.imports.decisions import apply_list, discard_list
from shop.price_lists.imports.pipeline import apply_decisions, import_price_list
from shop.price_lists.imports.rollback import roll_back
from shop.price_lists.models import APPLIED, PriceList, PriceListRow
from tests.factories.auth import make_company, make_user
from tests.factories.catalog import make_category
from tests.price_lists.lists import good, list_of, offers, read, run_import

LARGE = 2_000
OFTEN = 8  # PostgreSQL keeps a plan from the sixth time on
MOST_LOOKS = 200  # at each row of a list: a tenth of what comparing each with each other takes
READ = "SELECT relname, seq_tup_read FROM pg_stat_xact_all_tables WHERE seq_tup_read > 0"
ADD_OFFERS = """
INSERT INTO offers (product_id, supplier_id, external_id, sku, name, price)
SELECT %s, %s, n, n, 'Товар номер ' || n, 100 FROM generate_series(%s::int, %s) AS n
"""
ADD_WAITING = """
INSERT INTO price_list_rows (price_list_id, row, external_id, sku, name, model, price, currency, unit, quantity_step,
    minimum_quantity, barcodes, parameters, match_key, stock_kind, stock)
SELECT :price_list_id, n, n, n, 'Товар ' || n, '', 100, 'RUB', 'шт', 1, 1, '{}', '{}', n, 'exact', 0
FROM generate_series(1, :count) AS n
"""
EXPLAIN = "EXPLAIN (ANALYZE, FORMAT JSON) "
OF_IMPORTS = ("price_list_changes", "product_matches", "price_list_rows", "change_set_lines")
EXPLAINED = (
    "SELECT",
    "WITH",
    "INSERT",
    "UPDATE offers",
    "UPDATE price_list",
    "UPDATE product",
    "UPDATE change",
    "DELETE",
    "CREATE TEMPORARY TABLE",
)
CHANGE = "UPDATE offers SET price = price + 1, name = name || %s"


@pytest.fixture
def supplier(app: Flask, unguarded: None) -> Company:
    return make_company(SUPPLIER)


@pytest.fixture
def user(supplier: Company) -> User:
    return make_user(SUPPLIER, company=supplier)


def goods(count: int, **others: Any) -> bytes:
    return list_of(*(good(number, sku=f"A-{number}", **others) for number in range(count)))


def roll_back_at_once(app: Flask, price_list: PriceList, by: User) -> PriceList:
    with app.app_context():
        with transaction() as current:
            rollback = roll_back(current.get_one(PriceList, price_list.id), by=current.merge(by))
        import_price_list(rollback.id, app.extensions["settings"])
    return read(app, rollback)


def decide_at_once(app: Flask, price_list: PriceList, by: User) -> PriceList:
    """Its quarantined rows are applied."""
    with app.app_context():
        with transaction() as current:
            apply_list(current.get_one(PriceList, price_list.id), rows=None, by=current.merge(by))
        apply_decisions(price_list.id, app.extensions["settings"])
    return read(app, price_list)


def do_small_lists(app: Flask, user: User) -> None:
    """Of another supplier. The database looks at the first few rows, as it does by itself at some time."""
    other = make_company(SUPPLIER)
    for number in range(OFTEN):
        rate, next_rate = ((22, 10), (10, 22))[number % 2]
        run_import(app, other, goods(3, price=100 + number, vat_rate=rate, barcode=gtin(1)))
        renamed = run_import(app, other, goods(3, price=200 + number, vat_rate=rate, name=f"Вещь {number}"))
        roll_back_at_once(app, renamed, by=user)
        decide_at_once(app, run_import(app, other, goods(3, price=100 + number, vat_rate=next_rate)), by=user)
        if number == 0:
            with app.app_context(), transaction():
                session().execute(text("ANALYZE"))


@contextmanager
def counting_work(app: Flask) -> Iterator[Counter[str]]:
    """Rows that the steps of each statement handled, and those that were read by going through each table."""
    work: Counter[str] = Counter()

    def explain(_connection: Any, cursor: Any, statement: str, parameters: Any, *_: Any) -> tuple[str, Any]:
        if "RETURNING" in statement or not any(name in statement for name in OF_IMPORTS):
            return statement, parameters
        if not statement.lstrip().startswith(EXPLAINED):
            return statement, parameters
        if statement.lstrip().startswith("SELECT"):  # its answer is wanted, so it runs twice
            work[" ".join(statement.split())[:80]] += rows_of(cursor.execute(EXPLAIN + statement, parameters))
            return statement, parameters
        return EXPLAIN + statement, parameters

    def note_statement(_connection: Any, cursor: Any, statement: str, *_: Any) -> None:
        if statement.startswith(EXPLAIN):
            work[" ".join(statement.removeprefix(EXPLAIN).split())[:80]] += rows_of(cursor)

    def note_tables(connection: Connection) -> None:
        cursor = connection.connection.cursor()
        cursor.execute(READ)
        work.update(dict(cursor.fetchall()))

    with app.app_context():
        engine = db.engine
    event.listen(engine, "before_cursor_execute", explain, retval=True)
    event.listen(engine, "after_cursor_execute", note_statement)
    event.listen(engine, "commit", note_tables)
    try:
        yield work
    finally:
        event.remove(engine, "before_cursor_execute", explain)
        event.remove(engine, "after_cursor_execute", note_statement)
        event.remove(engine, "commit", note_tables)


def rows_of(cursor: Any) -> int:
    """Of each step of the plan: what it gave on, and what it looked at in vain, however often it ran."""

    def rows(step: dict[str, Any]) -> float:
        looked_at = step["Actual Rows"] + sum(each for name, each in step.items() if name.startswith("Rows Removed"))
        return float(looked_at * step["Actual Loops"]) + sum(map(rows, step.get("Plans", ())))

    return round(rows(cursor.fetchone()[0][0]["Plan"]))


def assert_little(work: Counter[str]) -> None:
    assert work.total() > LARGE  # it was counted
    assert {what: rows for what, rows in work.items() if rows > MOST_LOOKS * LARGE} == {}


def test_what_a_large_list_reads_does_not_grow_with_its_square(app: Flask, supplier: Company, user: User) -> None:
    do_small_lists(app, user)

    with counting_work(app) as work:
        new = run_import(app, supplier, goods(LARGE))
    assert (new.state, new.offers_new) == (APPLIED, LARGE)
    assert_little(work)

    with counting_work(app) as work:
        changed = run_import(app, supplier, goods(LARGE, price="101.00"))
    assert (changed.state, changed.offers_changed) == (APPLIED, LARGE)
    assert_little(work)

    with counting_work(app) as work:
        rolled_back = roll_back_at_once(app, changed, by=user)
    assert (rolled_back.state, rolled_back.offers_changed) == (APPLIED, LARGE)
    assert_little(work)


def test_nor_does_one_that_renames_all_goods_and_is_rolled_back(app: Flask, supplier: Company, user: User) -> None:
    do_small_lists(app, user)
    run_import(app, supplier, list_of(*(good(number) for number in range(LARGE))))

    with counting_work(app) as work:
        renamed = run_import(app, supplier, list_of(*(good(number, name=f"Вещь {number}") for number in range(LARGE))))
    assert (renamed.state, renamed.offers_changed) == (APPLIED, LARGE)
    assert_little(work)

    with counting_work(app) as work:
        rolled_back = roll_back_at_once(app, renamed, by=user)
    assert (rolled_back.state, rolled_back.offers_changed) == (APPLIED, LARGE)
    assert_little(work)


def test_nor_does_one_whose_goods_are_all_quarantined_and_then_decided(
    app: Flask, supplier: Company, user: User
) -> None:
    do_small_lists(app, user)
    run_import(app, supplier, goods(LARGE, vat_rate=10))

    with counting_work(app) as work:
        quarantined = run_import(app, supplier, goods(LARGE, vat_rate=22))
    assert (quarantined.state, quarantined.offers_quarantined) == (APPLIED, LARGE)
    assert_little(work)

    with counting_work(app) as work:
        decided = decide_at_once(app, quarantined, by=user)
    assert (decided.offers_changed, decided.offers_quarantined) == (LARGE, 0)
    assert_little(work)


def test_nor_does_one_of_another_supplier_with_the_same_barcodes_and_other_names(
    app: Flask, supplier: Company, user: User
) -> None:
    """Two rows of a list bear each number; of the second list, one of them is known by another number alone."""
    do_small_lists(app, user)
    both, one = [], []
    for pair in range(LARGE // 2):
        known, other = gtin(pair), gtin(pair + LARGE)
        both += [good(f"{pair}-{side}", name=f"Лампа {pair}", barcode=known) for side in "ab"]
        one += [good(f"{pair}-a", name=f"Светильник {pair}", barcodes=[known, other])]
        one += [good(f"{pair}-b", name=f"Фонарь {pair}", barcodes=[other])]

    with counting_work(app) as work:
        run_import(app, make_company(SUPPLIER), list_of(*both))
    assert_little(work)

    with counting_work(app) as work:
        second = run_import(app, supplier, list_of(*one))
    assert second.offers_new == LARGE
    assert len({offer.product_id for offer in offers(app, supplier).values()}) == LARGE // 2
    assert_little(work)


def test_as_many_rows_as_a_list_may_have_are_discarded_at_once(app: Flask, supplier: Company, user: User) -> None:
    """More than the parameters that a statement may have."""
    applied = run_import(app, supplier, goods(1))
    with app.app_context(), transaction() as current:
        current.execute(text(ADD_WAITING), {"price_list_id": applied.id, "count": 70_000})

    with app.app_context(), transaction() as current:
        discard_list(current.get_one(PriceList, applied.id), rows=None, by=current.merge(user))

    with app.app_context(), transaction() as current:
        assert current.scalar(select(func.count()).select_from(PriceListRow)) == 0


def test_no_statement_of_an_import_is_kept_with_the_plan_of_an_earlier_one(
    app: Flask, supplier: Company, user: User
) -> None:
    do_small_lists(app, user)
    with app.app_context(), transaction() as current:
        kept = current.scalars(text("SELECT statement FROM pg_prepared_statements")).all()
    assert kept  # small statements about the list itself are
    assert [
        statement for statement in kept if "price_list_changes" in statement or "product_matches" in statement
    ] == []


def test_triggers_take_less_than_the_change_itself(app: Flask, database_url: str, supplier: Company) -> None:
    """Also where they have seen small changes first: noting words joined all new rows with all old ones."""
    category = make_category()
    address = make_url(database_url).set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(address) as connection:
        product = connection.execute(
            "INSERT INTO products (name, category_id) VALUES ('Товар', %s) RETURNING id", [category.id]
        ).fetchone()
        assert product
        connection.execute(ADD_OFFERS, [product[0], supplier.id, 1, 1])
        for _ in range(OFTEN):
            connection.execute(
                "UPDATE offers SET price = price + 1 WHERE sku = 'none'"
            )  # as of quarantines: often none
        connection.execute(ADD_OFFERS, [product[0], supplier.id, 2, 6_000])
        for added in ("", " другой"):
            explained = connection.execute(EXPLAIN + CHANGE, [added]).fetchone()
            assert explained
            of_statement = explained[0][0]
            of_triggers = {each["Trigger Name"]: each["Time"] for each in of_statement["Triggers"]}
            of_statements = sum(time for name, time in of_triggers.items() if not name.startswith("offers_fill"))
            assert of_statements < of_statement["Execution Time"] / 2, of_triggers


def gtin(number: int) -> str:
    digits = f"460{number:09d}"
    return digits + str(-sum(int(digit) * (3 if place % 2 else 1) for place, digit in enumerate(digits)) % 10)
