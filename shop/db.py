"""The database: base class, column types, the scoped session, and transaction(), the one place that commits.

Only a statement that is a transaction by itself commits by itself (Writes.A_WHOLE).
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, Any

from flask import g
from flask_sqlalchemy import SQLAlchemy
from psycopg import errors as pg
from sqlalchemy import (
    ARRAY,
    BigInteger,
    ColumnElement,
    Connection,
    Date,
    DateTime,
    Identity,
    MetaData,
    Numeric,
    Text,
    bindparam,
    cast,
    delete,
    func,
    inspect,
    select,
    text,
    tuple_,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.orm import DeclarativeBase, Session, mapped_column, registry
from sqlalchemy.types import TypeEngine

from shop.config import Settings
from shop.pool import Pool, lines_of

CONSTRAINT_NAMES = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}

PURGE_BATCH = 5_000
ONLY_READS = "only_reads"
IN_TRANSACTION = "in_transaction"

_CLAIMS = "FROM unnest(CAST(:ids AS bigint[])) AS thing (id)"
_KEY = "hashtextextended(:what || '.' || thing.id, 0)"
CLAIM = text(f"SELECT thing.id {_CLAIMS} WHERE pg_try_advisory_lock({_KEY})")
GIVE_BACK = text(f"SELECT pg_advisory_unlock({_KEY}) {_CLAIMS}")

Id = Annotated[int, mapped_column(BigInteger, Identity(), primary_key=True)]
CreatedAt = Annotated[datetime, mapped_column(server_default=func.now())]
Quantity = Annotated[Decimal, mapped_column(Numeric(14, 3))]
UnitPrice = Annotated[Decimal, mapped_column(Numeric(14, 4))]
ComparedPrice = Annotated[
    Decimal, mapped_column(Numeric(18, 4))
]  # per kg of what is sold by the gram: a thousand times its price
Sum = Annotated[Decimal, mapped_column(Numeric(14, 2))]


class Base(DeclarativeBase):
    registry = registry(
        metadata=MetaData(naming_convention=CONSTRAINT_NAMES),
        type_annotation_map={
            int: BigInteger,
            str: Text,
            datetime: DateTime(timezone=True),
            date: Date,
            dict[str, Any]: JSONB,
        },
    )


db = SQLAlchemy(model_class=Base, session_options={"expire_on_commit": False})

if TYPE_CHECKING:
    Model = Base
else:
    Model = db.Model


def engine_options(settings: Settings) -> dict[str, Any]:
    """Time zone and time-outs belong to the connection: no statement may hang a worker for ever."""
    server_settings = {
        "timezone": "UTC",
        "statement_timeout": settings.database_statement_timeout_ms,
        "lock_timeout": settings.database_lock_timeout_ms,
        "idle_in_transaction_session_timeout": 60_000,
    }
    return {
        "poolclass": Pool,
        "pool_size": settings.database_pool_size,
        "max_overflow": settings.database_pool_size + lines_of(settings.database_pool_size),
        "pool_timeout": 5,
        "pool_recycle": 1800,
        "hide_parameters": True,  # e-mails and hashes have no place in logs
        "connect_args": {
            "connect_timeout": 5,
            "application_name": "shop",
            "keepalives_idle": 30,  # who is cut off without a word is found out in a minute
            "keepalives_interval": 10,
            "keepalives_count": 3,
            "tcp_user_timeout": 60_000,
            "options": " ".join(f"-c {name}={value}" for name, value in server_settings.items()),
        },
    }


def session() -> Session:
    """The session of the current request, task or command."""
    current = db.session()
    if g.pop(ONLY_READS, False):
        current.connection(execution_options={"isolation_level": "AUTOCOMMIT"})
    return current


def only_read() -> None:
    """Nothing is written in this request: BEGIN and ROLLBACK would be two round trips for nothing."""
    setattr(g, ONLY_READS, True)


@contextmanager
def transaction() -> Iterator[Session]:
    """Everything inside is committed together or not at all.

    Written at the edges (routes, tasks, admin actions, commands), never in a story. It joins the transaction that
    reading the token began. A second one inside the first is a mistake: the inner commit would tear the outer apart.
    """
    current = session()
    if current.info.get(IN_TRANSACTION):
        raise RuntimeError("transaction() inside transaction(): only the edge opens one")
    current.info[IN_TRANSACTION] = True
    try:
        yield current
        current.commit()
    except BaseException:
        current.rollback()
        raise
    finally:
        current.info.pop(IN_TRANSACTION, None)


def given_list(name: str, item: type[TypeEngine[Any]]) -> ColumnElement[Any]:
    """A parameter that is a list, out of the planner's sight.

    Where it sees how long a list is, it takes a plan for just this one to be cheaper and plans the statement anew each
    time it is sent, which takes longer than running it.
    """
    return cast(select(bindparam(name, type_=ARRAY(item))).scalar_subquery(), ARRAY(item))


def sql_list(name: str, item: str) -> str:
    """given_list() in SQL."""
    return f"(SELECT CAST(:{name} AS {item}[]))"


@contextmanager
def planned_anew() -> Iterator[None]:
    """Inside a transaction: each statement is planned for the rows that it meets now, not for those of earlier days.

    A connection keeps plans: of prepared statements, of triggers' functions, of the checks of foreign keys. Made for a
    table of sixty rows such a check looks at all of them, and does so 200,000 times when there are 200,000.
    """
    driver: Any = session().connection().connection.driver_connection
    threshold, driver.prepare_threshold = driver.prepare_threshold, None
    session().execute(text("DISCARD PLANS"))
    try:
        yield
    finally:
        driver.prepare_threshold = threshold


def give_back_connection() -> None:
    """Before something slow that needs no database: a transaction that has only read ends, others have its connection.

    One that has written or locked anything goes on: its parts belong together.
    """
    current = session()
    if not current.in_transaction() or current.new or current.dirty or current.deleted:
        return
    if current.scalar(select(cast(func.pg_current_xact_id_if_assigned(), Text))) is None:
        current.commit()


@contextmanager
def claimed(what: str, id_: int) -> Iterator[bool]:
    """Whether we alone work on this thing; see claimed_some()."""
    with claimed_some(what, [id_]) as ours:
        yield bool(ours)


@contextmanager
def claimed_some(what: str, ids: Sequence[int]) -> Iterator[list[int]]:
    """Those on which we alone work: session locks on a connection of its own, outside of any transaction.

    For work that must not hold a transaction open. A worker that is killed gives the claims back by dying.
    """
    with db.engine.connect() as connection:
        connection = connection.execution_options(isolation_level="AUTOCOMMIT")
        ours = list(connection.scalars(CLAIM, {"what": what, "ids": list(ids)}))
        try:
            yield ours
        finally:
            if ours:
                _give_back(connection, what, ours)


def _give_back(connection: Connection, what: str, ids: list[int]) -> None:
    try:
        connection.execute(GIVE_BACK, {"what": what, "ids": ids})
    except DBAPIError:
        connection.invalidate()  # never pooled with the lock on it; if the server has lost us, the lock is gone, too


def delete_some(model: type[Base], condition: ColumnElement[bool]) -> int:
    """Deletes at most PURGE_BATCH rows; how many there were.

    A million in one statement would run into its time-out and begin anew every hour. Rows that somebody else has in
    hand are left out, so two purges at once share the work instead of waiting for each other.
    """
    key = inspect(model).primary_key
    some = select(*key).where(condition).limit(PURGE_BATCH).with_for_update(skip_locked=True)
    result: Any = session().execute(delete(model).where(tuple_(*key).in_(some)))
    return int(result.rowcount)


def violated_constraint(error: IntegrityError) -> str | None:
    """The name of the unique index or constraint that refused, so that only conflicts foreseen become refusals."""
    return getattr(getattr(error.orig, "diag", None), "constraint_name", None)


def met_a_lock(error: DBAPIError) -> bool:
    """Whether somebody else held what was wanted for too long. Nothing is wrong: it will do another time."""
    return isinstance(error.orig, pg.LockNotAvailable | pg.DeadlockDetected | pg.SerializationFailure)


def now() -> datetime:
    return datetime.now(UTC)
