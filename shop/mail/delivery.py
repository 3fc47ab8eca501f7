"""Delivery of one mail: sent, or tried again later, or parked with the reason for a person to look at."""

import smtplib
import ssl

import structlog

from shop.config import Settings
from shop.db import now, session
from shop.mail.content import LookUps, compose
from shop.mail.models import PARKED, QUEUED, SENT, MailMessage

log = structlog.get_logger()


def deliver_mail(mail_id: int, settings: Settings, look_ups: LookUps) -> None:
    """Sends the mail if it is still to be sent; raises what SMTP raises.

    The row is locked until the caller commits, so two workers cannot send the same mail at the same time. Only a crash
    between the server's OK and our commit repeats it, under the same Message-ID.
    """
    mail = session().get(MailMessage, mail_id, with_for_update=True)
    if mail is None or mail.state != QUEUED:
        return
    message = compose(mail, settings, look_ups)
    with _connection(settings) as smtp:
        smtp.send_message(message)
    mail.state, mail.sent_at, mail.subject, mail.last_error = SENT, now(), message["Subject"], None
    mail.attempts += 1
    log.info("mail_sent", mail_id=mail.id, kind=mail.kind, message_id=mail.message_id)


def note_trouble(mail_id: int, error: Exception, settings: Settings) -> bool:
    """Counts a failed attempt; True when the mail is parked, because the refusal is final or patience is at an end."""
    mail = session().get_one(MailMessage, mail_id, with_for_update=True)
    mail.attempts += 1
    mail.last_error = f"{type(error).__name__}: {error}"[:2000]
    if _is_final(error) or mail.attempts >= settings.outbox_max_attempts:
        mail.state = PARKED
        log.error("mail_parked", mail_id=mail.id, kind=mail.kind, error=mail.last_error)
    else:
        log.warning("mail_delayed", mail_id=mail.id, kind=mail.kind, attempts=mail.attempts, error=mail.last_error)
    return mail.state == PARKED


def _connection(settings: Settings) -> smtplib.SMTP:
    smtp = smtplib.SMTP(settings.smtp_host, settings.smtp_port, timeout=settings.smtp_timeout_seconds)
    try:
        if settings.smtp_starttls:
            smtp.starttls(context=ssl.create_default_context())
        if settings.smtp_user:
            smtp.login(settings.smtp_user, settings.smtp_password.get_secret_value())
    except BaseException:
        smtp.close()
        raise
    return smtp


def _is_final(error: Exception) -> bool:
    """A 5xx about this mail or its recipient; trouble with our own log-in is not the mail's fault."""
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        return all(code >= 500 for code, _ in error.recipients.values())
    if isinstance(error, smtplib.SMTPAuthenticationError | smtplib.SMTPConnectError | smtplib.SMTPHeloError):
        return False
    return isinstance(error, smtplib.SMTPResponseException) and error.smtp_code >= 500
