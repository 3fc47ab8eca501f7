"""The subscribers' side: a task handles each event once, however often it is sent."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import timedelta
from typing import TypeVar, cast

import structlog
from celery import Task, shared_task
from sqlalchemy import text, update

from shop.config import current_settings
from shop.database import session, transaction
from shop.outbox.events import Event, event_of
from shop.outbox.leases import RUNS_OUT, leased
from shop.outbox.models import LATEST, OutboxEvent
from shop.outbox.queues import note_begun

log = structlog.get_logger()
SUBSCRIBERS: dict[type[Event], list[Task]] = {}  # filled by `handles`, in the order in which the tasks are written
E_ = TypeVar("E_", bound=Event)

# Both lock the row first and look after: a quick worker is here before the relay has committed whom it sent the event
# to. A condition on the row alone would be tested on what was there before the relay's commit, and skip it.
_LOCKED = """
WITH locked AS (
    SELECT id, started, array_remove(pending, :task) AS others,
        parked_at IS NULL AND :task = ANY (pending) AS is_pending
    FROM outbox_events WHERE id = :event_id FOR UPDATE
)
UPDATE outbox_events AS event
"""
_PENDING = "FROM locked WHERE event.id = locked.id AND locked.is_pending"
BEGIN = text(f"""{_LOCKED}
SET started = array_append(locked.started, :task), due_at = {RUNS_OUT}
{_PENDING} AND :task <> ALL (locked.started)
RETURNING event.type, event.payload, event.request_id
""")
# While the others of the event's tasks wait to be begun, nothing is to be sent again.
FINISH = text(f"""{_LOCKED}
SET pending = locked.others,
    handled_at = CASE WHEN locked.others = '{{}}' THEN now() END,
    due_at = CASE WHEN locked.others && locked.started THEN event.due_at ELSE now() + :latest END
{_PENDING}
RETURNING event.id
""")
COME_AGAIN = text("""
UPDATE outbox_events SET started = array_remove(started, :task), sendings = greatest(sendings - 1, 0),
    due_at = now() + :after
WHERE id = :event_id AND parked_at IS NULL AND :task = ANY (pending)
""")


def subscribers() -> dict[str, Sequence[Task]]:
    """The tasks that handle each type of event, of all modules that were imported: shop/subscribers.py does so."""
    return {event_type.type: tasks for event_type, tasks in SUBSCRIBERS.items()}


class HandledMeanwhileError(Exception):
    """Rolls back what was done once too often."""


def handles(event_type: type[E_], *, name: str) -> Callable[[Callable[[E_, int], None]], Task]:
    """Makes a Celery task of a function of (event, event's id) that handles one kind of event in one transaction.

    The task's effects and the note that it handled the event commit together, so a repeated message finds nothing to
    do. The note comes last: the event's other tasks need not wait for this one, and of two messages at once the second
    finds the event handled, and what it did is rolled back. A failure is written to the event and the relay sends it
    again later.
    """

    def decorate(handler: Callable[[E_, int], None]) -> Task:
        def run(event_id: int) -> None:
            event = _begin(event_id, name)
            if event is None:
                return
            try:
                with leased(event_id, name), suppress(HandledMeanwhileError), transaction():
                    handler(cast(E_, event), event_id)
                    if not finish(event_id, name):
                        raise HandledMeanwhileError
            except Exception as error:
                note_failure(event_id, error)
                raise

        return _task(run, event_type, name, handler.__doc__)

    return decorate


def handles_by_itself(event_type: type[E_], *, name: str) -> Callable[[Callable[[E_, int], None]], Task]:
    """The same for work with transactions of its own: it calls `finish` in the one that completes it."""

    def decorate(handler: Callable[[E_, int], None]) -> Task:
        def run(event_id: int) -> None:
            event = _begin(event_id, name)
            if event is None:
                return
            try:
                with leased(event_id, name):
                    handler(cast(E_, event), event_id)
            except Exception as error:
                note_failure(event_id, error)
                raise

        return _task(run, event_type, name, handler.__doc__)

    return decorate


def finish(event_id: int, task: str) -> bool:
    """Notes that the task is done; False where it was done before.

    In the transaction of its effects, and a rival waits here until we commit. In one of its own where these have
    committed and can be found again.
    """
    values = {"event_id": event_id, "task": task, "latest": LATEST}
    return session().connection().execute(FINISH, values).first() is not None


def come_again(event_id: int, task: str, *, after: timedelta) -> None:
    """For work that finds its turn has not come: the event is sent again soon, and this was no attempt."""
    with transaction():
        session().execute(COME_AGAIN, {"event_id": event_id, "task": task, "after": after})


def note_failure(event_id: int, error: Exception) -> None:
    reason = f"{type(error).__name__}: {error}"[:2000]
    log.warning("event_failed", event_id=event_id, error=reason)
    with transaction():
        session().execute(update(OutboxEvent).where(OutboxEvent.id == event_id).values(last_error=reason))


def _begin(event_id: int, task: str) -> Event | None:
    """Notes that a worker has begun, whatever becomes of it; None where there is nothing to do.

    From then on the worker has a lease. Of several messages about one sending the first is an attempt, the others are
    dropped; if the attempt fails, or the worker dies, the relay sends the event again once the lease has run out.
    """
    values = {"event_id": event_id, "task": task, "pause": current_settings().outbox_resend_seconds}
    with transaction() as current:
        row = current.connection().execute(BEGIN, values).one_or_none()
    if row is None:
        return None
    note_begun(task)
    structlog.contextvars.bind_contextvars(request_id=row.request_id, event_id=event_id)
    return event_of(row)


def _task(run: Callable[[int], None], event_type: type[Event], name: str, doc: str | None) -> Task:
    run.__doc__ = doc
    task: Task = shared_task(run, name=name)
    SUBSCRIBERS.setdefault(event_type, []).append(task)
    return task
