"""Delivery of a mail: sent, or tried again later, or parked with the reason for a person to look at."""

import smtplib
from collections.abc import Iterator, Sequence
from email.message import EmailMessage

import structlog
from sqlalchemy import select, text

from shop.config import Settings
from shop.database import session
from shop.mail.content import Facts, compose
from shop.mail.erasure import ERASED, forget_if_last_trace
from shop.mail.kinds import facts_of
from shop.mail.models import PARKED, QUEUED, MailMessage

log = structlog.get_logger()

NOTE_SENT = text("""
UPDATE mail_messages
SET state = 'sent', sent_at = now(), subject = :subject, last_error = NULL, attempts = attempts + 1,
    recipient = CASE WHEN is_last_trace THEN :erased ELSE recipient END,
    dedupe_key = CASE WHEN is_last_trace THEN 'erased:' || id ELSE dedupe_key END
WHERE id = :mail_id RETURNING kind, message_id
""")


def compose_mails(mail_ids: Sequence[int], settings: Settings) -> Iterator[tuple[int, EmailMessage | Exception]]:
    """Of those that still wait to be sent the message, or why there is none."""
    waiting = select(MailMessage).where(MailMessage.id.in_(mail_ids), MailMessage.state == QUEUED)
    mails = session().scalars(waiting.order_by(MailMessage.id)).all()
    held: list[Facts] = []  # so that the session keeps what one mail has loaded for the next one about the same thing
    for mail in mails:
        try:
            held.append(facts_of(mail, settings))
            yield mail.id, compose(mail, held[-1], settings)
        except Exception as error:  # the others are to leave all the same
            yield mail.id, error


def note_sent(mail_id: int, message: EmailMessage) -> None:
    """At once, in a transaction of its own: what is noted is not sent again, whatever happens to us."""
    values = {"mail_id": mail_id, "subject": message["Subject"], "erased": ERASED}
    for mail in session().connection().execute(NOTE_SENT, values):
        log.info("mail_sent", mail_id=mail_id, kind=mail.kind, message_id=mail.message_id)


def note_trouble(mail_id: int, error: Exception, settings: Settings) -> bool:
    """Counts a failed attempt; True when nothing is left to do: the refusal is final, or patience is at an end."""
    mail = session().get_one(MailMessage, mail_id, with_for_update=True, populate_existing=True)
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
