"""The task that delivers a queued mail."""

from flask import current_app

from shop.config import current_settings
from shop.db import claimed, transaction
from shop.mail.delivery import compose_mail, note_sent, note_trouble, send
from shop.mail.queue import MailQueued
from shop.outbox.handling import finish, handles_by_itself

DELIVER = "mail.deliver"


@handles_by_itself(MailQueued, name=DELIVER)
def deliver(event: MailQueued, event_id: int) -> None:
    """Sends one mail; while the mail server refuses it for now, the event stays open and comes again."""
    with claimed("mail", event.mail_id) as is_claimed:
        if is_claimed:  # otherwise another worker is at it; if that one dies, the event comes again
            _deliver(event.mail_id, event_id)


def _deliver(mail_id: int, event_id: int) -> None:
    """Only a crash between the server's OK and our note repeats a mail, under the same Message-ID."""
    settings = current_settings()
    try:
        with transaction():
            message = compose_mail(mail_id, settings, current_app.extensions["mail_look_ups"])
        if message is not None:
            send(message, settings)
        with transaction():
            if message is not None:
                note_sent(mail_id, message)
            finish(event_id, DELIVER)
    except Exception as error:  # whatever it is, it belongs into the log of mails, where a manager sees it
        with transaction():
            if note_trouble(mail_id, error, settings):
                finish(event_id, DELIVER)
