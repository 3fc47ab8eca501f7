"""Passwords: changed by who knows the present one, or set anew by who reads the account's mailbox."""

import hashlib
from collections.abc import Callable
from datetime import timedelta

from sqlalchemy import delete

from shop.auth.email_addresses import user_with_email
from shop.auth.events import PasswordResetRequested
from shop.auth.known_addresses import forget_places, note_place
from shop.auth.mailed_tokens import RESET_PASSWORD, LinkNotValid, Signed, read_link, sign_link
from shop.auth.models import SESSION, AccessToken, User
from shop.auth.passwords import check_password, hash_password, verify_password
from shop.auth.row_locks import lock_user
from shop.auth.security_notices import PASSWORD_CHANGED, PASSWORD_RESET, log, note_security_change
from shop.auth.social.codes import forget_codes
from shop.auth.social.models import SocialAccount
from shop.auth.tokens import end_tokens
from shop.database import give_back_connection, session
from shop.errors import FieldError, Forbidden
from shop.outbox.events import publish


class PasswordWrong(Forbidden):
    code = "PasswordWrong"
    message = "This is not your present password."


class FreshLogInNeeded(Forbidden):
    code = "FreshLogInNeeded"
    message = "Your account has no password. Log in with your provider again and repeat this within ten minutes."


def require_password(
    user: User,
    password: str | None,
    *,
    by_token: AccessToken,
    field: str = "password",
    lock: Callable[[User], User] = lock_user,
) -> None:
    """For what only the owner may do, not who found an open session.

    An account without a password has none to ask: there only a session does that was just opened at the provider.
    `lock` is taken after the slow hash, and what it finds must be what was checked.
    """
    checked = user.password_hash
    if checked is None and not by_token.is_fresh:
        log.warning("log_in_too_old", user_id=user.id)
        raise FreshLogInNeeded
    give_back_connection()
    is_proved = checked is None or (password is not None and verify_password(checked, password))
    if not is_proved or lock(user).password_hash != checked:
        log.warning("password_wrong", user_id=user.id)
        raise PasswordWrong(errors=[FieldError("json", field, PasswordWrong.message)])


def change_password(user: User, *, present: str | None, new: str, keep: AccessToken) -> None:
    """Ends all sessions but the one that asks; API keys live on, as programs do not know the password."""
    names = _own_names(user)
    give_back_connection()
    check_password(new, email=user.email, names=names, field="new_password")
    hashed = hash_password(new)  # slow, so before the lock that the proof takes
    require_password(user, present, by_token=keep, field="present_password")
    user.password_hash = hashed
    user.pending_email = None
    forget_codes(user)
    end_tokens(user, but=keep)
    note_security_change(user, PASSWORD_CHANGED)


def request_password_reset(email: str) -> None:
    """A mail, where the e-mail has an account. The same work where it has none, and nobody is told.

    The mail holds a link only where the address was proved: what a stranger registered is nobody's to keep.
    """
    user = user_with_email(email)
    publish(PasswordResetRequested(user_id=user.id if user else None))


def reset_token(user: User, email: str, *, secret_key: str) -> str:
    """For a link to that address; it works until the password or the e-mail changes, so once."""
    return sign_link(RESET_PASSWORD, Signed(user.id, _state(user, email)), secret_key=secret_key)


def user_to_reset(token: str, *, secret_key: str, lifetime: timedelta, lock: bool = False) -> User:
    """Whose password a link may set, without using it up; refuses with LinkNotValid."""
    signed = read_link(RESET_PASSWORD, token, secret_key=secret_key, lifetime=lifetime)
    locked = {"key_share": True} if lock else None
    user = session().get(User, signed.user_id, with_for_update=locked, populate_existing=lock)
    if user is None or user.closed_at or not user.email_confirmed_at or _state(user, user.email) != signed.state:
        raise LinkNotValid
    return user


def reset_password(
    token: str,
    *,
    password: str,
    secret_key: str,
    lifetime: timedelta,
    opened_from: str | None = None,
    end_api_keys: bool = False,
) -> User:
    """Sets the password and ends every session.

    Identities at providers that were linked before the first proof of the mailbox go, too: whoever registered a foreign
    address may have linked them. `end_api_keys` drops all of them, and the keys, of an account that a stranger has been
    in. Who was let out by a flood of guesses gets in from this place.
    """
    user = user_to_reset(token, secret_key=secret_key, lifetime=lifetime)
    give_back_connection()
    check_password(password, email=user.email, names=_own_names(user))
    hashed = hash_password(password)  # slow, so before the lock
    user = user_to_reset(token, secret_key=secret_key, lifetime=lifetime, lock=True)
    forget_codes(user)  # first: a linking that is being finished is waited for, and then dropped with the others
    end_tokens(user, kind=None if end_api_keys else SESSION)
    linked = delete(SocialAccount).where(SocialAccount.user_id == user.id)
    if not end_api_keys:
        linked = linked.where(SocialAccount.linked_at < user.email_confirmed_at)
    session().execute(linked)
    forget_places(user)
    note_place(user, opened_from)
    user.password_hash = hashed
    user.pending_email = None
    note_security_change(user, PASSWORD_RESET)
    return user


def _own_names(user: User) -> tuple[str, ...]:
    """What a password must not be made of."""
    return user.first_name, user.last_name, user.company.name if user.company else ""


def _state(user: User, email: str) -> str:
    """The hash has a random salt of its own: its digest tells nothing about the password, and never comes twice."""
    return hashlib.sha256(f"{email.casefold()}\n{user.password_hash}".encode()).hexdigest()[:32]
