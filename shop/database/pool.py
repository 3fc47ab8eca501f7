"""The pool of database connections. Some stay out of it, for statements that need no transaction around them.

Giving a connection out, resetting it when it comes back and making a cursor for it take longer than a short statement.
"""

import time
from collections.abc import Mapping
from select import POLLIN, poll
from typing import Any, cast

from psycopg.pq import TransactionStatus
from sqlalchemy import QueuePool, event
from sqlalchemy.exc import InvalidatePoolError

KEPT_FOR = 1800.0  # seconds, after which the pool has its connection back, to renew it as all of its own


class Line:
    """A connection outside of any transaction, and cursors that serve it as long as it is out."""

    def __init__(self, pool: QueuePool, *, era: int) -> None:
        self.era = era
        self._connection = pool.connect()
        self._driver = cast(Any, self._connection.driver_connection)
        self._driver.autocommit = True
        self._cursors: dict[Any, Any] = {}  # by their row factory
        self._news = news_of(self._driver)
        self._until = time.monotonic() + KEPT_FOR

    def ask(self, text: str, values: Mapping[str, Any], *, row_factory: Any) -> list[Any]:
        cursor = self._cursors.get(row_factory)
        if cursor is None:
            cursor = self._cursors[row_factory] = self._driver.cursor(row_factory=row_factory)
        found: list[Any] = cursor.execute(text, values).fetchall()
        return found

    @property
    def is_good(self) -> bool:
        return time.monotonic() < self._until and not self._news.poll(0)

    def give_back(self) -> None:
        if self._driver.pgconn.transaction_status == TransactionStatus.IDLE:
            self._driver.autocommit = False
        else:  # closed, or interrupted within a statement
            self._connection.invalidate()
        self._connection.close()


class Pool(QueuePool):
    """Keeps up to half as many connections outside as inside."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._lines: list[Line] = []
        self._era = 0

    def ask(self, text: str, values: Mapping[str, Any], *, row_factory: Any) -> list[Any]:
        """All rows of a statement that needs no transaction. After an error its connection goes back to the others."""
        line = self._good_line()
        try:
            found = line.ask(text, values, row_factory=row_factory)
        except BaseException:
            line.give_back()
            raise
        if len(self._lines) < lines_of(self.size()) and line.era == self._era:
            self._lines.append(line)
        else:
            line.give_back()
        return found

    def checkedout(self) -> int:
        """Those in use: the ones that wait outside are not."""
        return super().checkedout() - len(self._lines)

    def dispose(self) -> None:
        self._end_lines()
        super().dispose()

    def _invalidate(self, *args: Any, **options: Any) -> None:
        """The server has closed a connection: those that are older than this are renewed, lines as well."""
        super()._invalidate(*args, **options)
        self._end_lines()

    def _good_line(self) -> Line:
        while line := self._any_line():
            if line.is_good:
                return line
            line.give_back()
            self._end_lines()
        return Line(self, era=self._era)

    def _end_lines(self) -> None:
        self._era += 1
        while line := self._any_line():
            line.give_back()

    def _any_line(self) -> Line | None:
        try:
            return self._lines.pop()
        except IndexError:  # none, or another thread was quicker
            return None


def lines_of(size: int) -> int:
    """How many connections a pool of this size keeps out."""
    return size // 2


def news_of(driver: Any) -> poll:
    """Readable where the server has said something unasked, or has hung up."""
    news = poll()  # and not select(), which fails where a process has more than 1,024 files open
    news.register(driver.fileno(), POLLIN)
    return news


@event.listens_for(Pool, "checkout")
def _is_alive(connection: Any, *_: Any) -> None:
    """Sorts out connections that the server has closed, and the whole pool with them, before a request meets them.

    A server that stops or restarts says so: its words, or the end of the stream, wait to be read. Looking costs
    microseconds; asking the server (pool_pre_ping) would cost a round trip for each request.
    """
    if connection.autocommit:  # of a line that was dropped before it could be given back
        connection.autocommit = False
    if news_of(connection).poll(0):
        raise InvalidatePoolError("the server has closed the connection")
