"""How much a page of offers reads: no more than its filter and sort need, also while a large list is put in."""

from dataclasses import fields
from decimal import Decimal
from itertools import product
from typing import Any

import psycopg
import pytest
from flask import Flask
from sqlalchemy import make_url, text

from shop.auth.models import SUPPLIER
from shop.catalog.search.filters import OfferFilter
from shop.catalog.search.pages import MOST_RELEVANT_HITS, RELEVANCE, SORTS, Search
from shop.catalog.search.search_terms import Words
from shop.config import Settings
from shop.database import db, session, transaction
from tests.factories.auth import make_company
from tests.factories.catalog import make_category, make_product
from tests.plans import pages_read, plan_of, rows_looked_at, scanned

OFFERS, SUPPLIERS, CATEGORIES, LIMIT = 20_000, 5, 20, 40

# Each supplier's list came at once. What else an offer is has nothing to do with when it came.
ADD_OFFERS = """
WITH added AS (
    INSERT INTO offers (
        product_id, supplier_id, external_id, sku, name, price, category_id, vat_rate, barcodes, parameters
    )
    SELECT {product_id}, {first_supplier} + n * {suppliers} / {count}, '{prefix}' || n, '{prefix}' || n,
        to_hex(dice) || (ARRAY[' Чай', ' Сок', ' Мыло', ' Рис'])[1 + dice % 4], {price},
        {first_category} + dice / 16 % {categories}, '22',
        ARRAY[CASE n WHEN 777 THEN '4601234567893' ELSE CAST(4600000000000 + n AS text) END],
        jsonb_build_object('Цвет', dice / 4 % 5, 'Серия', n / 10)
    FROM (SELECT n, hashint4(n * 7 + 1) & 1048575 AS dice FROM generate_series(1, {count}) AS n) AS numbered
    RETURNING id
)
INSERT INTO stock_levels (offer_id, kind, on_hand)
SELECT id, 'exact', CASE WHEN id % 10 = 0 THEN 0 ELSE 5 END FROM added
"""

FILTERS: dict[str, Any] = {
    "q": "чай",
    "category": (3,),
    "supplier": (3,),
    "price_min": Decimal(900),
    "price_max": Decimal(100),
    "base_unit": "шт",
    "in_stock": True,
    "orderable": True,
    "sku": "x777",
    "barcode": "4601234567893",
    "parameters": {"Серия": ("77",)},
}
OTHERS = [("q", "x777"), ("supplier", (3, 4)), ("category", (3, 4)), ("in_stock", False), ("orderable", False)]
BESIDE = [
    ("", None),
    ("q", "чай"),
    ("supplier", (3,)),
    ("category", (3, 4)),
    ("price_max", Decimal(100)),
    ("orderable", True),
]
# What costs at least so much per priced unit comes late among what is cheap per base unit; it takes three tables to say
# that an offer cannot be ordered; a rare word is taken for a common one (by relevance it is not).
ALL_IS_WALKED = {
    ("price_min", "900", "compare_price"),
    *(("orderable", "False", sort) for sort in SORTS),
    *(("q", "x777", sort) for sort in SORTS if sort != RELEVANCE),
}
OWN_INDEX = {"", "sku", "barcode", "parameters"}
OWN_INDEX_IN_ORDER = {
    *((name, "newest") for name in ("supplier", "category")),
    *((name, sort) for name in ("price_min", "price_max") for sort in ("price", "-price")),
}

CHANGE_HALF = "UPDATE offers SET price = price + 1, updated_at = now() WHERE id % 2 = 0"


@pytest.fixture
def catalog(app: Flask) -> dict[str, int]:
    """Where ids begin."""
    suppliers = [make_company(SUPPLIER).id for _ in range(SUPPLIERS + 1)]
    categories = [make_category().id for _ in range(CATEGORIES)]
    places = {"product_id": make_product("Чай").id, "first_supplier": suppliers[0], "first_category": categories[0]}
    with app.app_context(), transaction() as current:
        current.execute(text(adding(places)))
    with app.app_context(), db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("VACUUM ANALYZE offers, stock_levels, companies, categories"))
    return places


def adding(places: dict[str, int], *, count: int = OFFERS, **others: Any) -> str:
    values = {"suppliers": SUPPLIERS, "categories": CATEGORIES, "prefix": "x", "count": count}
    return ADD_OFFERS.format(**(values | {"price": "1 + dice % 100000 / 100.0"} | places | others))


def plan(wanted: dict[str, Any], sort: str, *, after: tuple[Any, ...] = ()) -> dict[str, Any]:
    filters = OfferFilter(**wanted)
    search = Search(filters, Words(filters.q) if filters.q else None, sort, LIMIT, is_first=not after)
    values = {f"after_{number}": value for number, value in enumerate(after)}
    return plan_of(lambda: session().execute(search.statement(whole=False), values).all())


def pages_of_sorts(name: str) -> list[str]:
    return [sort for sort in SORTS if name == "q" or sort != RELEVANCE]


def test_every_filter_has_its_plan(app: Flask, catalog: dict[str, int]) -> None:
    """In any order. Where a filter has no index in that order, PostgreSQL takes the cheaper of two: the filter's own
    rows, or the order's until enough of them pass."""
    assert {each.name for each in fields(OfferFilter)} == set(FILTERS)
    read = {}
    with app.app_context():
        for name, value in [("", None), *FILTERS.items(), *OTHERS]:
            for sort in pages_of_sorts(name):
                found = plan({name: value} if name else {}, sort)
                read[name, str(value), sort] = rows_looked_at(found, "offers")
                assert "offers" not in scanned(found), (name, value, sort)
    beyond = {case: rows for case, rows in read.items() if rows > most_rows(*case)}
    assert beyond == {}


def most_rows(name: str, value: str, sort: str) -> int:
    """A page looks at each of its own up to twice, whether one supplier is named or two."""
    if (name, value, sort) in ALL_IS_WALKED:
        return OFFERS
    if sort == RELEVANCE:
        return 5 * MOST_RELEVANT_HITS  # one in four has the word
    if name in OWN_INDEX or (name, sort) in OWN_INDEX_IN_ORDER:
        return 5 * LIMIT
    return OFFERS // 10


def test_a_later_page_begins_where_the_last_one_ended(app: Flask, catalog: dict[str, int]) -> None:
    with app.app_context():
        for name, after in product(("supplier", "category"), (7, 10**6)):
            found = plan({name: (1, 2)}, "newest", after=(after,))
            assert rows_looked_at(found, "offers") <= 5 * LIMIT, (name, after)


@pytest.mark.parametrize("writes", ["adds", "changes"])
def test_a_page_reads_little_of_what_is_not_committed(
    app: Flask, settings: Settings, catalog: dict[str, int], writes: str
) -> None:
    """As many again as there are, the first of all in each order; or each second one anew.

    By relevance 1,000 hits are ranked, one in four of those looked at; two versions of a row lie on two pages.
    """
    url = make_url(settings.database_url).set(drivername="postgresql").render_as_string(hide_password=False)
    cases = [({name: value} if name else {}, sort) for name, value in BESIDE for sort in pages_of_sorts(name)]
    with app.app_context():
        before = [pages_read(plan(*case)) for case in cases]
    with psycopg.connect(url) as other:
        values = {"prefix": "y", "price": "0.01 + dice % 10 / 1000.0", "first_supplier": catalog["first_supplier"]}
        other.execute(adding(catalog | values) if writes == "adds" else CHANGE_HALF)  # type: ignore[arg-type]
        with app.app_context():
            beside = [pages_read(plan(*case)) for case in cases]
        other.rollback()
    more = {
        str(case): pages
        for case, *pages in zip(cases, before, beside, strict=True)
        if pages[1] > 3 * pages[0] + 300 + (5 * MOST_RELEVANT_HITS if case[1] == RELEVANCE else 0)
    }
    assert more == {}
