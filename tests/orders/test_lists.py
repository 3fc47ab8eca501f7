"""Lists of orders cost the same however many orders there are: an index answers each filter."""

from datetime import date

import pytest
from flask import Flask
from sqlalchemy import event, text

from shop.auth.models import BUYER, MANAGER, SUPPLIER, User
from shop.database import db, session
from shop.orders.queries import OrderFilter, page_of_orders, page_of_parts
from tests.factories.auth import make_user

ORDERS = 6000
MOST_PAGES_READ = 400  # of 8 kB; the page itself with its suppliers reads some 200, a scan of the table 250 more
FILTERS = {
    "all": OrderFilter(),
    "a rare state": OrderFilter(state="refused"),
    "a state that no order is in": OrderFilter(state="assembled"),
    "a reference": OrderFilter(client_reference="PO-7"),
    "an unknown reference": OrderFilter(client_reference="PO"),
    "days long past": OrderFilter(to_day=date(2020, 1, 1)),
    "days to come": OrderFilter(from_day=date(2120, 1, 1)),
    "a supplier": OrderFilter(supplier_id=1),
    "an unknown supplier": OrderFilter(supplier_id=10**9),
}

MANY_ORDERS = """
WITH added AS (
    INSERT INTO orders (
        user_id, company_id, state, delivery_point, client_reference, subtotal, delivery_total, vat_total, total
    )
    SELECT :user_id, :company_id, CASE WHEN n % 1000 = 0 THEN 'refused' ELSE 'delivered' END,
        jsonb_build_object('address', repeat('x', 200)), 'PO-' || n, 200, 0, 36, 200
    FROM generate_series(1, :orders) AS n
    RETURNING id, state
)
INSERT INTO supplier_orders (order_id, supplier_id, state, subtotal, delivery_fee, delivery_vat, vat_total, total)
SELECT id, :supplier_id, state, 100, 0, 0, 18, 100 FROM added
"""


@pytest.fixture
def people(app: Flask, edge) -> dict[str, User]:
    people = {role: make_user(role) for role in (BUYER, SUPPLIER, MANAGER)}
    ids = {
        "user_id": people[BUYER].id,
        "company_id": people[BUYER].company_id,
        "supplier_id": people[SUPPLIER].company_id,
        "orders": ORDERS,
    }
    with edge() as current:
        current.execute(text(MANY_ORDERS), ids)
        current.execute(text("ANALYZE orders, supplier_orders"))
    return people


def pages_read(ask) -> int:
    """How many pages of tables and indexes the last statement of `ask` reads."""
    sent = []
    event.listen(db.engine, "before_cursor_execute", lambda _c, _cursor, sql, values, *_: sent.append((sql, values)))
    ask()
    sql, values = sent[-1]
    cursor = session().connection().connection.cursor()
    [[[plan]]] = cursor.execute(f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {sql}", values).fetchall()
    return plan["Plan"]["Shared Hit Blocks"] + plan["Plan"]["Shared Read Blocks"]


def test_no_filter_makes_a_list_read_all_orders(edge, people) -> None:
    lists = [(page_of_orders, BUYER), (page_of_orders, MANAGER), (page_of_parts, SUPPLIER), (page_of_parts, MANAGER)]
    read = {}
    with edge():
        for page, role in lists:
            for name, wanted in FILTERS.items():
                by = people[role]
                read[page.__name__, role, name] = pages_read(
                    lambda page=page, by=by, wanted=wanted: page(by, wanted, before_id=None, limit=40)
                )
        assert session().scalar(text("SELECT relpages FROM pg_class WHERE relname = 'orders'")) > 200
    assert {what: pages for what, pages in read.items() if pages > MOST_PAGES_READ} == {}
