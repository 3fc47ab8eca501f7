"""Opaque access tokens: 256 random bits, of which the database keeps only a SHA-256. Sessions and API keys alike."""

import hashlib
import secrets
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from functools import cache
from typing import Any, NamedTuple

import structlog
from psycopg.rows import tuple_row
from sqlalchemy import (
    ColumnElement,
    DateTime,
    bindparam,
    delete,
    func,
    null,
    or_,
    select,
    update,
)

from shop.auth.known_addresses import note_place
from shop.auth.models import API_KEY, SESSION, AccessToken, User
from shop.database import delete_some, now, session
from shop.database.fast_read import Prepared
from shop.errors import NotFound, Unauthenticated

log = structlog.get_logger()

PREFIXES = {SESSION: "shop_s_", API_KEY: "shop_k_"}
SHOWN_CHARACTERS = 12
USER_AGENT_CHARACTERS = 200

NOTHING_ALONG = null()

IdleLimits = Mapping[str, timedelta]  # by the kind of token: unused for so long, it opens nothing any more


class Caller(NamedTuple):
    """Who is calling, as far as letting in, throttling and logging want to know; read anew with each request."""

    token_id: int
    kind: str
    scopes: Sequence[str]
    used_at: datetime
    user_id: int
    role: str
    company_id: int | None
    has_second_factor: bool
    along: Any

    @property
    def id(self) -> int:
        """The user's, under the name by which stories ask whoever acts."""
        return self.user_id

    @property
    def is_session(self) -> bool:
        return self.kind == SESSION

    def is_unused_for(self, period: timedelta, *, at: datetime) -> bool:
        """A token that was never noted as used was used at the latest when it was made."""
        return self.used_at + period <= at

    def allows(self, scope: str) -> bool:
        """A session may do all that its user may; an API key only what it was made for."""
        return self.is_session or scope in self.scopes


# Who acts, for stories that want to know id, role and company_id only: the caller of a request is known without a
# statement.
Acting = User | Caller


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


def find_caller(
    secret: str, *, along: ColumnElement[Any] = NOTHING_ALONG, idle_limits: IdleLimits | None = None
) -> Caller | None:
    """Who comes with this secret; None where it opens nothing. `along` is a value that costs no statement of its own.

    One statement past the ORM, whose entities would cost more than most answers.
    """
    if not secret.startswith(tuple(PREFIXES.values())):
        return None
    at = now()
    found = _by_secret(along).rows({"hash": _hash(secret), "now": at})
    if not found:
        return None
    caller = Caller(*found[0])
    idle = idle_limits.get(caller.kind) if idle_limits else None
    return None if idle and caller.is_unused_for(idle, at=at) else caller


@cache
def _by_secret(along: ColumnElement[Any]) -> Prepared:
    """A Caller's fields."""
    is_live = or_(AccessToken.expires_at.is_(None), AccessToken.expires_at > bindparam("now", type_=DateTime(True)))
    return Prepared(
        select(
            AccessToken.id.label("token_id"),
            AccessToken.kind,
            AccessToken.scopes,
            func.coalesce(AccessToken.last_used_at, AccessToken.created_at).label("used_at"),
            User.id.label("user_id"),
            User.role,
            User.company_id,
            User.second_factor_at.is_not(None).label("has_second_factor"),
            along.label("along"),
        )
        .join(User, User.id == AccessToken.user_id)
        .where(AccessToken.hash == bindparam("hash"), is_live, User.may_log_in),
        row_factory=tuple_row,
    )


def note_use(token_id: int) -> None:
    """Called at most once in a while per token, in a transaction of its own, so that reading stays one statement.

    Of many simultaneous requests one notes it; none waits for a rival, or for who is ending the token right now.
    """
    free = select(AccessToken.id).where(AccessToken.id == token_id).with_for_update(skip_locked=True)
    session().execute(update(AccessToken).where(AccessToken.id.in_(free)).values(last_used_at=now()))


def sessions_of(user: User) -> Sequence[AccessToken]:
    """The user's sessions that still work, the latest first."""
    is_live = or_(AccessToken.expires_at.is_(None), AccessToken.expires_at > now())
    statement = select(AccessToken).where(AccessToken.user_id == user.id, AccessToken.kind == SESSION, is_live)
    return session().scalars(statement.order_by(AccessToken.id.desc())).all()


def require_live(token: AccessToken) -> None:
    """Asked under the lock of the user, before a new way in is made: with an ended session nobody makes one."""
    if session().get(AccessToken, token.id, populate_existing=True) is None:
        raise Unauthenticated


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
