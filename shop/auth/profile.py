"""The profile: names, position, language; and the e-mail, which changes only after the new mailbox has answered."""

import hashlib
from datetime import timedelta
from typing import Any

from sqlalchemy import delete
from sqlalchemy.exc import IntegrityError

from shop.auth.account_control import AccountClosed
from shop.auth.accounts import UNIQUE_EMAIL, EmailTaken, drop_unproved
from shop.auth.email_addresses import clean_email, has_owner
from shop.auth.events import EmailChanged, EmailChangeRequested
from shop.auth.known_addresses import forget_places
from shop.auth.mailed_tokens import CHANGE_EMAIL, LinkNotValid, Signed, read_link, sign_link
from shop.auth.models import AccessToken, User
from shop.auth.password_changes import require_password
from shop.auth.row_locks import lock_user
from shop.auth.security_notices import EMAIL_CHANGED, log, note_security_change
from shop.auth.social.codes import forget_codes
from shop.auth.social.models import SocialAccount
from shop.auth.tokens import end_tokens
from shop.database import now, session, violated_constraint
from shop.outbox.events import publish


def change_profile(
    user: User, *, by_token: AccessToken, email: str | None = None, password: str | None = None, **names: Any
) -> None:
    """Sets what is given. Another e-mail takes effect when the link mailed to it is opened; it needs the password."""
    for name, value in names.items():
        setattr(user, name, value)
    if email is not None:
        require_password(user, password, by_token=by_token)
        _ask_for_email(user, clean_email(email))
    log.info("profile_changed", user_id=user.id, fields=sorted(names))


def email_change_token(user: User, new_email: str, *, secret_key: str) -> str:
    """For a link to the new address; bound to both and to this request, so it works once and dies with the next."""
    return sign_link(CHANGE_EMAIL, Signed(user.id, _state(user, new_email)), secret_key=secret_key)


def user_changing_email(token: str, *, secret_key: str, lifetime: timedelta, lock: bool = False) -> User:
    """Whose e-mail a link changes, without using it up; refuses with LinkNotValid."""
    signed = read_link(CHANGE_EMAIL, token, secret_key=secret_key, lifetime=lifetime)
    locked = {"key_share": True} if lock else None
    user = session().get(User, signed.user_id, with_for_update=locked, populate_existing=lock)
    if user is None or user.closed_at or not user.pending_email or _state(user, user.pending_email) != signed.state:
        raise LinkNotValid
    return user


def confirm_email_change(token: str, *, secret_key: str, lifetime: timedelta) -> User:
    """The new address becomes the user's. Only its owner hears here that it has an account of its own meanwhile."""
    user = user_changing_email(token, secret_key=secret_key, lifetime=lifetime, lock=True)
    _set_email(user, user.pending_email or user.email)
    return user


def give_account_back(user: User, email: str) -> None:
    """For operators who have made sure who is asking: the account is that of this mailbox now, and open to nobody.

    Whoever had it loses password, sessions, keys, identities at providers and known places; a reset mailed to the new
    address lets the owner in. A second factor stays. Refuses with EmailTaken.
    """
    email = clean_email(email)
    user = lock_user(user)
    if user.closed_at is not None:
        raise AccountClosed
    _set_email(user, email)
    user.email_confirmed_at, user.password_hash = now(), None
    forget_codes(user)
    end_tokens(user, kind=None)
    forget_places(user)
    session().execute(delete(SocialAccount).where(SocialAccount.user_id == user.id))


def can_be_mailed_about_change(user: User) -> bool:
    """An address that has an owner already gets no link: it could not be used."""
    return user.pending_email is not None and not has_owner(user.pending_email)


def _ask_for_email(user: User, email: str) -> None:
    if email.casefold() == user.email.casefold():
        user.pending_email = None
        return
    user.pending_email, user.pending_email_since = email, now()
    publish(EmailChangeRequested(user_id=user.id))
    log.info("email_change_requested", user_id=user.id)


def _set_email(user: User, email: str) -> None:
    """The old address hears of it, too."""
    old_email = user.email
    drop_unproved(email, but=user)
    try:
        with session().begin_nested():
            user.email, user.pending_email = email, None
    except IntegrityError as error:
        if violated_constraint(error) != UNIQUE_EMAIL:
            raise
        raise EmailTaken from None
    note_security_change(user, EMAIL_CHANGED)
    publish(EmailChanged(user_id=user.id, old_email=old_email))


def _state(user: User, new_email: str) -> str:
    """The addresses alone would come again when somebody changes back and forth.

    A digest, as the link can be read: it may go to a stranger's mailbox, who is not to learn the present address.
    """
    facts = f"{user.email.casefold()}\n{new_email.casefold()}\n{user.pending_email_since}"
    return hashlib.sha256(facts.encode()).hexdigest()[:32]
