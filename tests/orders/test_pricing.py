"""Sums, VAT, delivery: in Python as in SQL, and totals are sums of rounded lines."""

from decimal import Decimal

import pytest
from flask import Flask
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from shop.catalog.orderable_offers import find_goods
from shop.database import session
from shop.money import VAT_RATES, line_sum, vat_inside, vat_on_top
from shop.orders.pricing import price_parts
from tests import factories
from tests.factories.auth import make_company
from tests.factories.catalog import make_offer

prices = st.decimals("0.0001", "9999999.9999", places=4)
quantities = st.decimals("0.001", "999999.999", places=3)

SQL = """
SELECT round(:price * :quantity, 2) AS total,
       round(round(:price * :quantity, 2) * :rate / (100 + :rate), 2) AS inside,
       round(round(:price * :quantity, 2) * :rate / 100, 2) AS on_top
"""


@given(price=prices, quantity=quantities, rate=st.sampled_from([rate for rate in VAT_RATES if rate != "none"]))
@settings(max_examples=200, deadline=None)
def test_python_and_sql_round_alike(built_app: Flask, price: Decimal, quantity: Decimal, rate: str) -> None:
    with factories.app.app_context():
        values = {"price": price, "quantity": quantity, "rate": Decimal(rate)}
        in_sql = session().execute(text(SQL), values).one()
    amount = line_sum(price, quantity)
    assert (amount, vat_inside(amount, rate), vat_on_top(amount, rate)) == tuple(in_sql)


def test_halves_are_rounded_up() -> None:
    assert line_sum(Decimal("0.125"), Decimal(1)) == Decimal("0.13")


def test_goods_without_vat_contain_none() -> None:
    assert vat_inside(Decimal("100.00"), "none") == vat_inside(Decimal("100.00"), None) == Decimal(0)


def test_prices_without_vat_get_it_on_top(app: Flask, edge) -> None:
    supplier = make_company("supplier", price_includes_vat=False)
    offer = make_offer(supplier=supplier, price="61.7250", vat_rate="5")
    with edge():
        [part] = price_parts([(find_goods([offer.id])[offer.id], Decimal(10))])
        assert (part.lines[0].net, part.lines[0].vat, part.total) == (
            Decimal("617.25"),
            Decimal("30.86"),
            Decimal("648.11"),
        )


@pytest.mark.parametrize(("quantity", "fee"), [(1, "600.00"), (2, "0.00")])
def test_delivery_is_free_from_a_sum_on(app: Flask, edge, quantity: int, fee: str) -> None:
    supplier = make_company("supplier", delivery_fee=Decimal(600), free_delivery_from=Decimal(200))
    offer = make_offer(supplier=supplier, price="100.00")
    with edge():
        [part] = price_parts([(find_goods([offer.id])[offer.id], Decimal(quantity))])
        assert part.delivery_fee == Decimal(fee)
