"""The relay: a process that looks for due events and starts their subscribers' tasks. Several may run at once."""

import signal
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta

import redis
import structlog
from celery import Celery, Task
from kombu.exceptions import OperationalError as BrokerDown
from sqlalchemy import Select, func, select
from sqlalchemy.exc import DBAPIError

from shop.config import Settings
from shop.database import session, transaction
from shop.outbox.broker import send_again_what_was_wiped
from shop.outbox.models import LATEST, OutboxEvent
from shop.outbox.queues import SENT_AT, send_passed_again

log = structlog.get_logger()

BATCH = 200

Subscribers = Mapping[str, Sequence[Task]]


def run(celery: Celery, subscribers: Subscribers, settings: Settings) -> None:
    """Until SIGTERM or SIGINT. A database or broker that is away is waited for."""
    stop = threading.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, lambda *_: stop.set())
    log.info("relay_started")
    with redis.Redis.from_url(settings.urls["broker"], socket_timeout=5, socket_connect_timeout=1) as broker:
        turn = turns(celery, subscribers, settings, broker)
        while not stop.is_set():
            stop.wait(_pause_after(turn, settings))
    log.info("relay_stopped")


def turns(celery: Celery, subscribers: Subscribers, settings: Settings, broker: redis.Redis) -> Callable[[], int]:
    """One turn: what the broker or a worker has lost becomes due, then a batch of what is due is sent."""
    tasks = {task.name for tasks in subscribers.values() for task in tasks}
    pause, next_look = settings.outbox_resend_seconds, 0.0

    def turn() -> int:
        nonlocal next_look
        send_again_what_was_wiped(broker, tasks)
        if time.monotonic() >= next_look:
            next_look = time.monotonic() + pause / 3
            send_passed_again(tasks, pause=timedelta(seconds=pause))
        return relay_once(celery, subscribers, settings)

    return turn


def relay_once(celery: Celery, subscribers: Subscribers, settings: Settings) -> int:
    """Sends one batch of due events; the number of events taken.

    Send first, note after: a relay that dies in between sends them again, and the tasks see that they were handled.
    The rows stay locked until the note commits, so a fast task waits for it and other relays take other events.
    """
    with transaction():
        events = session().scalars(_due_events(list(subscribers))).all()
        if events:
            clock = _database_clock()
            with celery.producer_or_acquire() as producer:
                for event in events:
                    _send(event, subscribers.get(event.type, ()), producer, settings, clock())
    return len(events)


def _due_events(types: list[str]) -> Select[OutboxEvent]:
    """Of the types that this release knows; those of a newer one wait for its own relay."""
    return (
        select(OutboxEvent)
        .where(OutboxEvent.handled_at.is_(None), OutboxEvent.parked_at.is_(None), OutboxEvent.due_at <= func.now())
        .where(OutboxEvent.type.in_(types))
        .order_by(OutboxEvent.due_at, OutboxEvent.id)
        .limit(BATCH)
        .with_for_update(skip_locked=True)
    )


def _database_clock() -> Callable[[], datetime]:
    """Asked once, and carried on by our own."""
    answer: datetime = session().execute(select(func.clock_timestamp())).scalar_one()
    asked_at = time.monotonic()
    return lambda: answer + timedelta(seconds=time.monotonic() - asked_at)


def _send(event: OutboxEvent, tasks: Sequence[Task], producer: object, settings: Settings, at: datetime) -> None:
    if event.pending is None:
        event.pending = [task.name for task in tasks]
    event.attempts += bool(event.started)
    if not event.pending:
        event.handled_at = at
    elif event.attempts >= settings.outbox_max_attempts:
        event.parked_at = at
        log.error("event_parked", event_id=event.id, type=event.type, pending=event.pending, error=event.last_error)
    else:
        for task in tasks:
            if task.name in event.pending:
                task.apply_async((event.id,), producer=producer, headers={SENT_AT: at.isoformat()})
        event.started = []
        event.sendings += 1
        event.sent_at, event.due_at = at, at + LATEST


def _pause_after(work: Callable[[], int], settings: Settings) -> float:
    started = time.monotonic()
    try:
        taken = work()
    except (BrokerDown, redis.RedisError, OSError) as error:
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
