"""Mails about accounts. Their links are made at delivery: neither the outbox nor the log of mails holds one."""

from typing import Any
from urllib.parse import urlencode

from shop.auth.accounts import confirmation_token
from shop.auth.invitations import invitation_token
from shop.auth.models import Company, Invitation, User
from shop.auth.password_changes import reset_token
from shop.auth.profile import email_change_token
from shop.config import Settings
from shop.db import session
from shop.mail.content import Facts
from shop.mail.models import MailMessage

CONFIRM_EMAIL = "confirm_email"
ALREADY_REGISTERED = "already_registered"
RESET_PASSWORD = "reset_password"  # noqa: S105 - a kind of mail
REGISTER_AGAIN = "register_again"
CONFIRM_EMAIL_CHANGE = "confirm_email_change"
EMAIL_CHANGE_NOTICE = "email_change_notice"
EMAIL_CHANGED = "email_changed"
SECURITY_NOTICE = "security_notice"
INVITATION = "invitation"
COMPANY_MOVED = "company_moved"


def confirm_email(mail: MailMessage, settings: Settings) -> Facts:
    """No name, no company: who registered chose them, and may be a stranger who wants to say something to the owner.

    A registration that was dropped meanwhile brings a link that does not work.
    """
    user = session().get(User, mail.context["user_id"])
    token = confirmation_token(user, mail.recipient, secret_key=settings.signing_key) if user else ""
    return Facts(_link(settings, "confirm-email", token) | {"hours": settings.confirmation_lifetime_hours})


def reset_password(mail: MailMessage, settings: Settings) -> Facts:
    user = session().get_one(User, mail.context["user_id"])
    token = reset_token(user, mail.recipient, secret_key=settings.signing_key)
    return Facts(_link(settings, "reset-password", token) | {"minutes": settings.reset_lifetime_minutes})


def confirm_email_change(mail: MailMessage, settings: Settings) -> Facts:
    user = session().get_one(User, mail.context["user_id"])
    token = email_change_token(user, mail.recipient, secret_key=settings.signing_key)
    return Facts(_link(settings, "confirm-email-change", token) | {"hours": settings.confirmation_lifetime_hours})


def notice(mail: MailMessage, settings: Settings) -> Facts:
    """Of mails that name nobody and nothing: who caused them may be a stranger with a message."""
    return Facts({"shop": settings.base_url})


def security_notice(mail: MailMessage, settings: Settings) -> Facts:
    return Facts({"shop": settings.base_url, "what": mail.context["what"], "subject": mail.context["subject"]})


def invitation(mail: MailMessage, settings: Settings) -> Facts:
    """An invitation taken back meanwhile brings a link that does not work."""
    found = session().get(Invitation, mail.context["invitation_id"])
    token = invitation_token(found, secret_key=settings.signing_key) if found else ""
    company = session().get_one(Company, mail.context["company_id"]).name
    hours = settings.invitation_lifetime_hours
    return Facts(_link(settings, "accept-invitation", token) | {"company": company, "hours": hours})


def company_moved(mail: MailMessage, settings: Settings) -> Facts:
    company = session().get_one(Company, mail.context["company_id"])
    status = mail.context["status"]
    reason = company.status_reason if company.status == status else None
    return Facts({"shop": settings.base_url, "company": company.name, "status": status, "reason": reason})


def _link(settings: Settings, page: str, token: str) -> dict[str, Any]:
    link = f"{settings.base_url.rstrip('/')}/{page}?{urlencode({'token': token})}"
    return {"shop": settings.base_url, "link": link}
