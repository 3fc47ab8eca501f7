"""The tasks that deliver queued mails."""

from email.message import EmailMessage

from shop.config import Settings, current_settings
from shop.database import claimed_some, transaction
from shop.mail.delivery import compose_mails, note_sent, note_trouble
from shop.mail.queue import MailQueued, MailsQueued
from shop.mail.smtp import server
from shop.outbox.handler import finish, handles_by_itself

DELIVER, DELIVER_ALL = "mail.deliver", "mail.deliver_all"


@handles_by_itself(MailQueued, name=DELIVER)
def deliver(event: MailQueued, event_id: int) -> None:
    """Sends the mail of an account; while the server refuses it for now, the event stays open and comes again."""
    _deliver([event.mail_id], event_id, DELIVER)


@handles_by_itself(MailsQueued, name=DELIVER_ALL)
def deliver_all(event: MailsQueued, event_id: int) -> None:
    """Sends other mails; those that the server refuses for now come again with the event."""
    _deliver(event.mail_ids, event_id, DELIVER_ALL)


def _deliver(mail_ids: list[int], event_id: int, task: str) -> None:
    """Only a crash between the server's OK and our note repeats a mail, under the same Message-ID."""
    settings = current_settings()
    with claimed_some("mail", mail_ids) as ours:
        with transaction():
            mails = list(compose_mails(ours, settings))
        is_done = [_sent(mail_id, message, settings) for mail_id, message in mails]
    if len(ours) == len(mail_ids) and all(is_done):  # else another worker is at some, or they are tried again
        with transaction():
            finish(event_id, task)


def _sent(mail_id: int, message: EmailMessage | Exception, settings: Settings) -> bool:
    """Whether nothing is left to do. Whatever goes wrong belongs into the log of mails, where a manager sees it."""
    try:
        if isinstance(message, Exception):
            raise message
        server.send(message, settings)
        with transaction():
            note_sent(mail_id, message)
    except Exception as error:
        with transaction():
            return note_trouble(mail_id, error, settings)
    return True
