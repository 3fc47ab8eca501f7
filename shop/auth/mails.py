"""Mails about accounts. Their links are made at delivery: neither the outbox nor the log of mails holds one."""

from typing import Any
from urllib.parse import urlencode

from shop.auth.accounts import confirmation_token
from shop.auth.models import User
from shop.config import Settings
from shop.db import session
from shop.mail.content import Facts
from shop.mail.models import MailMessage

CONFIRM_EMAIL = "confirm_email"
ALREADY_REGISTERED = "already_registered"


def confirm_email(mail: MailMessage, settings: Settings) -> Facts:
    """No name, no company: who registered chose them, and may be a stranger who wants to say something to the owner."""
    return Facts(_confirmation(mail, settings))


def already_registered(mail: MailMessage, settings: Settings) -> Facts:
    """For an account that was never confirmed the mail brings a new link: the first one may be lost."""
    user = session().get_one(User, mail.context["user_id"])
    return Facts({**_confirmation(mail, settings), "confirmed": user.email_confirmed_at is not None})


def _confirmation(mail: MailMessage, settings: Settings) -> dict[str, Any]:
    """The link is bound to the address that this mail goes to, whatever the user's address is by now."""
    token = confirmation_token(mail.context["user_id"], mail.recipient, secret_key=settings.signing_key)
    return {
        "shop": settings.base_url,
        "link": f"{settings.base_url.rstrip('/')}/confirm-email?{urlencode({'token': token})}",
        "hours": settings.confirmation_lifetime_hours,
    }
