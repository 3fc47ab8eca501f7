"""Statements that only read and that nearly every request sends: compiled once, sent by the driver itself.

By the ORM's session such a statement takes three times the CPU. Pool and errors are SQLAlchemy's all the same.
"""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

import psycopg
from blinker import Signal
from psycopg.rows import dict_row
from sqlalchemy import Connection, Select, TextClause
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg
from sqlalchemy.exc import DBAPIError

from shop.db import db, session

Row = Mapping[Any, Any]
Statement = Select[*tuple[Any, ...]] | TextClause

NO_VALUES: Row = MappingProxyType({})
DIALECT: Any = PGDialect_psycopg()  # type: ignore[no-untyped-call]

statement_sent = Signal("Tells the text to whoever counts or traces: the engine's events do not hear of these.")


class Reading:
    """A SELECT and, once it is asked for again, what the driver wants of it."""

    def __init__(self, statement: Statement) -> None:
        self._statement = statement
        self._was_asked = False
        self._text: str | None = None
        self._values: dict[str, Any] = {}

    def rows(self, values: Row = NO_VALUES) -> Sequence[Row]:
        """In the transaction that the session has begun, else in none: no BEGIN, no ROLLBACK to wait for."""
        if is_in_transaction():
            return _rows(session().connection(), self._statement, values)
        if self._text is None and self._was_asked:
            self._compile()
        self._was_asked = True
        if self._text is not None:
            return _send(self._text, {**self._values, **values})
        with db.engine.connect() as connection:  # compiled by SQLAlchemy, which knows its like
            return _rows(connection.execution_options(isolation_level="AUTOCOMMIT"), self._statement, values)

    def _compile(self) -> None:
        """What is given with each request is required; the rest stands in the statement."""
        required = [name for name, bind in self._statement.compile(dialect=DIALECT).binds.items() if bind.required]
        compiled = self._statement.params(dict.fromkeys(required)).compile(
            dialect=DIALECT, compile_kwargs={"render_postcompile": True}
        )
        self._values = dict(compiled.params)
        for name, bind in compiled.binds.items():
            as_sent = bind.type.dialect_impl(DIALECT).bind_processor(DIALECT)
            if as_sent and name in self._values:
                self._values[name] = as_sent(self._values[name])
        self._text = str(compiled)


def is_in_transaction() -> bool:
    """Whether the session has begun one, which may have changed what is read; without making a session to ask it."""
    return db.session.registry.has() and session().in_transaction()


def _rows(connection: Connection, statement: Statement, values: Row) -> Sequence[Row]:
    return connection.execute(statement, values).mappings().all()


def _send(text: str, values: Row) -> Sequence[Row]:
    """Straight to the driver, outside of any transaction; its errors become those that SQLAlchemy would raise."""
    statement_sent.send(text)
    connection = None
    try:
        connection = db.engine.raw_connection()
        driver: Any = connection.driver_connection
        driver.autocommit = True
        try:
            rows: list[Row] = driver.cursor(row_factory=dict_row).execute(text, values).fetchall()
        finally:
            if driver.closed:
                connection.invalidate()
            else:
                driver.autocommit = False
        return rows
    except psycopg.Error as error:
        raise DBAPIError.instance(text, None, error, psycopg.Error, hide_parameters=True, dialect=DIALECT) from error
    finally:
        if connection is not None:
            connection.close()
