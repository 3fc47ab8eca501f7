"""Events: frozen facts in the past tense, named once, published in the transaction that makes them true."""

from dataclasses import asdict, dataclass
from typing import Any, ClassVar

import structlog
from sqlalchemy import Row

from shop.database import session
from shop.outbox.models import OutboxEvent


@dataclass(frozen=True)
class Event:
    """Base of all events. A subclass states its `type` ("order.placed") and holds ids, never secrets."""

    type: ClassVar[str]
    known: ClassVar[dict[str, Any]] = {}

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        Event.known[cls.type] = cls


def publish(event: Event) -> OutboxEvent:
    """Writes the event into the current transaction: it leaves if and only if that commits."""
    context = structlog.contextvars.get_contextvars()
    row = OutboxEvent(type=event.type, payload=asdict(event), request_id=context.get("request_id"))
    session().add(row)
    return row


def event_of(row: Row[Any]) -> Event:
    """Of a row with at least type and payload."""
    kind: type[Event] = Event.known[row.type]
    return kind(**row.payload)
