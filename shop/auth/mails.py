"""Mails about accounts. Their links are made at delivery: neither the outbox nor the log of mails holds one."""

from typing import Any
from urllib.parse import urlencode

from shop.auth.accounts import confirmation_token
from shop.auth.models import User
from shop.auth.password_changes import reset_token
from shop.auth.profile import email_change_token
from shop.config import Settings
from shop.database import session
from shop.mail.content import Facts
from shop.mail.kinds import mail_kind
from shop.mail.models import MailMessage

CONFIRM_EMAIL = "confirm_email"
ALREADY_REGISTERED = "already_registered"
RESET_PASSWORD = "reset_password"  # noqa: S105 - a kind of mail
REGISTER_AGAIN = "register_again"
CONFIRM_EMAIL_CHANGE = "confirm_email_change"
EMAIL_CHANGE_NOTICE = "email_change_notice"
EMAIL_CHANGED = "email_changed"
SECURITY_NOTICE = "security_notice"


@mail_kind(CONFIRM_EMAIL, goes_first=True)
def confirm_email(mail: MailMessage, settings: Settings) -> Facts:
    """No name, no company: who registered chose them, and may be a stranger who wants to say something to the owner.

    A registration that was dropped meanwhile brings a link that does not work.
    """
    user = session().get(User, mail.context["user_id"])
    token = confirmation_token(user, mail.recipient, secret_key=settings.signing_key) if user else ""
    return Facts(page_link(settings, "confirm-email", token) | {"hours": settings.confirmation_lifetime_hours})


@mail_kind(RESET_PASSWORD, goes_first=True)
def reset_password(mail: MailMessage, settings: Settings) -> Facts:
    user = session().get_one(User, mail.context["user_id"])
    token = reset_token(user, mail.recipient, secret_key=settings.signing_key)
    return Facts(page_link(settings, "reset-password", token) | {"minutes": settings.reset_lifetime_minutes})


@mail_kind(CONFIRM_EMAIL_CHANGE, goes_first=True)
def confirm_email_change(mail: MailMessage, settings: Settings) -> Facts:
    user = session().get_one(User, mail.context["user_id"])
    token = email_change_token(user, mail.recipient, secret_key=settings.signing_key)
    return Facts(page_link(settings, "confirm-email-change", token) | {"hours": settings.confirmation_lifetime_hours})


@mail_kind(ALREADY_REGISTERED, goes_first=True)
@mail_kind(REGISTER_AGAIN, goes_first=True)
@mail_kind(EMAIL_CHANGE_NOTICE, goes_first=True)
@mail_kind(EMAIL_CHANGED, goes_first=True)
def notice(mail: MailMessage, settings: Settings) -> Facts:
    """Of mails that name nobody and nothing: who caused them may be a stranger with a message."""
    return Facts({"shop": settings.base_url})


@mail_kind(SECURITY_NOTICE, goes_first=True)
def security_notice(mail: MailMessage, settings: Settings) -> Facts:
    return Facts({"shop": settings.base_url, "what": mail.context["what"], "subject": mail.context["subject"]})


def page_link(settings: Settings, page: str, token: str) -> dict[str, Any]:
    link = f"{settings.base_url.rstrip('/')}/{page}?{urlencode({'token': token})}"
    return {"shop": settings.base_url, "link": link}
