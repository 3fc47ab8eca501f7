"""What follows from what happens to accounts: mails to their owners."""

from flask import current_app

from shop.auth.events import ConfirmationRequested, RegistrationRepeated, UserRegistered
from shop.auth.mails import ALREADY_REGISTERED, CONFIRM_EMAIL
from shop.auth.models import User
from shop.config import Settings
from shop.db import session
from shop.mail.queue import queue_mail
from shop.outbox.handling import handles


@handles(UserRegistered, name="auth.mail_confirmation")
def mail_confirmation(event: UserRegistered, event_id: int) -> None:
    """Mails the link that confirms the e-mail."""
    _queue_mail(CONFIRM_EMAIL, event.user_id, event_id)


@handles(ConfirmationRequested, name="auth.mail_confirmation_again")
def mail_confirmation_again(event: ConfirmationRequested, event_id: int) -> None:
    """Mails another such link."""
    _queue_mail(CONFIRM_EMAIL, event.user_id, event_id)


@handles(RegistrationRepeated, name="auth.mail_already_registered")
def mail_already_registered(event: RegistrationRepeated, event_id: int) -> None:
    """Tells the owner of the account that somebody tried to register it again."""
    _queue_mail(ALREADY_REGISTERED, event.user_id, event_id)


def _queue_mail(kind: str, user_id: int, event_id: int) -> None:
    settings: Settings = current_app.extensions["settings"]
    user = session().get_one(User, user_id)
    if user.closed_at is None:
        queue_mail(
            kind, to=user.email, locale=user.locale, event_id=event_id, domain=settings.mail_domain, user_id=user.id
        )
