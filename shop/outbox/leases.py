"""A lease: while a worker is at a task, the event is not sent again. A worker that is killed lets it run out."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import structlog
from flask import Flask, current_app
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from shop.config import current_settings
from shop.database import transaction

log = structlog.get_logger()

# When an event that was begun comes again if nothing more is heard of it: ever later, at most after two hours, and not
# together with what failed at the same time.
RUNS_OUT = """
clock_timestamp() + least(:pause * 2.0 ^ least(event.attempts, 20), 7200) * (0.9 + 0.3 * random()) * interval '1 second'
"""
RENEW = text(f"""
UPDATE outbox_events AS event SET due_at = {RUNS_OUT}
WHERE id = (
    SELECT id FROM outbox_events WHERE id = :event_id AND parked_at IS NULL AND :task = ANY (pending)
    AND :task = ANY (started) FOR UPDATE SKIP LOCKED
)
""")  # noqa: S608 - of our own words


@contextmanager
def leased(event_id: int, task: str) -> Iterator[None]:
    """Renews the lease that beginning the task has given, as long as we are inside."""
    app, pause = current_app._get_current_object(), current_settings().outbox_resend_seconds  # type: ignore[attr-defined]
    is_over = threading.Event()
    threading.Thread(target=_renew, args=(app, event_id, task, pause, is_over), daemon=True).start()
    try:
        yield
    finally:
        is_over.set()


def _renew(app: Flask, event_id: int, task: str, pause: float, is_over: threading.Event) -> None:
    while not is_over.wait(pause / 3):
        with app.app_context():
            try:
                with transaction() as current:
                    current.connection().execute(RENEW, {"event_id": event_id, "task": task, "pause": pause})
            except DBAPIError as error:  # nor can a relay send it again
                log.warning("lease_not_renewed", event_id=event_id, error=type(error.orig).__name__)
