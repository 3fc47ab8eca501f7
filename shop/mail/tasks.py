"""The task that delivers a queued mail."""

from flask import current_app

from shop.config import Settings
from shop.db import transaction
from shop.mail.delivery import deliver_mail, note_trouble
from shop.mail.queue import MailQueued
from shop.outbox.handling import finish, handles_by_itself

DELIVER = "mail.deliver"


@handles_by_itself(MailQueued, name=DELIVER)
def deliver(event: MailQueued, event_id: int) -> None:
    """Sends one mail; while the mail server refuses it for now, the event stays open and comes again."""
    settings: Settings = current_app.extensions["settings"]
    try:
        with transaction():
            deliver_mail(event.mail_id, settings, current_app.extensions["mail_look_ups"])
            finish(event_id, DELIVER)
    except Exception as error:  # whatever it is, it belongs into the log of mails, where a manager sees it
        with transaction():
            if note_trouble(event.mail_id, error, settings):
                finish(event_id, DELIVER)
