"""The audit: what managers did in the admin, field by field."""

from typing import Any

from sqlalchemy import ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column, relationship

from shop.auth.models import User
from shop.db import CreatedAt, Id, Model


class AuditEntry(Model):
    """One act on one thing. `changes` are the fields that differ afterwards, each [before, after]; never a secret.

    `object_name` is what people called the thing then; only ever added to.
    """

    __tablename__ = "audit_entries"
    __table_args__ = (
        Index("ix_audit_entries_object", "object_type", "object_id", "id"),
        Index("ix_audit_entries_user", "user_id", "id"),
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
