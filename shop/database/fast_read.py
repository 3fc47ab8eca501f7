"""Statements that nearly every request sends: compiled once, sent by the driver itself.

By the ORM's session such a statement takes three times the CPU. Pool and errors are SQLAlchemy's all the same.
"""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, cast

import psycopg
from blinker import Signal
from psycopg.rows import dict_row
from sqlalchemy import Select, TextClause
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session
from sqlalchemy.util import LRUCache

from shop.database import IN_TRANSACTION, db, session
from shop.database.pool import Pool

Row = Mapping[Any, Any]
RowFactory = Any  # of psycopg.rows, which types each of them by its own rows
Statement = Select[*tuple[Any, ...]] | TextClause

NO_VALUES: Row = MappingProxyType({})
DIALECT: Any = PGDialect_psycopg()  # type: ignore[no-untyped-call]
_compiled: LRUCache[Any, Any] = LRUCache(500)

statement_sent = Signal("Tells the text to whoever counts or traces: the engine's events do not hear of these.")


class Prepared:
    """A statement as the driver wants it: compiled when it is sent first, its text and values are kept.

    Rows are mappings, or tuples with or without names: as the driver's row factory says.
    """

    def __init__(self, statement: Statement, *, row_factory: RowFactory = dict_row) -> None:
        self._statement = statement
        self._row_factory = row_factory
        self._text: str | None = None
        self._values: dict[str, Any] = {}

    def rows(self, values: Row = NO_VALUES) -> Sequence[Any]:
        """In the transaction that the session has begun, else in none: no BEGIN, no ROLLBACK to wait for."""
        text = self._text or self._compile()
        statement_sent.send(text)
        try:
            return self._ask(text, {**self._values, **values})
        except psycopg.Error as error:
            raise DBAPIError.instance(
                text, None, error, psycopg.Error, hide_parameters=True, dialect=DIALECT
            ) from error

    def _ask(self, text: str, values: Row) -> Sequence[Any]:
        if not is_in_transaction():
            return cast(Pool, db.engine.pool).ask(text, values, row_factory=self._row_factory)
        connection = session().connection().connection
        cursor = connection.info.get(self._row_factory)
        if cursor is None:
            driver: Any = connection.driver_connection
            cursor = connection.info[self._row_factory] = driver.cursor(row_factory=self._row_factory)
        found: Sequence[Any] = cursor.execute(text, values).fetchall()
        return found

    def _compile(self) -> str:
        """As SQLAlchemy itself would before it sends: what is like a statement that was compiled is not compiled again
        (a search by other words), lists of IN are written out. What comes with each request gets no value here.
        """
        compiled, extracted, *_ = cast(Any, self._statement)._compile_w_cache(
            DIALECT, compiled_cache=_compiled, column_keys=[]
        )
        sent = compiled.construct_expanded_state(
            compiled.construct_params(extracted_parameters=extracted, _check=False)
        )
        processors = dict(sent.processors)
        for name, bind in compiled.binds.items():
            processors[name] = bind.type.dialect_impl(DIALECT).bind_processor(DIALECT)
        given = {name for name, bind in compiled.binds.items() if bind.required}
        self._values = {
            name: as_sent(value) if (as_sent := processors.get(name)) else value
            for name, value in sent.parameters.items()
            if name not in given
        }
        self._text = str(sent.statement)
        return self._text


def is_in_transaction() -> bool:
    """Whether the session has begun one, which may have changed what is read, or an edge is about to: what is read
    there may be locked. Without making a session to ask it."""
    current = _present_session()
    return current is not None and (current.in_transaction() or IN_TRANSACTION in current.info)


def _present_session() -> Session | None:
    # asked as it is: session() would begin the reading of a request that only reads
    return db.session() if db.session.registry.has() else None
