"""The relay: a process that looks for due events and starts their subscribers' tasks. Several may run at once."""

import random
import signal
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta

import structlog
from celery import Celery, Task
from kombu.exceptions import OperationalError as BrokerDown
from sqlalchemy import Select, select
from sqlalchemy.exc import DBAPIError

from shop.config import Settings
from shop.db import now, session, transaction
from shop.outbox.models import OutboxEvent

log = structlog.get_logger()

BATCH = 200
LONGEST_PAUSE = timedelta(hours=2)

Subscribers = Mapping[str, Sequence[Task]]


def run(celery: Celery, subscribers: Subscribers, settings: Settings) -> None:
    """Until SIGTERM or SIGINT. A database or broker that is away is waited for."""
    stop = threading.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, lambda *_: stop.set())
    log.info("relay_started")
    while not stop.is_set():
        stop.wait(_pause_after(lambda: relay_once(celery, subscribers, settings), settings))
    log.info("relay_stopped")


def relay_once(celery: Celery, subscribers: Subscribers, settings: Settings) -> int:
    """Sends one batch of due events; the number of events taken.

    Send first, note after: a relay that dies in between sends them again, and the tasks see that they were handled.
    The rows stay locked until the note commits, so a fast task waits for it and other relays take other events.
    """
    with transaction():
        events = session().scalars(_due_events(list(subscribers))).all()
        with celery.producer_or_acquire() as producer:
            for event in events:
                _send(event, subscribers.get(event.type, ()), producer, settings)
    return len(events)


def _due_events(types: list[str]) -> Select[OutboxEvent]:
    """Of the types that this release knows; those of a newer one wait for its own relay."""
    return (
        select(OutboxEvent)
        .where(OutboxEvent.handled_at.is_(None), OutboxEvent.parked_at.is_(None), OutboxEvent.due_at <= now())
        .where(OutboxEvent.type.in_(types))
        .order_by(OutboxEvent.due_at, OutboxEvent.id)
        .limit(BATCH)
        .with_for_update(skip_locked=True)
    )


def _send(event: OutboxEvent, tasks: Sequence[Task], producer: object, settings: Settings) -> None:
    if event.pending is None:
        event.pending = [task.name for task in tasks]
    event.attempts += bool(event.started)
    if not event.pending:
        event.handled_at = now()
    elif event.attempts >= settings.outbox_max_attempts:
        event.parked_at = now()
        log.error("event_parked", event_id=event.id, type=event.type, pending=event.pending, error=event.last_error)
    else:
        for task in tasks:
            if task.name in event.pending:
                task.apply_async((event.id,), producer=producer)
        event.started = []
        event.sendings += 1
        event.due_at = _next_sending(event.sendings, settings)


def _next_sending(sendings: int, settings: Settings) -> datetime:
    """Twice as long each time, with jitter, so that what failed together does not come back together."""
    pause = min(timedelta(seconds=settings.outbox_resend_seconds) * 2.0 ** min(sendings - 1, 20), LONGEST_PAUSE)
    return now() + pause * random.uniform(0.9, 1.2)  # noqa: S311 - spreads load, hides nothing


def _pause_after(work: Callable[[], int], settings: Settings) -> float:
    started = time.monotonic()
    try:
        taken = work()
    except (BrokerDown, OSError) as error:
        log.warning("broker_away", error=str(error))
        return 2.0
    except DBAPIError as error:
        log.warning("database_away", error=type(error.orig).__name__)
        return 2.0
    finally:
        session().close()
    if taken:
        log.info("events_sent", count=taken, ms=round((time.monotonic() - started) * 1000))
    return 0 if taken == BATCH else settings.outbox_poll_seconds
