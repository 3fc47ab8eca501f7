"""Resending: a person has looked at a mail that was parked, or lost on the other side, and sends it off again."""

from collections.abc import Sequence

import structlog
from sqlalchemy import select

from shop.database import session
from shop.errors import Conflict, NotFound
from shop.mail.erasure import ERASED
from shop.mail.models import PARKED, QUEUED, MailMessage
from shop.mail.queue import publish_queued

log = structlog.get_logger()

AT_ONCE = 1000


class MailNotFound(NotFound):
    code = "MailNotFound"
    message = "There is no mail {mail_id} in the log."


class RecipientForgotten(Conflict):
    code = "RecipientForgotten"
    message = "The recipient of mail {mail_id} has closed the account; the log has forgotten the address."


def find_mail(mail_id: int) -> MailMessage:
    mail = session().get(MailMessage, mail_id, with_for_update=True, populate_existing=True)
    if mail is None:
        raise MailNotFound(mail_id=mail_id)
    return mail


def resend_mail(mail: MailMessage, *, by: int | None) -> None:
    """Queues it with all its patience, whatever became of it; `by` is the user's id, None for the command line.

    It is the same mail, with the same Message-ID: a mailbox that has it already may show it once.
    """
    _queue_again(mail, by=by)
    publish_queued([(mail.id, mail.kind)])


def resend_parked(*, by: int | None) -> int:
    """Parked mails, the oldest first, at most AT_ONCE of them; how many there were."""
    parked = select(MailMessage).where(MailMessage.state == PARKED, MailMessage.recipient != ERASED)
    some = parked.order_by(MailMessage.id).limit(AT_ONCE).with_for_update(skip_locked=True)
    mails: Sequence[MailMessage] = session().scalars(some).all()
    for mail in mails:
        _queue_again(mail, by=by)
    publish_queued([(mail.id, mail.kind) for mail in mails])
    return len(mails)


def _queue_again(mail: MailMessage, *, by: int | None) -> None:
    if mail.recipient == ERASED:
        raise RecipientForgotten(mail_id=mail.id)
    mail.state, mail.attempts, mail.last_error = QUEUED, 0, None
    log.info("mail_resent", mail_id=mail.id, kind=mail.kind, by=by)
