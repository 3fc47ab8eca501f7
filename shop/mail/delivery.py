"""Delivery of one mail: sent, or tried again later, or parked with the reason for a person to look at."""

import contextlib
import smtplib
import ssl
from email.message import EmailMessage

import structlog

from shop.config import Settings
from shop.db import now, session
from shop.mail.content import LookUps, compose
from shop.mail.forgetting import forget_if_last_trace
from shop.mail.models import PARKED, QUEUED, SENT, MailMessage

log = structlog.get_logger()


def compose_mail(mail_id: int, settings: Settings, look_ups: LookUps) -> EmailMessage | None:
    """The message to send; None when the mail is not waiting to be sent any more."""
    mail = session().get(MailMessage, mail_id)
    return compose(mail, settings, look_ups) if mail is not None and mail.state == QUEUED else None


def send(message: EmailMessage, settings: Settings) -> None:
    """Talks to the mail server, outside of any transaction; returns once the server has taken the message.

    What goes wrong after that, such as an odd answer to QUIT, would only make us send it twice.
    """
    smtp = smtplib.SMTP(settings.smtp_host, settings.smtp_port, timeout=settings.smtp_timeout_seconds)
    try:
        if settings.smtp_starttls:
            smtp.starttls(context=ssl.create_default_context())
        if settings.smtp_user:
            smtp.login(settings.smtp_user, settings.smtp_password.get_secret_value())
        smtp.send_message(message)
        with contextlib.suppress(smtplib.SMTPException, OSError):
            smtp.quit()
    finally:
        smtp.close()


def note_sent(mail_id: int, message: EmailMessage) -> None:
    mail = session().get_one(MailMessage, mail_id, with_for_update=True)
    mail.state, mail.sent_at, mail.subject, mail.last_error = SENT, now(), message["Subject"], None
    mail.attempts += 1
    forget_if_last_trace(mail)
    log.info("mail_sent", mail_id=mail.id, kind=mail.kind, message_id=mail.message_id)


def note_trouble(mail_id: int, error: Exception, settings: Settings) -> bool:
    """Counts a failed attempt; True when nothing is left to do: the refusal is final, or patience is at an end."""
    mail = session().get_one(MailMessage, mail_id, with_for_update=True)
    if mail.state != QUEUED:
        return True
    mail.attempts += 1
    mail.last_error = f"{type(error).__name__}: {error}"[:2000]
    if _is_final(error) or mail.attempts >= settings.outbox_max_attempts:
        mail.state = PARKED
        log.error("mail_parked", mail_id=mail.id, kind=mail.kind, error=mail.last_error)
        forget_if_last_trace(mail)
    else:
        log.warning("mail_delayed", mail_id=mail.id, kind=mail.kind, attempts=mail.attempts, error=mail.last_error)
    return mail.state == PARKED


def _is_final(error: Exception) -> bool:
    """A 5xx about this recipient or this content. Trouble with the sender or our log-in is not the mail's fault."""
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        return all(code >= 500 for code, _ in error.recipients.values())
    return isinstance(error, smtplib.SMTPDataError) and error.smtp_code >= 500
