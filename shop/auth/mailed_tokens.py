"""Signed links in mails: they prove that who opens them reads that mailbox, expire, and are stored nowhere."""

from dataclasses import dataclass
from datetime import timedelta

from itsdangerous import BadData, URLSafeTimedSerializer

from shop.errors import Invalid

CONFIRM_EMAIL = "confirm-email"
CHANGE_EMAIL = "change-email"
RESET_PASSWORD = "reset-password"  # noqa: S105 - the name of a purpose
INVITATION = "invitation"


class LinkNotValid(Invalid):
    code = "LinkNotValid"
    message = "This link was used already, has expired, or is incomplete. Ask for a new one."


@dataclass(frozen=True)
class Signed:
    """What a link vouches for: `state` is what must still be true of the user for the link to work."""

    user_id: int
    state: str


def sign_link(purpose: str, signed: Signed, *, secret_key: str) -> str:
    """The token of a link. The purpose is part of the signature: no link works for another one."""
    return _serializer(purpose, secret_key).dumps([signed.user_id, signed.state])


def read_link(purpose: str, token: str, *, secret_key: str, lifetime: timedelta) -> Signed:
    try:
        user_id, state = _serializer(purpose, secret_key).loads(token, max_age=int(lifetime.total_seconds()))
    except (BadData, UnicodeError):
        raise LinkNotValid from None
    return Signed(user_id, state)


def _serializer(purpose: str, secret_key: str) -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(secret_key, salt=f"shop.auth.{purpose}")
