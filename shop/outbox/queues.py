"""What became of a message: nobody can ask a broker what it holds, but a queue is worked off in the order of sending.

Workers note how far they have come. A relay sends an event again where no worker has begun one of its tasks although

- workers have gone past it: they had begun something sent later when the relay looked last, and here it waits still;
- or its queue stands still: then the one sent first is sent again, to see whether a worker is there, and ever more
  seldom while there is none. Once a worker takes it, whatever was sent before and is lost has been passed;
- or the broker has lost everything (broker.py).

So a backlog is sent once, however long it waits. All times are the database's.
"""

import time
from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

import structlog
from celery import current_task
from sqlalchemy import text
from sqlalchemy.dialects.postgresql import insert

from shop.celery import QUEUES, queue_of
from shop.database import session, transaction
from shop.outbox.models import OutboxQueue

log = structlog.get_logger()

SENT_AT = "sent_at"  # a message's header: of an event that was sent twice the row does not know which one has arrived
NOTED_EVERY = 1.0  # seconds; by each process: one row must not be in the way of all tasks
OUT_OF_ORDER = timedelta(seconds=2)  # so far may messages of two relays, or a note and what is begun, be apart
LONGEST_PAUSE = timedelta(minutes=10)
AT_ONCE = 10_000

NOTE = text("""
INSERT INTO outbox_queues (name, reached, begun_at) VALUES (:queue, CAST(:sent_at AS timestamptz), now())
ON CONFLICT (name) DO UPDATE
SET reached = greatest(outbox_queues.reached, excluded.reached), begun_at = now(), probes = 0
""")
LOOK = text("""
WITH looked AS (
    SELECT *, now() - greatest(begun_at, probed_at) >= least(:pause * 2 ^ least(probes, 20), :longest_pause) AS stands
    FROM outbox_queues WHERE looked_at <= now() - :pause / 3 FOR UPDATE SKIP LOCKED
)
UPDATE outbox_queues AS queue SET looked_at = now(), passed = looked.reached
FROM looked WHERE queue.name = looked.name
RETURNING queue.name, looked.passed, looked.stands, now() AS at
""")
WAITING = text("""
SELECT event.id, way.queue
FROM outbox_events AS event
JOIN unnest(CAST(:tasks AS text[]), CAST(:queues AS text[]), CAST(:before AS timestamptz[]))
    AS way (task, queue, before)
    ON way.task = ANY (event.pending) AND way.task <> ALL (event.started) AND event.sent_at < way.before
WHERE event.handled_at IS NULL AND event.parked_at IS NULL AND event.due_at > now()
ORDER BY event.sent_at, event.id LIMIT :most
""")
SEND_AGAIN = text("""
UPDATE outbox_events SET due_at = now() WHERE due_at > now()
AND id IN (SELECT id FROM outbox_events WHERE id = ANY (CAST(:ids AS bigint[])) FOR UPDATE SKIP LOCKED)
""")
PROBED = text("UPDATE outbox_queues SET probes = probes + 1, probed_at = now() WHERE name = :queue")

_noted: dict[str, float] = {}


class Way(NamedTuple):
    """Of what a task's queue holds: whatever was sent before this moment."""

    task: str
    queue: str
    before: datetime


def note_begun(task: str) -> None:
    """A worker has begun a task: that of the message that is in hand."""
    queue, moment = queue_of(task), time.monotonic()
    if moment - _noted.get(queue, -NOTED_EVERY) >= NOTED_EVERY:
        _noted[queue] = moment
        headers = (current_task and current_task.request.headers) or {}
        with transaction() as current:
            current.connection().execute(NOTE, {"queue": queue, "sent_at": headers.get(SENT_AT)})


def send_passed_again(tasks: Collection[str], *, pause: timedelta) -> None:
    """What workers have passed, and of each queue that stands still the first. Looks into each queue thrice a pause."""
    queues = _look(pause)
    if not queues:
        return
    at = queues[0].at
    passed = {queue.name: queue.passed - OUT_OF_ORDER for queue in queues if queue.passed}
    standing = {queue.name: at - pause for queue in queues if queue.stands}
    with transaction():
        if lost := _waiting(_ways(tasks, passed), most=AT_ONCE):
            _send_again([each.id for each in lost])
            log.warning("events_passed", count=len(lost))
        for queue, before in standing.items():
            if first := _waiting(_ways(tasks, {queue: before}), most=1):
                _send_again([each.id for each in first])
                session().execute(PROBED, {"queue": queue})
                log.warning("queue_stands_still", queue=queue, event_id=first[0].id)


def send_waiting_again(tasks: Collection[str]) -> int:
    """All that no worker has begun; how many there were."""
    count, most = 0, AT_ONCE
    with transaction():
        at = session().execute(text("SELECT now()")).scalar_one()
    ways = _ways(tasks, dict.fromkeys(QUEUES, at))
    while most == AT_ONCE:
        with transaction():
            found = _waiting(ways, most=AT_ONCE)
            _send_again([each.id for each in found])
        most = len(found)
        count += most
    return count


def _look(pause: timedelta) -> Sequence[Any]:
    """The queues that no relay has looked into lately. A transaction of its own: workers are to note things there."""
    with transaction():
        session().execute(insert(OutboxQueue).values([{"name": name} for name in QUEUES]).on_conflict_do_nothing())
        return session().execute(LOOK, {"pause": pause, "longest_pause": LONGEST_PAUSE}).all()


def _ways(tasks: Collection[str], before: dict[str, datetime]) -> list[Way]:
    return [Way(task, queue_of(task), before[queue_of(task)]) for task in tasks if queue_of(task) in before]


def _waiting(ways: Sequence[Way], *, most: int) -> Sequence[Any]:
    if not ways:
        return ()
    tasks, queues, before = map(list, zip(*ways, strict=True))
    return session().execute(WAITING, {"tasks": tasks, "queues": queues, "before": before, "most": most}).all()


def _send_again(ids: list[int]) -> None:
    session().execute(SEND_AGAIN, {"ids": ids})
