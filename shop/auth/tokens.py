"""Opaque access tokens: 256 random bits, of which the database keeps only a SHA-256."""

import hashlib
import secrets
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import joinedload

from shop.auth.models import API_KEY, SESSION, AccessToken, User
from shop.db import session

PREFIXES = {SESSION: "shop_s_", API_KEY: "shop_k_"}
SHOWN_CHARACTERS = 12


def issue_token(
    user: User,
    *,
    kind: str = SESSION,
    expires_at: datetime | None,
    name: str | None = None,
    scopes: tuple[str, ...] = (),
) -> tuple[AccessToken, str]:
    """A new token and its secret, which nobody can read again."""
    secret = PREFIXES[kind] + secrets.token_urlsafe(32)
    token = AccessToken(
        user_id=user.id,
        kind=kind,
        name=name,
        prefix=secret[:SHOWN_CHARACTERS],
        hash=_hash(secret),
        scopes=list(scopes),
        expires_at=expires_at,
    )
    session().add(token)
    return token, secret


def find_token(secret: str) -> AccessToken | None:
    """The live token with this secret, its user and company in the same statement; None where it opens nothing."""
    if not secret.startswith(tuple(PREFIXES.values())):
        return None
    statement = (
        select(AccessToken)
        .where(AccessToken.hash == _hash(secret))
        .options(joinedload(AccessToken.user, innerjoin=True).joinedload(User.company))
    )
    token = session().scalar(statement)
    if token is None or token.is_expired or not token.user.may_log_in:
        return None
    return token


def end_token(token: AccessToken) -> None:
    session().delete(token)


def _hash(secret: str) -> bytes:
    return hashlib.sha256(secret.encode(errors="replace")).digest()
