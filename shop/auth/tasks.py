"""What follows from what happens to accounts: mails to their owners."""

from typing import Any

from shop.auth import mails
from shop.auth.events import (
    ConfirmationRequested,
    EmailChanged,
    EmailChangeRequested,
    PasswordResetRequested,
    RegistrationRepeated,
    SecurityChanged,
    UserRegistered,
)
from shop.auth.models import User
from shop.auth.profile import can_be_mailed_about_change
from shop.config import current_settings
from shop.database import session
from shop.mail.queue import queue_mail
from shop.outbox.handler import handles


@handles(UserRegistered, name="auth.mail_confirmation")
def mail_confirmation(event: UserRegistered, event_id: int) -> None:
    """Mails the link that confirms the e-mail."""
    mail_user(mails.CONFIRM_EMAIL, event.user_id, event_id)


@handles(ConfirmationRequested, name="auth.mail_confirmation_again")
def mail_confirmation_again(event: ConfirmationRequested, event_id: int) -> None:
    """Mails another such link."""
    mail_user(mails.CONFIRM_EMAIL, event.user_id, event_id)


@handles(RegistrationRepeated, name="auth.mail_already_registered")
def mail_already_registered(event: RegistrationRepeated, event_id: int) -> None:
    """Tells the owner of the account that somebody tried to register it again."""
    mail_user(mails.ALREADY_REGISTERED, event.user_id, event_id)


@handles(PasswordResetRequested, name="auth.mail_password_reset")
def mail_password_reset(event: PasswordResetRequested, event_id: int) -> None:
    """Mails the link to set a new password; where nobody has proved the address, how to register it anew."""
    user = session().get(User, event.user_id) if event.user_id else None
    is_proved = user is not None and user.email_confirmed_at is not None
    mail_user(mails.RESET_PASSWORD if is_proved else mails.REGISTER_AGAIN, event.user_id, event_id)


@handles(EmailChangeRequested, name="auth.mail_email_change")
def mail_email_change(event: EmailChangeRequested, event_id: int) -> None:
    """Mails the link to the new address, and a notice to the old one."""
    user = session().get_one(User, event.user_id)
    if can_be_mailed_about_change(user):
        mail_user(mails.CONFIRM_EMAIL_CHANGE, user.id, event_id, to=user.pending_email)
    mail_user(mails.EMAIL_CHANGE_NOTICE, user.id, event_id)


@handles(EmailChanged, name="auth.mail_email_changed")
def mail_email_changed(event: EmailChanged, event_id: int) -> None:
    """Tells the old address, too: a reset would be mailed to the new one."""
    mail_user(mails.EMAIL_CHANGED, event.user_id, event_id, to=event.old_email)


@handles(SecurityChanged, name="auth.mail_security_notice")
def mail_security_notice(event: SecurityChanged, event_id: int) -> None:
    """Tells the owner what was done to the account."""
    mail_user(mails.SECURITY_NOTICE, event.user_id, event_id, what=event.what, subject=event.subject)


def mail_user(kind: str, user_id: int | None, event_id: int, *, to: str | None = None, **context: Any) -> None:
    """To the user, or to another address of the user's; to nobody where there is no user, or not any more."""
    # FOR SHARE: either the account is closed first and gets nothing, or closing it finds the mail.
    user = session().get(User, user_id, with_for_update={"read": True}) if user_id is not None else None
    if user is not None and user.closed_at is None:
        queue_mail(
            kind,
            to=to or user.email,
            locale=user.locale,
            event_id=event_id,
            domain=current_settings().mail_domain,
            user_id=user.id,
            **context,
        )
