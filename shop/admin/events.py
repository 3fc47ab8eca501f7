"""Events that no task has handled yet: parked ones with the reason, late ones; replayed when the cause is gone."""

from datetime import timedelta
from typing import Any

from markupsafe import Markup
from sqlalchemy import ColumnElement, Select, case, select

from shop.admin.base import ManagedView
from shop.admin.bulk import Bulk
from shop.admin.filters import Filter, contains, flag
from shop.admin.formats import clipped, shown
from shop.admin.linked_records import numbered
from shop.database import now, session
from shop.outbox.models import OutboxEvent
from shop.outbox.replay import EventNotFound, replay_event
from shop.outbox.status import IS_OPEN, IS_PARKED
from shop.translations import t

LATE_AFTER = timedelta(minutes=1)  # relays and workers usually need less than a second
TONES = {"parked": "bad", "late": "waiting", "open": "moving"}


def _is_late() -> ColumnElement[bool]:
    return IS_OPEN & (OutboxEvent.created_at < now() - LATE_AFTER)


def event_badge(state: str) -> Markup:
    return Markup('<span class="badge {}">{}</span>').format(TONES[state], t(f"event|{state}"))


class EventsView(ManagedView):
    model = OutboxEvent
    title, group, slug = "Events", "Deliveries", "events"
    column_list = ("created_at", "state", "type", "payload", "pending", "attempts", "last_error")
    column_labels = {
        "created_at": "Happened",
        "type": "What",
        "payload": "Of what",
        "pending": "Not done yet",
        "due_at": "Sent again at",
        "last_error": "Why not",
    }
    column_formatters = {
        "state": shown(event_badge),
        "payload": shown(numbered),
        "last_error": shown(clipped),
    }
    numeric = ("attempts",)
    sorts = {"created_at": OutboxEvent.id}
    searched = (OutboxEvent.type, OutboxEvent.last_error)
    filters = (
        flag("parked", "Parked", IS_PARKED),
        Filter("late", "Late", lambda _: _is_late(), "flag"),
        contains("type", "What", OutboxEvent.type),
        contains("reason", "Why not", OutboxEvent.last_error),
    )
    bulk = (Bulk("replay", "Replay", lambda event, _: _replay(event), "event.replay"),)
    exported = (*column_list, "due_at")
    empty = "Nothing waits: every event has been handled."

    def statement(self) -> Select[*tuple[Any, ...]]:
        state = case((OutboxEvent.parked_at.is_not(None), "parked"), (_is_late(), "late"), else_="open")
        return select(
            OutboxEvent.id,
            OutboxEvent.created_at,
            state.label("state"),
            OutboxEvent.type,
            OutboxEvent.payload,
            OutboxEvent.pending,
            OutboxEvent.attempts,
            OutboxEvent.due_at,
            OutboxEvent.last_error,
        ).where(OutboxEvent.handled_at.is_(None))

    def find(self, id_: int) -> OutboxEvent:
        event = session().get(OutboxEvent, id_)
        if event is None:
            raise EventNotFound(event_id=id_)
        return event


def _replay(event: OutboxEvent) -> None:
    replay_event(event.id)
