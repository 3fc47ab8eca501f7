"""How often a company may invite."""

from shop.auth.access import caller
from shop.auth.throttling import is_accepted, is_login_unlimited
from shop.config import current_settings
from shop.http.throttling import limiter


def invitation_limit() -> str:
    return current_settings().throttle_invitations


def _is_invitation_unlimited() -> bool:
    return is_login_unlimited() or not invitation_limit()


def _company_key() -> str:
    found = caller()
    return f"invitations:{found.company_id if found else None}"


# A company's invitations carry its name: nobody may advertise with them.
per_inviting_company = limiter.limit(
    invitation_limit, key_func=_company_key, exempt_when=_is_invitation_unlimited, deduct_when=is_accepted
)
