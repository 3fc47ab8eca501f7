"""The audit: what managers did in the admin, field by field."""

from typing import Any

from sqlalchemy import ForeignKey, Index, Text, literal_column
from sqlalchemy.orm import Mapped, mapped_column, relationship

from shop.auth.models import User
from shop.database import CreatedAt, Id, Model

# What a search of the audit looks through, written as PostgreSQL reads it back: migrations compare it with the index.
WORDS = "((((((object_name || ' ') || action) || ' ') || reason) || ' ') || changes::text)"


class AuditEntry(Model):
    """One act on one thing. `changes` are the fields that differ afterwards, each [before, after]; never a secret.

    `object_name` is what people called the thing then, empty for a person; only ever added to.
    """

    __tablename__ = "audit_entries"
    __table_args__ = (
        Index("ix_audit_entries_object", "object_type", "object_id", "id"),
        Index("ix_audit_entries_user", "user_id", "id"),
        Index(
            "ix_audit_entries_words",
            literal_column(WORDS).label("words"),
            postgresql_using="gin",
            postgresql_ops={"words": "gin_trgm_ops"},
        ),
    )

    id: Mapped[Id]
    created_at: Mapped[CreatedAt]
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    action: Mapped[str]
    object_type: Mapped[str]
    object_id: Mapped[str]
    object_name: Mapped[str]
    changes: Mapped[dict[str, Any]]
    reason: Mapped[str] = mapped_column(default="", server_default="")
    address: Mapped[str | None]
    request_id: Mapped[str | None]

    user: Mapped[User] = relationship()


AUDIT_WORDS = literal_column(WORDS, Text())
