"""Where readers of the catalog begin: at the newest offer that is committed, and never below one."""

from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest
from flask import Flask
from sqlalchemy import make_url, text

from shop.auth.models import SUPPLIER
from shop.catalog.search.filters import OfferFilter
from shop.catalog.search.pages import search_offers
from shop.config import Settings
from shop.database import session, transaction
from tests.factories.auth import make_company
from tests.factories.catalog import make_offer, shown

ADD = """
INSERT INTO offers (id, product_id, supplier_id, external_id, sku, name, price)
SELECT %(id)s, product_id, supplier_id, %(id)s, 'x', name, price FROM offers WHERE id = %(like)s
"""

Connection = psycopg.Connection[Any]


@pytest.fixture
def connect(app: Flask, settings: Settings) -> Iterator[Callable[[], Connection]]:
    url = make_url(settings.database_url).set(drivername="postgresql").render_as_string(hide_password=False)
    opened: list[Connection] = []

    def connecting() -> Connection:
        opened.append(psycopg.connect(url))
        return opened[-1]

    yield connecting
    for connection in opened:
        connection.close()


@pytest.fixture
def newest(app: Flask) -> Callable[[], int]:
    def read() -> int:
        with app.app_context():
            return int(session().scalar(text("SELECT newest_offer_id()")) or 0)

    return read


def seen(app: Flask) -> list[int]:
    with app.app_context():
        return [offer["id"] for offer in shown(search_offers(OfferFilter()).items)]


def test_it_follows_what_is_committed_in_whatever_order(app: Flask, connect: Any, newest: Callable[[], int]) -> None:
    first = make_offer().id
    low, high, gone = connect(), connect(), connect()
    low.execute(ADD, {"id": 100, "like": first})
    high.execute(ADD, {"id": 200, "like": first})
    gone.execute(ADD, {"id": 300, "like": first})
    assert (newest(), seen(app)) == (first, [first])
    high.commit()
    assert (newest(), seen(app)) == (200, [200, first])
    low.commit()
    assert (newest(), seen(app)) == (200, [200, 100, first])
    gone.rollback()
    assert newest() == 200


def test_it_is_the_highest_of_all_that_a_transaction_adds(app: Flask, connect: Any, newest: Callable[[], int]) -> None:
    first = make_offer().id
    adding = connect()
    for id_ in (500, 90, 400):
        adding.execute(ADD, {"id": id_, "like": first})
        adding.execute("UPDATE offers SET price = price + 1 WHERE id = %s", [first])
        adding.execute("UPDATE companies SET name = name || '!' WHERE kind = 'supplier'")
    adding.commit()
    assert (newest(), seen(app)) == (500, [500, 400, 90, first])


def test_what_adds_no_offer_leaves_it(app: Flask, newest: Callable[[], int]) -> None:
    first = make_offer().id
    make_company(SUPPLIER)
    with app.app_context(), transaction() as current:
        current.execute(text("UPDATE offers SET price = price + 1"))
    assert newest() == first


@pytest.mark.parametrize(
    "lost", ["DELETE FROM catalog_generation", "UPDATE catalog_generation SET newest_offer_id = NULL"]
)
def test_where_it_is_not_known_all_are_read(app: Flask, lost: str, newest: Callable[[], int]) -> None:
    """Not known stays not known, until somebody who sees all of them says it."""
    first = make_offer().id
    with app.app_context(), transaction() as current:
        current.execute(text(lost))
    assert (newest(), seen(app)) == (2**63 - 1, [first])
    second = make_offer().id
    assert (newest() >= second, seen(app)) == (True, [second, first])
