"""Two who do something at the same moment, in an order that the test decides."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from typing import Any

import pytest
from sqlalchemy import event

from shop.database import db, session
from shop.errors import Refusal
from tests.auth.conftest import wait_for_lock

__all__ = ["wait_for_lock"]


@pytest.fixture
def race(edge, wait_for_lock) -> Callable[..., Refusal | None]:
    """`race(first, second)`: the second begins before the first has committed; how the second is refused.

    `before` is how the statement of the first begins before which the second does.
    """

    def run(first: Callable[[], None], second: Callable[[], None], *, before: str = "") -> Refusal | None:
        refusals: list[Refusal] = []

        def rival() -> None:
            try:
                with edge():
                    second()
            except Refusal as refusal:
                refusals.append(refusal)

        def begin(*sent: Any) -> None:
            if thread.ident is None and sent[2].startswith(before):
                thread.start()
                wait_for_lock()

        thread = threading.Thread(target=rival)
        with edge(), _listening(begin) if before else nullcontext():
            first()
            session().flush()
            begin(None, None, before)
        thread.join(20)
        assert not thread.is_alive()
        return refusals[0] if refusals else None

    return run


@contextmanager
def _listening(hear: Callable[..., None]) -> Iterator[None]:
    event.listen(db.engine, "before_cursor_execute", hear)
    try:
        yield
    finally:
        event.remove(db.engine, "before_cursor_execute", hear)
