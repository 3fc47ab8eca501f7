"""Erasing somebody from the log of mails."""

from sqlalchemy import String, cast, func, or_, update

from shop.database import session
from shop.mail.models import QUEUED, MailMessage

ERASED = "erased@closed.invalid"


def forget_recipient(email: str, *, user_id: int) -> None:
    """All that went to this address, or to any other on account of this user.

    Mails still on their way keep their recipient until they are delivered: an invoice that was promised arrives.
    """
    is_theirs = or_(
        func.lower(MailMessage.recipient) == func.lower(email), MailMessage.context["user_id"].as_integer() == user_id
    )
    marked = update(MailMessage).where(is_theirs, MailMessage.state == QUEUED)
    session().execute(marked.values(is_last_trace=True))
    erased = update(MailMessage).where(is_theirs, MailMessage.state != QUEUED)
    key = func.concat("erased:", cast(MailMessage.id, String))
    session().execute(erased.values(recipient=ERASED, dedupe_key=key, last_error=None))


def forget_if_last_trace(mail: MailMessage) -> None:
    """Nothing is left to be done about the mail: was it all that still knew its recipient?"""
    if mail.is_last_trace:
        mail.recipient, mail.dedupe_key, mail.last_error = ERASED, f"erased:{mail.id}", None
