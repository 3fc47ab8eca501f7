"""The log of mails: who gets what about which thing, and how far it has come. Never a secret, never a body."""

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from shop.database import CreatedAt, Id, Model

QUEUED, SENT, PARKED = "queued", "sent", "parked"


class MailMessage(Model):
    """One mail to one recipient. `context` holds ids; the text, its links and attachments are made at delivery.

    `is_last_trace`: the recipient has closed the account meanwhile; with the delivery the address is erased.
    """

    __tablename__ = "mail_messages"
    __table_args__ = (
        CheckConstraint("state IN ('queued', 'sent', 'parked')", name="state_known"),
        Index("ix_mail_messages_state", "state", postgresql_where="state <> 'sent'"),
        Index(
            "ix_mail_messages_context", "context", postgresql_using="gin", postgresql_ops={"context": "jsonb_path_ops"}
        ),
        *(
            Index(f"ix_mail_messages_{name}_words", name, postgresql_using="gin", postgresql_ops={name: "gin_trgm_ops"})
            for name in ("recipient", "subject")
        ),
    )

    id: Mapped[Id]
    dedupe_key: Mapped[str] = mapped_column(unique=True)
    message_id: Mapped[str] = mapped_column(unique=True)
    kind: Mapped[str]
    locale: Mapped[str]
    recipient: Mapped[str]
    is_last_trace: Mapped[bool] = mapped_column(default=False, server_default=text("false"))
    context: Mapped[dict[str, Any]]
    subject: Mapped[str | None]
    state: Mapped[str] = mapped_column(default=QUEUED, server_default=QUEUED)
    attempts: Mapped[int] = mapped_column(default=0, server_default="0")
    last_error: Mapped[str | None]
    created_at: Mapped[CreatedAt] = mapped_column(index=True)
    sent_at: Mapped[datetime | None]
