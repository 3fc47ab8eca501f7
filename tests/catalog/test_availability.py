"""May an offer be ordered: the same in Python and in SQL, whatever it is like."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from shop.auth.models import ACTIVE, BLOCKED, PENDING
from shop.catalog.availability import Obstacle, obstacle_to_ordering, sql_is_orderable
from shop.catalog.models import EXACT, STOCK_KINDS
from shop.catalog.orderable_offers import Good, find_goods
from shop.catalog.stock import AVAILABLE, available_stock
from shop.catalog.units import minimum_of, multiple_from, sql_is_counted, step_of
from shop.database import session
from shop.orders.line_checks import check_quantity
from tests.factories.catalog import make_offer

IS_COUNTED = sql_is_counted("offers.unit")
ASK = text(f"""
SELECT {sql_is_orderable(IS_COUNTED)} AS is_orderable, {AVAILABLE} AS available
FROM (VALUES (
    CAST(:is_listed AS boolean), CAST(:is_quarantined AS boolean), CAST(:unit AS text),
    CAST(:quantity_step AS numeric), CAST(:minimum_quantity AS numeric)
)) AS offers (is_listed, is_quarantined, unit, quantity_step, minimum_quantity),
(VALUES (CAST(:status AS text), CAST(:accepts_orders AS boolean))) AS companies (status, accepts_orders),
(VALUES (CAST(:kind AS text), CAST(:on_hand AS numeric), CAST(:reserved AS numeric)))
    AS stock_levels (kind, on_hand, reserved)
""")

quantities = st.decimals(min_value=0, max_value=30, places=3) | st.integers(0, 30).map(Decimal)
positive = quantities.filter(bool)
levels = st.none() | st.fixed_dictionaries(
    {"kind": st.sampled_from(STOCK_KINDS), "on_hand": quantities, "reserved": quantities}
)
offers = st.fixed_dictionaries(
    {
        "is_listed": st.sampled_from([True, True, True, False]),
        "is_quarantined": st.sampled_from([False, False, False, True]),
        "status": st.sampled_from([ACTIVE, ACTIVE, ACTIVE, PENDING, BLOCKED]),
        "accepts_orders": st.sampled_from([True, True, True, False]),
        "unit": st.sampled_from(["шт", "бут", "кг", "смена"]),
        "quantity_step": positive,
        "minimum_quantity": positive,
    }
)


@pytest.fixture
def good(app: Flask, edge: Callable[[], Any]) -> Good:
    offer = make_offer()
    with edge():
        return find_goods([offer.id])[offer.id]


def like(good: Good, offer: dict[str, Any], level: dict[str, Any] | None) -> Good:
    own = {name: value for name, value in offer.items() if name not in ("status", "accepts_orders")}
    stock = {"stock_kind": level and level["kind"], **{name: level and level[name] for name in ("on_hand", "reserved")}}
    supplier = good.supplier._replace(status=offer["status"], accepts_orders=offer["accepts_orders"])
    return good._replace(**own, **stock, supplier=supplier)


def test_both_say_the_same(app: Flask, edge: Callable[[], Any], good: Good) -> None:
    @settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(offer=offers, level=levels)
    def compare(offer: dict[str, Any], level: dict[str, Any] | None) -> None:
        stock = level or dict.fromkeys(("kind", "on_hand", "reserved"))
        row = session().execute(ASK, offer | stock).one()
        asked = like(good, offer, level)
        assert row.is_orderable == (obstacle_to_ordering(asked) is None)
        assert row.available == available_stock(asked.on_hand or Decimal(0), asked.reserved or Decimal(0), asked.unit)

    with edge():
        compare()


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(offer=offers, level=levels)
def test_what_it_says_holds_for_the_smallest_quantity_that_is_sold(
    good: Good, offer: dict[str, Any], level: dict[str, Any] | None
) -> None:
    asked = like(good, offer, level)
    step, minimum = step_of(asked.quantity_step, asked.unit), minimum_of(asked.minimum_quantity, asked.unit)
    smallest = multiple_from(minimum, step)
    check_quantity(asked, smallest)
    assert obstacle_to_ordering(asked, smallest) is obstacle_to_ordering(asked)


def test_names_the_first_obstacle(good: Good) -> None:
    stopped = good._replace(
        is_listed=False,
        is_quarantined=True,
        on_hand=Decimal(0),
        supplier=good.supplier._replace(status=BLOCKED, accepts_orders=False),
    )
    found = []
    for mended in (
        {},
        {"is_listed": True},
        {"supplier": stopped.supplier._replace(status=ACTIVE)},
        {"is_quarantined": False},
        {"supplier": good.supplier},
        {"on_hand": Decimal(1)},
    ):
        stopped = stopped._replace(**mended)
        found.append(obstacle_to_ordering(stopped))

    assert found == [
        Obstacle.WITHDRAWN,
        Obstacle.WITHDRAWN,
        Obstacle.ON_HOLD,
        Obstacle.NO_ORDERS_TAKEN,
        Obstacle.OUT_OF_STOCK,
        None,
    ]


def test_a_minimum_between_two_steps_is_the_next_step(app: Flask, client, edge: Callable[[], Any]) -> None:
    """From five on in steps of three: six is the smallest order."""
    offer = make_offer(on_hand=5, quantity_step=Decimal(3), minimum_quantity=Decimal(5))
    with edge():
        good = find_goods([offer.id])[offer.id]

    assert multiple_from(good.minimum_quantity, good.quantity_step) == 6
    assert obstacle_to_ordering(good) is Obstacle.OUT_OF_STOCK
    assert obstacle_to_ordering(good._replace(on_hand=Decimal(6))) is None
    assert not client.get(f"/api/v1/catalog/offers/{offer.id}").json["is_orderable"]
    assert client.get("/api/v1/catalog/offers?orderable=true").json["items"] == []


def test_without_a_stock_level_there_is_none(good: Good) -> None:
    assert good._replace(stock_kind=None, on_hand=None, reserved=None).available == 0
    assert good._replace(stock_kind=EXACT, on_hand=Decimal(1), reserved=Decimal(3)).available == 0
