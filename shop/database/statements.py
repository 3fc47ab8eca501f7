"""How statements are written and planned: lists as parameters, plans made anew, rows deleted in batches."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import ARRAY, ColumnElement, bindparam, cast, delete, inspect, select, text, tuple_
from sqlalchemy.exc import IntegrityError
from sqlalchemy.types import TypeEngine

from shop.database.base import Base
from shop.database.session import session

PURGE_BATCH = 5_000


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
