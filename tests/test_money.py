"""How money and quantities are written: one home for the API, SQL, mails, papers, the desk and exports."""

from decimal import Decimal

import pytest
from flask import Flask
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from shop.database import session
from shop.money import NBSP, localized, money_text, number_text, sql_money_text
from tests import factories

prices = st.decimals(min_value="0.0001", max_value="9999999.9999", places=4)


@pytest.mark.parametrize(("value", "written"), [("110000", "110000.00"), ("0.4855", "0.4855"), ("5.5000", "5.50")])
def test_money_is_written_with_at_least_two_decimals(value: str, written: str) -> None:
    assert money_text(Decimal(value)) == written


@given(amount=prices)
@settings(max_examples=100, deadline=None)
def test_money_is_written_alike_in_sql(built_app: Flask, amount: Decimal) -> None:
    with factories.app.app_context():
        written = session().scalar(
            text(f"SELECT {sql_money_text('CAST(:amount AS numeric(14, 4))')}"), {"amount": amount}
        )
    assert written == money_text(amount)


@pytest.mark.parametrize(
    ("number", "russian", "english"),
    [
        ("1450.500", f"1{NBSP}450,5", "1,450.5"),
        ("24.000", "24", "24"),
        ("0", "0", "0"),
        ("-0.25", "-0,25", "-0.25"),
        ("-1234567", f"-1{NBSP}234{NBSP}567", "-1,234,567"),
    ],
)
def test_people_read_numbers_as_their_language_writes_them(number: str, russian: str, english: str) -> None:
    written = number_text(Decimal(number))
    assert (localized(written, "ru"), localized(written, "en")) == (russian, english)


def test_a_price_keeps_its_places_in_every_language() -> None:
    written = money_text(Decimal("1234.4855"))
    assert (localized(written, "ru"), localized(written, "en")) == (f"1{NBSP}234,4855", "1,234.4855")
