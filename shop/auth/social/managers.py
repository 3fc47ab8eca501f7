"""Managers come in by a provider: linked accounts only, at the desk only, and with their second factor."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import structlog

from shop.auth.models import AccessToken, User
from shop.auth.second_factor import OtpRequired, OtpWrong, check_second_factor
from shop.auth.social.codes import identity_of, make_code, use_code
from shop.auth.social.identities import account_of, check_may_log_in
from shop.auth.social.models import LOG_IN, SocialCode
from shop.auth.tokens import issue_token
from shop.errors import Forbidden

log = structlog.get_logger()

HALF_WAY_LIFETIME = timedelta(minutes=5)  # to find the phone, and the code in it


class NotLinked(Forbidden):
    code = "NotLinked"
    message = "Nobody here is linked to this identity. Log in with your password, and link it on your own page."


class ForManagers(Forbidden):
    code = "ForManagers"
    message = "Only managers log in here."


@dataclass(frozen=True)
class HalfWay:
    """The provider has said who it is; `code` is for the second try, with a code of the app of this account."""

    code: str
    email: str
    refusal: OtpRequired | OtpWrong


def log_in_manager(
    secret: str, *, verifier: str, email: str, otp: str | None, secret_key: str, session_facts: dict[str, Any]
) -> tuple[AccessToken, str] | HalfWay:
    """Never makes an account and never links one. The code must have been asked for with this verifier's challenge.

    `otp` counts only together with the account's own `email`, by which its tries are limited, as with a password.
    """
    code = use_code(secret, LOG_IN, verifier=verifier)
    account = account_of(identity_of(code))
    if account is None:
        log.warning("social_login_refused", provider=code.provider, reason=NotLinked.code)
        raise NotLinked
    user = account.user
    if not user.is_manager:
        log.warning("admin_refused", user_id=user.id, provider=code.provider)
        raise ForManagers
    check_may_log_in(account)
    is_counted = email.strip().casefold() == user.email.casefold()
    try:
        check_second_factor(user, otp if is_counted else None, secret_key=secret_key)
    except (OtpRequired, OtpWrong) as refusal:
        return _half_way(code, user, refusal)
    log.info("logged_in", user_id=user.id, provider=code.provider)
    return issue_token(user, **session_facts)


def _half_way(code: SocialCode, user: User, refusal: OtpRequired | OtpWrong) -> HalfWay:
    _, secret = make_code(
        LOG_IN,
        provider=code.provider,
        lifetime=HALF_WAY_LIFETIME,
        identity=identity_of(code),
        challenge=code.challenge,
    )
    return HalfWay(secret, user.email, refusal)
