"""Statements that go straight to the driver: in the transaction of whoever reads, or in none."""

import pytest
from flask import Flask
from sqlalchemy import text
from sqlalchemy.exc import ProgrammingError

from shop.db import session, transaction
from shop.reading import Reading

ASKED = range(3)  # at first by SQLAlchemy, then by the driver


def moments(reading: Reading) -> set[object]:
    return {reading.rows()[0]["now"] for _ in ASKED}


def test_what_an_edge_reads_first_belongs_to_its_transaction(app: Flask) -> None:
    """It may be locked there, and the lock has to last."""
    reading = Reading(text("SELECT now() AS now"))
    with app.app_context(), transaction() as current:
        found = moments(reading)
        assert found == {current.scalar(text("SELECT now()"))}


def test_what_is_read_outside_begins_no_transaction(app: Flask) -> None:
    with app.app_context():
        assert len(moments(Reading(text("SELECT now() AS now")))) == len(ASKED)
        assert not session().in_transaction()


def test_tuples_have_names(app: Flask) -> None:
    reading = Reading(text("SELECT 1 AS one, 2 AS two"), as_tuples=True)
    with app.app_context():
        for _ in ASKED:
            [row] = reading.rows()
            assert (row.one, row[1]) == (1, 2)


def test_errors_are_those_of_sqlalchemy(app: Flask) -> None:
    reading = Reading(text("SELECT nothing"))
    with app.app_context():
        for _ in ASKED:
            with pytest.raises(ProgrammingError):
                reading.rows()
