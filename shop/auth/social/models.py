"""Identities at providers that open an account, and the one-time codes of the way there."""

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, LargeBinary, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from shop.auth.models import User
from shop.database import CreatedAt, Id, Model

TICKET, LOG_IN, LINK, REGISTER = "ticket", "log_in", "link", "register"


class SocialAccount(Model):
    """Somebody at a provider who may enter as this user. The provider's id says who; the e-mail is only shown."""

    __tablename__ = "social_accounts"
    __table_args__ = (UniqueConstraint("provider", "provider_user_id"), UniqueConstraint("user_id", "provider"))

    id: Mapped[Id]
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    provider: Mapped[str]
    provider_user_id: Mapped[str]
    email: Mapped[str | None]
    linked_at: Mapped[CreatedAt]

    user: Mapped[User] = relationship()


class SocialCode(Model):
    """A secret that works once, for one purpose, for a short time; only its SHA-256 is kept.

    A used row stays until it is purged: its `state_hash` keeps the same answer of a provider from being taken twice.
    """

    __tablename__ = "social_codes"
    __table_args__ = (CheckConstraint("purpose IN ('ticket', 'log_in', 'link', 'register')", name="purpose_known"),)

    id: Mapped[Id]
    hash: Mapped[bytes] = mapped_column(LargeBinary, unique=True)
    purpose: Mapped[str]
    provider: Mapped[str]
    user_id: Mapped[int | None] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    identity: Mapped[dict[str, Any] | None]
    challenge: Mapped[str | None]
    state_hash: Mapped[bytes | None] = mapped_column(LargeBinary, unique=True)
    created_at: Mapped[CreatedAt]
    expires_at: Mapped[datetime] = mapped_column(index=True)
    used_at: Mapped[datetime | None]
