"""Pieces are whole: which units are counted, and the same answer in Python and in SQL."""

from decimal import Decimal

import pytest
from flask import Flask
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from shop.catalog.units import (
    COUNTED,
    breaks_pieces,
    minimum_of,
    sql_is_counted,
    sql_minimum_of,
    sql_step_of,
    sql_whole_pieces,
    step_of,
    unit_of,
    whole_pieces,
)
from shop.database import session
from tests import factories

MEASURES = ["кг", "г", "т", "л", "мл", "м", "м2", "м3", "тыс. шт", "дал", "пог. м", "смена"]


@pytest.mark.parametrize(
    "written", ["шт", "штук", "Упак.", "УП", "пара", "набор", "Бут", "рулон", "лист", "ящ", "меш."]
)
def test_half_of_what_is_counted_is_nothing(written: str) -> None:
    found = unit_of(written)
    assert found
    assert breaks_pieces(Decimal("0.5"), found[1])
    assert not breaks_pieces(Decimal("2.000"), found[1])


@pytest.mark.parametrize("written", MEASURES)
def test_measures_and_what_only_their_supplier_knows_are_divided(written: str) -> None:
    found = unit_of(written)
    assert found
    assert not breaks_pieces(Decimal("0.001"), found[1])
    assert whole_pieces(Decimal("10.5"), found[1]) == Decimal("10.5")


def test_units_are_kept_as_the_table_has_them() -> None:
    assert all((unit_of(name) or ("", ""))[1] == name for name in COUNTED)


@given(
    quantity=st.decimals("0.001", "99999.999", places=3),
    unit=st.sampled_from(["шт", "пар", "кг", "л", "меш", "смена"]),
)
@settings(max_examples=100, deadline=None)
def test_sql_answers_alike(built_app: Flask, quantity: Decimal, unit: str) -> None:
    amount, counted = "CAST(:quantity AS numeric(14, 3))", f"({sql_is_counted('CAST(:unit AS text)')})"
    shapes = (sql_whole_pieces, sql_step_of, sql_minimum_of)
    statement = text("SELECT " + ", ".join(shape(amount, counted) for shape in shapes))
    with factories.app.app_context():
        row = session().execute(statement, {"quantity": quantity, "unit": unit}).one()
    assert tuple(row) == (whole_pieces(quantity, unit), step_of(quantity, unit), minimum_of(quantity, unit))
