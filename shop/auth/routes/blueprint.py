"""The blueprint that all routes of accounts belong to, and how often they may be tried."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any, TypeVar, cast

from flask import Response

from shop.auth.access import caller
from shop.auth.known_addresses import is_known_place
from shop.auth.social.codes import email_behind
from shop.config import current_settings
from shop.http.blueprint import ApiBlueprint
from shop.http.requests import typed
from shop.http.throttling import (
    caller_address,
    email_change_key,
    invitation_limit,
    is_login_unlimited,
    is_reset_unlimited,
    limiter,
    login_account_key,
    login_account_limit,
    login_address_key,
    login_address_limit,
    login_key,
    login_limit,
    mailbox_key,
    password_key,
    reset_key,
    reset_limit,
    stated,
    states_no_email,
)

View = TypeVar("View", bound=Callable[..., Any])

MAIL_SENT = {"message": "A mail is on its way to this address. Open the link in it to go on."}

blueprint = ApiBlueprint(
    "auth", __name__, url_prefix="/api/v1/auth", description="Accounts, log-in, companies and delivery points"
)


def _is_accepted(response: Response) -> bool:
    return response.status_code < 300


# Guessing passwords and filling mailboxes cost an attacker the same: each account has its count per address.
per_account = limiter.limit(login_limit, key_func=login_key, exempt_when=is_login_unlimited)

# Filling one mailbox from many addresses. Each way to do so counts by itself: who registers a foreign e-mail again and
# again must not keep its owner from asking for a new password.
per_mailbox = limiter.limit(reset_limit, key_func=reset_key, exempt_when=states_no_email, deduct_when=_is_accepted)

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


def confirmation_lifetime() -> timedelta:
    return timedelta(hours=current_settings().confirmation_lifetime_hours)


def reset_lifetime() -> timedelta:
    return timedelta(minutes=current_settings().reset_lifetime_minutes)


def invitation_lifetime() -> timedelta:
    return timedelta(hours=current_settings().invitation_lifetime_hours)


def _is_failure(response: Response) -> bool:
    return response.status_code == 401


def _is_account_unlimited() -> bool:
    """Who names no account guesses at none: one count for all of those would let a stranger fill it for everybody."""
    if is_login_unlimited() or not login_account_limit() or not typed(stated("email")):
        return True
    return is_known_place(stated("email"), caller_address())


def _is_address_unlimited() -> bool:
    return is_login_unlimited() or not login_address_limit()


def _is_invitation_unlimited() -> bool:
    return is_login_unlimited() or not invitation_limit()


def _company_key() -> str:
    found = caller()
    return f"invitations:{found.company_id if found else None}"


def _registered_mailbox_key() -> str:
    """The e-mail that the provider tells is not in the body."""
    return mailbox_key(stated("email") or email_behind(stated("code")) or "")


_changes_per_user = limiter.limit(
    reset_limit, key_func=email_change_key, exempt_when=states_no_email, deduct_when=_is_accepted
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

# A company's invitations carry its name: nobody may advertise with them.
per_company = limiter.limit(
    invitation_limit, key_func=_company_key, exempt_when=_is_invitation_unlimited, deduct_when=_is_accepted
)

# As per_mailbox, where the e-mail may come from a provider.
per_registered_mailbox = limiter.limit(
    reset_limit, key_func=_registered_mailbox_key, exempt_when=is_reset_unlimited, deduct_when=_is_accepted
)
