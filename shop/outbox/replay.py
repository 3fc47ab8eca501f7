"""Replaying: an event is sent again at once, with all its patience, once the cause of the trouble is gone."""

from typing import Any, cast

import structlog
from sqlalchemy import update

from shop.database import now, session
from shop.errors import Conflict, NotFound
from shop.outbox.models import OutboxEvent
from shop.outbox.status import IS_PARKED

log = structlog.get_logger()


class EventNotFound(NotFound):
    code = "EventNotFound"
    message = "There is no event {event_id}; handled ones are deleted after some days."


class EventHandled(Conflict):
    """What handled it has committed; whoever wants a mail again resends the mail."""

    code = "EventHandled"
    message = "Event {event_id} ({type}) was handled at {handled_at}; there is nothing to replay."


def replay_event(event_id: int) -> OutboxEvent:
    """Only those of its tasks run that have not finished."""
    event = session().get(OutboxEvent, event_id, with_for_update=True, populate_existing=True)
    if event is None:
        raise EventNotFound(event_id=event_id)
    if event.handled_at is not None:
        raise EventHandled(event_id=event_id, type=event.type, handled_at=f"{event.handled_at:%Y-%m-%d %H:%M} UTC")
    for name, value in _afresh().items():
        setattr(event, name, value)
    log.info("event_replayed", event_id=event_id, type=event.type)
    return event


def replay_parked() -> int:
    """All parked events; how many there were."""
    result = session().execute(update(OutboxEvent).where(IS_PARKED).values(_afresh()))
    replayed = cast(int, cast(Any, result).rowcount)
    log.info("events_replayed", count=replayed)
    return replayed


def _afresh() -> dict[str, Any]:
    return {"parked_at": None, "attempts": 0, "sendings": 0, "started": [], "sent_at": None, "due_at": now()}
