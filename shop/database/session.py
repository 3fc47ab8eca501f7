"""The scoped session, and transaction(), the one place that commits."""

from collections.abc import Iterator
from contextlib import contextmanager

from flask import g
from sqlalchemy import Text, cast, func, select
from sqlalchemy.orm import Session

from shop.database.base import db

ONLY_READS = "only_reads"
IN_TRANSACTION = "in_transaction"


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


def give_back_connection() -> None:
    """Before something slow that needs no database: a transaction that has only read ends, others have its connection.

    One that has written or locked anything goes on: its parts belong together.
    """
    current = session()
    if not current.in_transaction() or current.new or current.dirty or current.deleted:
        return
    if current.scalar(select(cast(func.pg_current_xact_id_if_assigned(), Text))) is None:
        current.commit()
