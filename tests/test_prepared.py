"""Statements that go straight to the driver: in the transaction of whoever reads, or in none."""

import signal
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import pytest
from flask import Flask
from psycopg.rows import namedtuple_row, tuple_row
from sqlalchemy import BigInteger, QueuePool, bindparam, cast, literal, or_, select, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.exc import DBAPIError, ProgrammingError

from shop.auth.models import Company
from shop.database import db, session, transaction
from shop.database.fast_read import Prepared
from tests.factories.auth import make_company

ASKED = range(3)  # compiled at first, then kept


def moments(reading: Prepared) -> set[object]:
    return {reading.rows()[0]["now"] for _ in ASKED}


def test_what_an_edge_reads_first_belongs_to_its_transaction(app: Flask) -> None:
    """It may be locked there, and the lock has to last."""
    reading = Prepared(text("SELECT now() AS now"))
    with app.app_context(), transaction() as current:
        found = moments(reading)
        assert found == {current.scalar(text("SELECT now()"))}


def test_what_is_read_outside_begins_no_transaction(app: Flask) -> None:
    with app.app_context():
        assert len(moments(Prepared(text("SELECT now() AS now")))) == len(ASKED)
        assert not session().in_transaction()


def test_rows_are_as_the_drivers_from_the_first_time_on(app: Flask) -> None:
    statement = text("SELECT 1 AS one, 2 AS two")
    with app.app_context():
        for factory in (namedtuple_row, tuple_row):
            reading = Prepared(statement, row_factory=factory)
            for _ in ASKED:
                [row] = reading.rows()
                assert row == (1, 2)
        assert type(row) is tuple
        reading = Prepared(statement, row_factory=namedtuple_row)
        assert [reading.rows()[0].two for _ in ASKED] == [2] * 3


@pytest.mark.parametrize("names", [("a",), ("a", "b"), ("b", "%", "a", "c"), ()])
def test_lists_and_what_comes_with_each_request_stand_beside_each_other(app: Flask, names: tuple[str, ...]) -> None:
    """However long the list is, and though a statement like it was compiled with other values before."""
    for name in "abcd":
        make_company(name=name)
    for shown in (names, ("d", *names)):
        reading = Prepared(
            select(Company.name)
            .where(or_(Company.name.in_(shown), Company.name == literal("d")))
            .where(Company.id > bindparam("after", type_=BigInteger))
            .order_by(Company.id)
        )
        with app.app_context():
            for after in range(4):
                found = [row["name"] for row in reading.rows({"after": after})]
                assert found == [name for name in "abcd"[after:] if name in {"d", *names}]


def test_values_are_those_of_the_statement_at_hand(app: Flask) -> None:
    """Two that differ in nothing else are compiled once; JSON is written as SQLAlchemy writes it."""
    with app.app_context():
        for value in ({"b": 1}, {"c": [2, "%s"]}):
            reading = Prepared(select(cast(value, JSONB).label("value")))
            assert [reading.rows()[0]["value"] for _ in ASKED] == [value] * len(ASKED)


def test_what_must_come_with_each_request_is_missed(app: Flask) -> None:
    reading = Prepared(select(bindparam("wanted", type_=BigInteger)))
    with app.app_context():
        for _ in ASKED:
            with pytest.raises(DBAPIError):
                reading.rows()


def test_errors_are_those_of_sqlalchemy(app: Flask) -> None:
    reading = Prepared(text("SELECT nothing"))
    with app.app_context():
        for _ in ASKED:
            with pytest.raises(ProgrammingError):
                reading.rows()


def test_after_an_error_others_are_answered(app: Flask) -> None:
    broken, whole = Prepared(text("SELECT 1 / 0")), Prepared(text("SELECT 1 AS one"))
    with app.app_context():
        for _ in ASKED:
            with pytest.raises(DBAPIError):
                broken.rows()
            assert whole.rows()[0]["one"] == 1
        assert db.engine.pool.checkedout() == 0


def test_whoever_is_interrupted_leaves_nothing_half_read(app: Flask) -> None:
    """As a task's time limit does it: in the middle of a statement."""

    class TimeLimitError(Exception):
        pass

    def interrupt(*_: object) -> None:
        raise TimeLimitError

    slow, quick = Prepared(text("SELECT pg_sleep(0.5)")), Prepared(text("SELECT 1 AS one"))
    with app.app_context():
        before = signal.signal(signal.SIGALRM, interrupt)
        try:
            signal.setitimer(signal.ITIMER_REAL, 0.1)
            with pytest.raises(TimeLimitError):
                slow.rows()
        finally:
            signal.signal(signal.SIGALRM, before)
            time.sleep(0.5)  # what it asked for runs on: changes are dated as long as that
        assert [quick.rows()[0]["one"] for _ in ASKED] == [1] * 3


def test_connections_for_readings_are_few_and_end_with_the_pool(make_app: Callable[..., Flask]) -> None:
    app = make_app(database_pool_size=4)
    reading = Prepared(text("SELECT pg_sleep(0.05)"))

    def read(_: int) -> None:
        with app.app_context():
            reading.rows()

    read(0)
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(read, range(16)))
    with app.app_context():
        pool = db.engine.pool
        assert (pool.checkedout(), QueuePool.checkedout(pool)) == (0, 2)
        db.engine.dispose()
        assert QueuePool.checkedout(pool) == 0
        assert reading.rows()


def test_what_the_server_has_closed_is_not_asked(app: Flask) -> None:
    reading = Prepared(text("SELECT pg_backend_pid() AS pid"))
    with app.app_context():
        *_, kept = [reading.rows()[0]["pid"] for _ in ASKED]
        assert reading.rows()[0]["pid"] == kept
        with db.engine.connect() as other:
            other.execute(text("SELECT pg_terminate_backend(:pid, 5000)"), {"pid": kept})
        assert reading.rows()[0]["pid"] != kept


def test_the_pool_finding_one_closed_renews_those_for_readings_as_well(make_app: Callable[..., Flask]) -> None:
    """A server that was left for another may have closed only some of them."""
    app = make_app(database_pool_size=4)
    reading = Prepared(text("SELECT pg_backend_pid() AS pid"))
    with app.app_context():
        *_, kept = [reading.rows()[0]["pid"] for _ in ASKED]
        with db.engine.connect() as pooled, db.engine.connect() as other:
            pid = pooled.scalar(text("SELECT pg_backend_pid()"))
            pooled.close()
            other.execute(text("SELECT pg_terminate_backend(:pid, 5000)"), {"pid": pid})
        with db.engine.connect() as another:
            another.execute(text("SELECT 1"))
        assert reading.rows()[0]["pid"] != kept


def test_what_transactions_may_have_is_not_less_for_them(make_app: Callable[..., Flask]) -> None:
    app = make_app(database_pool_size=2)
    reading = Prepared(text("SELECT 1 AS one"))
    with app.app_context(), ExitStack() as open_ones:
        for _ in ASKED:
            reading.rows()
        for _ in range(4):
            open_ones.enter_context(db.engine.connect())
        assert reading.rows()[0]["one"] == 1


def test_a_dropped_line_does_not_make_transactions_commit_by_themselves(make_app: Callable[..., Flask]) -> None:
    with make_app().app_context():
        dropped = db.engine.raw_connection()
        dropped.driver_connection.autocommit = True
        pid = dropped.driver_connection.info.backend_pid
        dropped.close()
        found = [db.engine.raw_connection() for _ in range(db.engine.pool.checkedin())]
        [back] = [each for each in found if each.driver_connection.info.backend_pid == pid]
        assert not back.driver_connection.autocommit
        for each in found:
            each.close()
