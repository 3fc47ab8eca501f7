"""Relay and worker in one, for tests: handles every open event in this process, as the real ones would."""

from collections.abc import Collection

from flask import Flask
from sqlalchemy import select

from shop.database import session, transaction
from shop.outbox.handler import subscribers
from shop.outbox.models import OutboxEvent


class Drain:
    """Call it to handle all open events but those of some types, as they fall due; failures of tasks are raised.

    `times`: how often each task is run; events are at least once.
    """

    def __init__(self, app: Flask, *, but: Collection[str] = (), times: int = 1) -> None:
        self.app, self.but, self.times = app, but, times

    def __call__(self, *, limit: int = 1000) -> int:
        """The number of tasks run."""
        handled = 0
        while (event := self._next()) is not None:
            event_id, names = event
            for task in subscribers()[event_id[1]]:
                if task.name in names:
                    for _ in range(self.times):
                        task(event_id[0])
                    handled += 1
            assert handled < limit, "events go round in circles"
        return handled

    def _next(self) -> tuple[tuple[int, str], list[str]] | None:
        with self.app.app_context(), transaction():
            is_open = OutboxEvent.handled_at.is_(None) & OutboxEvent.type.not_in(self.but)
            row = session().scalar(
                select(OutboxEvent).where(is_open).order_by(OutboxEvent.due_at, OutboxEvent.id).limit(1)
            )
            if row is None:
                return None
            if row.pending is None:
                row.pending = [task.name for task in subscribers()[row.type]]
            assert row.pending, f"nobody handles {row.type}"
            row.started = []
            return (row.id, row.type), list(row.pending)
