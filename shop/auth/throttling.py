"""How often accounts may be tried: log-ins, passwords and codes, and the mails that anybody can ask for."""

import hashlib
from collections.abc import Callable
from typing import Any, TypeVar, cast

from flask import Response

from shop.auth.known_addresses import is_known_place
from shop.auth.social.codes import email_behind
from shop.config import current_settings
from shop.http.requests import caller_id, typed
from shop.http.throttling import caller_address, limiter, stated

View = TypeVar("View", bound=Callable[..., Any])


def login_limit() -> str:
    return current_settings().throttle_login


def is_login_unlimited() -> bool:
    return not login_limit()


def login_key() -> str:
    """Account and address together: a stranger's failures do not lock the owner out at home."""
    return f"login:{caller_address()}:{_account()}"


def login_account_limit() -> str:
    return current_settings().throttle_login_account


def login_account_key() -> str:
    """The account alone: many addresses guess together."""
    return f"login-account:{_account()}"


def login_address_limit() -> str:
    return current_settings().throttle_login_address


def login_address_key() -> str:
    """The address alone: one password is tried on many accounts."""
    return f"login-address:{caller_address()}"


def reset_limit() -> str:
    return current_settings().throttle_reset


def is_reset_unlimited() -> bool:
    return is_login_unlimited() or not reset_limit()


def reset_key() -> str:
    return mailbox_key(stated("email"))


def mailbox_key(email: str) -> str:
    """The mailbox alone: what it got already works, so its owner is not locked out by who fills it.

    Many servers deliver a.nna+1@ and anna@ to the same one.
    """
    local_part, _, domain = _folded(email).rpartition("@")
    return f"reset:{_digest(local_part.partition('+')[0].replace('.', '') + '@' + domain)}"


def email_change_key() -> str:
    """Whoever names one foreign mailbox after the other as the new one."""
    return f"email-change:{caller_id()}"


def states_no_email() -> bool:
    return is_reset_unlimited() or not stated("email")


def password_key() -> str:
    """Whoever holds an open session and guesses the password or the code."""
    return f"password:{caller_id()}"


def _account() -> str:
    return _digest(_folded(stated("email")))


def _folded(email: str) -> str:
    """One text for all that finds the same account: whoever looks it up drops as much as here, or less.

    A capital İ is the one letter that some databases lower to a plain i and casefold() does not.
    """
    return typed(email).casefold().replace("i\N{COMBINING DOT ABOVE}", "i")


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode(errors="replace")).hexdigest()[:32]


def is_accepted(response: Response) -> bool:
    return response.status_code < 300


# Guessing passwords and filling mailboxes cost an attacker the same: each account has its count per address.
per_account = limiter.limit(login_limit, key_func=login_key, exempt_when=is_login_unlimited)

# Filling one mailbox from many addresses. Each way to do so counts by itself: who registers a foreign e-mail again and
# again must not keep its owner from asking for a new password.
per_mailbox = limiter.limit(reset_limit, key_func=reset_key, exempt_when=states_no_email, deduct_when=is_accepted)

# Guessing the password or a code from within an open session.
per_guesser = limiter.limit(login_limit, key_func=password_key, exempt_when=is_login_unlimited)


def per_log_in(view: View) -> View:
    """Three counts: account and address together, and failures of each alone.

    Guesses from everywhere at one account would lock its owner out, so that count leaves out the places where the
    owner got in before. A reset by mail makes a new one, so nobody is locked out for good. All ways to log in share
    these counts.
    """
    return cast(View, _tries_per_account(_failures_per_account(_failures_per_address(view))))


def per_email_change(view: View) -> View:
    """The new mailbox, and whoever names one mailbox after the other."""
    return cast(View, per_mailbox(_changes_per_user(view)))


def _is_failure(response: Response) -> bool:
    return response.status_code == 401


def _is_account_unlimited() -> bool:
    """Who names no account guesses at none: one count for all of those would let a stranger fill it for everybody."""
    if is_login_unlimited() or not login_account_limit() or not typed(stated("email")):
        return True
    return is_known_place(stated("email"), caller_address())


def _is_address_unlimited() -> bool:
    return is_login_unlimited() or not login_address_limit()


def _registered_mailbox_key() -> str:
    """The e-mail that the provider tells is not in the body."""
    return mailbox_key(stated("email") or email_behind(stated("code")) or "")


_changes_per_user = limiter.limit(
    reset_limit, key_func=email_change_key, exempt_when=states_no_email, deduct_when=is_accepted
)
_tries_per_account = limiter.shared_limit(
    login_limit, scope="log_in", key_func=login_key, exempt_when=is_login_unlimited
)
_failures_per_account = limiter.shared_limit(
    login_account_limit,
    scope="log_in",
    key_func=login_account_key,
    exempt_when=_is_account_unlimited,
    deduct_when=_is_failure,
)
_failures_per_address = limiter.shared_limit(
    login_address_limit,
    scope="log_in",
    key_func=login_address_key,
    exempt_when=_is_address_unlimited,
    deduct_when=_is_failure,
)

# As per_mailbox, where the e-mail may come from a provider.
per_registered_mailbox = limiter.limit(
    reset_limit, key_func=_registered_mailbox_key, exempt_when=is_reset_unlimited, deduct_when=is_accepted
)
