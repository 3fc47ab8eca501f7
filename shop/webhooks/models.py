"""Who wants to hear of what at which address, what was promised to them, and every attempt to keep the promise."""

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, LargeBinary, Text, UniqueConstraint
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column, relationship

from shop.database import CreatedAt, Id, Model

PAUSED, GONE, FAILING = "paused", "gone", "failing"  # why a webhook is off
QUEUED, DELIVERED, FAILED = "queued", "delivered", "failed"
STATES = (QUEUED, DELIVERED, FAILED)


class Webhook(Model):
    """An address of a company that hears of some types of events, unless it is switched off."""

    __tablename__ = "webhooks"
    __table_args__ = (
        UniqueConstraint("company_id", "url"),
        CheckConstraint("off_reason IN ('paused', 'gone', 'failing')", name="off_reason_known"),
        CheckConstraint("(off_at IS NULL) = (off_reason IS NULL)", name="off_with_reason"),
    )

    id: Mapped[Id]
    company_id: Mapped[int] = mapped_column(ForeignKey("companies.id"))
    url: Mapped[str]
    description: Mapped[str] = mapped_column(default="", server_default="")
    event_types: Mapped[list[str]] = mapped_column(ARRAY(Text))
    off_at: Mapped[datetime | None]
    off_reason: Mapped[str | None]
    failing_since: Mapped[datetime | None]
    created_at: Mapped[CreatedAt]

    @property
    def active(self) -> bool:
        return self.off_at is None


class WebhookSecret(Model):
    """What deliveries are signed with, sealed. After a rotation the old one signs beside the new until it expires."""

    __tablename__ = "webhook_secrets"

    id: Mapped[Id]
    webhook_id: Mapped[int] = mapped_column(ForeignKey("webhooks.id", ondelete="CASCADE"), index=True)
    sealed: Mapped[bytes] = mapped_column(LargeBinary)
    expires_at: Mapped[datetime | None]


class WebhookDelivery(Model):
    """One event promised to one webhook; the row is the truth, the outbox only says when to look at it.

    `attempts` counts those of the present round (a redelivery begins another one). While a worker talks to the
    receiver it holds no connection to the database but this lease; it runs out if the worker dies.
    """

    __tablename__ = "webhook_deliveries"
    __table_args__ = (
        CheckConstraint("state IN ('queued', 'delivered', 'failed')", name="state_known"),
        UniqueConstraint("webhook_id", "event_id", "event_type"),
        Index("ix_webhook_deliveries_webhook", "webhook_id", "id"),
        Index("ix_webhook_deliveries_state", "webhook_id", "state", "id"),
        Index("ix_webhook_deliveries_failed", "id", postgresql_where="state = 'failed'"),
        Index("ix_webhook_deliveries_leased", "webhook_id", postgresql_where="leased_until IS NOT NULL"),
    )

    id: Mapped[Id]
    webhook_id: Mapped[int] = mapped_column(ForeignKey("webhooks.id", ondelete="CASCADE"))
    message_id: Mapped[str]
    event_id: Mapped[int | None]
    event_type: Mapped[str]
    occurred_at: Mapped[datetime]
    data: Mapped[dict[str, Any]]
    state: Mapped[str] = mapped_column(default=QUEUED, server_default=QUEUED)
    attempts: Mapped[int] = mapped_column(default=0, server_default="0")
    next_attempt_at: Mapped[datetime | None]
    leased_until: Mapped[datetime | None]
    created_at: Mapped[CreatedAt] = mapped_column(index=True)
    finished_at: Mapped[datetime | None]

    log: Mapped[list["WebhookAttempt"]] = relationship(order_by="WebhookAttempt.id", lazy="raise_on_sql")


class WebhookAttempt(Model):
    """One request to a receiver: how it ended, as coarse as an outsider may know it."""

    __tablename__ = "webhook_attempts"
    __table_args__ = (Index("ix_webhook_attempts_delivery", "delivery_id", "id"),)

    id: Mapped[Id]
    delivery_id: Mapped[int] = mapped_column(ForeignKey("webhook_deliveries.id", ondelete="CASCADE"))
    started_at: Mapped[datetime]
    duration_ms: Mapped[int]
    status: Mapped[int | None]
    error: Mapped[str | None]
