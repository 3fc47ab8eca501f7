"""API keys: for programs, named, limited to scopes, shown once."""

from collections.abc import Collection, Sequence
from datetime import datetime

import structlog
from sqlalchemy import ColumnElement, delete, func, select

from shop.auth.models import API_KEY, AccessToken, User
from shop.auth.security_notices import API_KEY_CREATED, note_security_change
from shop.auth.tokens import issue_token, require_live
from shop.database import now, session
from shop.errors import Conflict, FieldError, Invalid, NotFound

log = structlog.get_logger()

MAX_KEYS = 50


class ApiKeyNotFound(NotFound):
    code = "ApiKeyNotFound"
    message = "You have no such API key."


class TooManyApiKeys(Conflict):
    code = "TooManyApiKeys"
    message = "You have {limit} API keys already. Delete one that you do not need."


class ScopeUnknown(Invalid):
    code = "ScopeUnknown"
    message = "There is no such scope: {unknown}."


class ExpiryPassed(Invalid):
    code = "ExpiryPassed"
    message = "The key would have expired already."


def create_api_key(
    user: User,
    *,
    name: str,
    scopes: Collection[str],
    known_scopes: Collection[str],
    by_token: AccessToken,
    expires_at: datetime | None = None,
) -> tuple[AccessToken, str]:
    """A key and its secret, which nobody can read again. Its scopes never allow more than the user's role does."""
    _check_scopes(scopes, known_scopes)
    if expires_at is not None and expires_at <= now():
        raise ExpiryPassed(errors=[FieldError("json", "expires_at", ExpiryPassed.message)])
    # Two requests at once would both count one less than the limit. NO KEY: rows that point to the user do not wait.
    session().execute(select(User.id).where(User.id == user.id).with_for_update(key_share=True))
    require_live(by_token)
    if session().scalars(select(func.count()).where(*_keys_of(user))).one() >= MAX_KEYS:
        raise TooManyApiKeys(limit=MAX_KEYS)
    key, secret = issue_token(user, kind=API_KEY, name=name, scopes=sorted(set(scopes)), expires_at=expires_at)
    session().flush()
    note_security_change(user, API_KEY_CREATED, subject=name)
    return key, secret


def api_keys_of(user: User) -> Sequence[AccessToken]:
    """All of the user's keys, expired ones that were not purged yet included; the latest first."""
    return session().scalars(select(AccessToken).where(*_keys_of(user)).order_by(AccessToken.id.desc())).all()


def delete_api_key(user: User, key_id: int) -> None:
    """One of the user's own: it opens nothing from now on."""
    statement = delete(AccessToken).where(AccessToken.id == key_id, *_keys_of(user))
    if session().scalar(statement.returning(AccessToken.id)) is None:
        raise ApiKeyNotFound
    log.info("api_key_deleted", user_id=user.id, api_key_id=key_id)


def _check_scopes(scopes: Collection[str], known_scopes: Collection[str]) -> None:
    unknown = sorted(set(scopes) - set(known_scopes))
    if unknown:
        errors = [FieldError("json", f"scopes.{list(scopes).index(scope)}", "Unknown.") for scope in unknown]
        raise ScopeUnknown(errors=errors, unknown=", ".join(unknown), known=sorted(known_scopes))


def _keys_of(user: User) -> tuple[ColumnElement[bool], ...]:
    return AccessToken.user_id == user.id, AccessToken.kind == API_KEY
