"""The blueprint that all routes of accounts belong to, and how long the links in their mails hold."""

from datetime import timedelta

from shop.config import current_settings
from shop.http.blueprint import ApiBlueprint

MAIL_SENT = {"message": "A mail is on its way to this address. Open the link in it to go on."}

blueprint = ApiBlueprint(
    "auth", __name__, url_prefix="/api/v1/auth", description="Accounts, log-in, companies and delivery points"
)


def confirmation_lifetime() -> timedelta:
    return timedelta(hours=current_settings().confirmation_lifetime_hours)


def reset_lifetime() -> timedelta:
    return timedelta(minutes=current_settings().reset_lifetime_minutes)
