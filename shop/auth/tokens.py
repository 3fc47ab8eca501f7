"""Opaque access tokens: 256 random bits, of which the database keeps only a SHA-256. Sessions and API keys alike."""

import hashlib
import secrets
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import structlog
from sqlalchemy import ColumnElement, delete, func, literal, or_, select, update
from sqlalchemy.orm import joinedload

from shop.auth.models import API_KEY, SESSION, AccessToken, User
from shop.auth.places import note_place
from shop.db import delete_some, now, session
from shop.errors import NotFound

log = structlog.get_logger()

PREFIXES = {SESSION: "shop_s_", API_KEY: "shop_k_"}
SHOWN_CHARACTERS = 12
USER_AGENT_CHARACTERS = 200

IdleLimits = Mapping[str, timedelta]  # by the kind of token: unused for so long, it opens nothing any more


class SessionNotFound(NotFound):
    code = "SessionNotFound"
    message = "You have no such session."


def issue_token(
    user: User,
    *,
    kind: str = SESSION,
    expires_at: datetime | None,
    name: str | None = None,
    scopes: Sequence[str] = (),
    opened_from: str | None = None,
    user_agent: str | None = None,
) -> tuple[AccessToken, str]:
    """A new token and its secret, which nobody can read again. The place of a log-in is known from then on."""
    note_place(user, opened_from)
    secret = PREFIXES[kind] + secrets.token_urlsafe(32)
    token = AccessToken(
        user_id=user.id,
        kind=kind,
        name=name,
        prefix=secret[:SHOWN_CHARACTERS],
        hash=_hash(secret),
        scopes=list(scopes),
        expires_at=expires_at,
        opened_from=opened_from,
        user_agent=_printable(user_agent),
    )
    session().add(token)
    return token, secret


def find_token(secret: str, *, idle_limits: IdleLimits | None = None) -> AccessToken | None:
    """The live token with this secret, its user and company in the same statement; None where it opens nothing."""
    return find_token_along(secret, literal(None), idle_limits=idle_limits)[0]


def find_token_along(
    secret: str, along: ColumnElement[Any], *, idle_limits: IdleLimits | None = None
) -> tuple[AccessToken | None, Any]:
    """The token, and a value that costs no statement of its own; None twice where the token opens nothing."""
    if not secret.startswith(tuple(PREFIXES.values())):
        return None, None
    statement = (
        select(AccessToken, along)
        .where(AccessToken.hash == _hash(secret))
        .options(joinedload(AccessToken.user, innerjoin=True).joinedload(User.company))
    )
    found = session().execute(statement).one_or_none()
    if found is None:
        return None, None
    token, value = found
    if token.is_expired or not token.user.may_log_in:
        return None, None
    idle = (idle_limits or {}).get(token.kind)
    return (None, None) if idle and token.is_unused_for(idle) else (token, value)


def note_use(token: AccessToken) -> None:
    """Called at most once in a while per token, in a transaction of its own, so that reading stays one statement.

    Of many simultaneous requests one notes it; none waits for a rival, or for who is ending the token right now.
    """
    free = select(AccessToken.id).where(AccessToken.id == token.id).with_for_update(skip_locked=True)
    session().execute(update(AccessToken).where(AccessToken.id.in_(free)).values(last_used_at=now()))


def sessions_of(user: User) -> Sequence[AccessToken]:
    """The user's sessions that still work, the latest first."""
    is_live = or_(AccessToken.expires_at.is_(None), AccessToken.expires_at > now())
    statement = select(AccessToken).where(AccessToken.user_id == user.id, AccessToken.kind == SESSION, is_live)
    return session().scalars(statement.order_by(AccessToken.id.desc())).all()


def end_token(token: AccessToken) -> None:
    session().delete(token)


def end_session(user: User, session_id: int) -> None:
    """One of the user's own; a foreign one and an API key are as unknown as one that never was."""
    statement = delete(AccessToken).where(
        AccessToken.id == session_id, AccessToken.user_id == user.id, AccessToken.kind == SESSION
    )
    if session().scalar(statement.returning(AccessToken.id)) is None:
        raise SessionNotFound
    log.info("session_ended", user_id=user.id, session_id=session_id)


def end_tokens(user: User, *, kind: str | None = SESSION, but: AccessToken | None = None) -> None:
    """All of the user's tokens of a kind, or of both (None); `but` one lives on. They open nothing from now on."""
    statement = delete(AccessToken).where(AccessToken.user_id == user.id)
    if kind is not None:
        statement = statement.where(AccessToken.kind == kind)
    if but is not None:
        statement = statement.where(AccessToken.id != but.id)
    session().execute(statement)
    log.info("tokens_ended", user_id=user.id, kind=kind, but=but.id if but else None)


def purge_tokens(idle_limits: IdleLimits) -> int:
    """Tokens that have expired or were not used for too long."""
    unused_since = func.coalesce(AccessToken.last_used_at, AccessToken.created_at)
    idle = [(AccessToken.kind == kind) & (unused_since < now() - period) for kind, period in idle_limits.items()]
    return delete_some(AccessToken, or_(AccessToken.expires_at < now(), *idle))


def _printable(text: str | None) -> str | None:
    return "".join(filter(str.isprintable, text))[:USER_AGENT_CHARACTERS] if text else None


def _hash(secret: str) -> bytes:
    return hashlib.sha256(secret.encode(errors="replace")).digest()
