"""The tables of events, and of how far workers have come in each queue."""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Index, Text, func
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from shop.database import CreatedAt, Id, Model

LATEST = timedelta(days=1)  # after its sending an event is sent again, whatever is known of it


class OutboxEvent(Model):
    """Something that happened (ids, never secrets) and which of its subscribers have not handled it yet.

    `pending` is NULL until a relay has sent the event for the first time, then holds the names of the tasks that have
    not finished; the task that empties it sets `handled_at`. Until then the event is sent again whenever `due_at` has
    passed. After a sending that is a day away: its messages may wait for a worker as long as they like, and are found
    where they are lost (queues.py). A worker that begins a task sets it to its lease (leases.py).

    `started` names the tasks that a worker has begun since the last sending; `attempts` counts the sendings that any
    worker began. Only they use up patience: while no worker is there, nothing is parked.
    """

    __tablename__ = "outbox_events"
    __table_args__ = (
        Index("ix_outbox_events_open", "due_at", "id", postgresql_where="handled_at IS NULL AND parked_at IS NULL"),
        Index("ix_outbox_events_parked", "id", postgresql_where="handled_at IS NULL AND parked_at IS NOT NULL"),
    )

    id: Mapped[Id]
    type: Mapped[str]
    payload: Mapped[dict[str, Any]]
    request_id: Mapped[str | None]
    created_at: Mapped[CreatedAt]
    due_at: Mapped[datetime] = mapped_column(server_default=func.now())
    sent_at: Mapped[datetime | None]
    pending: Mapped[list[str] | None] = mapped_column(ARRAY(Text))
    started: Mapped[list[str]] = mapped_column(ARRAY(Text), default=list, server_default="{}")
    sendings: Mapped[int] = mapped_column(default=0, server_default="0")
    attempts: Mapped[int] = mapped_column(default=0, server_default="0")
    handled_at: Mapped[datetime | None] = mapped_column(index=True)
    parked_at: Mapped[datetime | None]
    last_error: Mapped[str | None]


class OutboxQueue(Model):
    """How far workers have come in one of the broker's queues, by the times at which events were sent.

    Workers note the newest event that they have begun (`reached`) and when they last began one (`begun_at`). Relays
    look from time to time: `passed` is what was reached when they looked last. `probes` counts the events sent again
    since a worker has begun anything, to see whether one is there.
    """

    __tablename__ = "outbox_queues"

    name: Mapped[str] = mapped_column(primary_key=True)
    reached: Mapped[datetime | None]
    begun_at: Mapped[datetime] = mapped_column(server_default=func.now())
    passed: Mapped[datetime | None]
    looked_at: Mapped[datetime] = mapped_column(server_default=func.now())
    probed_at: Mapped[datetime] = mapped_column(server_default=func.now())
    probes: Mapped[int] = mapped_column(default=0, server_default="0")
