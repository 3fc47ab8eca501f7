"""Locks: claims on things that one process alone works on, and what a lock that was met looks like."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from psycopg import errors as pg
from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError

from shop.database.base import db

_CLAIMS = "FROM unnest(CAST(:ids AS bigint[])) AS thing (id)"
_KEY = "hashtextextended(:what || '.' || thing.id, 0)"
CLAIM = text(f"SELECT thing.id {_CLAIMS} WHERE pg_try_advisory_lock({_KEY})")
GIVE_BACK = text(f"SELECT pg_advisory_unlock({_KEY}) {_CLAIMS}")


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


def met_a_lock(error: DBAPIError) -> bool:
    """Whether somebody else held what was wanted for too long. Nothing is wrong: it will do another time."""
    return isinstance(error.orig, pg.LockNotAvailable | pg.DeadlockDetected | pg.SerializationFailure)
