"""The table of events."""

from datetime import datetime
from typing import Any

from sqlalchemy import Index, Text, func
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from shop.db import CreatedAt, Id, Model


class OutboxEvent(Model):
    """Something that happened (ids, never secrets) and which of its subscribers have not handled it yet.

    `pending` is NULL until a relay has sent the event for the first time, then holds the names of the tasks that have
    not finished; the task that empties it sets `handled_at`. Until then the event is sent again whenever `due_at` has
    passed, so neither a broker that lost the message nor a worker that died with it can lose the work.

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
    pending: Mapped[list[str] | None] = mapped_column(ARRAY(Text))
    started: Mapped[list[str]] = mapped_column(ARRAY(Text), default=list, server_default="{}")
    sendings: Mapped[int] = mapped_column(default=0, server_default="0")
    attempts: Mapped[int] = mapped_column(default=0, server_default="0")
    handled_at: Mapped[datetime | None] = mapped_column(index=True)
    parked_at: Mapped[datetime | None]
    last_error: Mapped[str | None]
