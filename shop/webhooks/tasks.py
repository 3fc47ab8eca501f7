"""The tasks that deliver to webhooks and tell their owners when that has come to an end."""

from urllib.parse import urlsplit

from sqlalchemy import select

from shop.auth.models import User
from shop.config import current_settings
from shop.database import session, transaction
from shop.mail.queue import queue_mail
from shop.outbox.handler import finish, handles, handles_by_itself
from shop.webhooks.delivery import begin_attempt, note_attempt
from shop.webhooks.events import DeliveryDue, WebhookSwitchedOff
from shop.webhooks.mails import SWITCHED_OFF
from shop.webhooks.models import Webhook
from shop.webhooks.request import post

DELIVER = "webhooks.deliver"


@handles_by_itself(DeliveryDue, name=DELIVER)
def deliver(event: DeliveryDue, event_id: int) -> None:
    """One attempt. A crash before its end is noted sends the message again, under the same id."""
    settings = current_settings()
    with transaction():
        request = begin_attempt(event, settings)
        if request is None:
            finish(event_id, DELIVER)
    if request is None:
        return
    outcome = post(request, settings)
    with transaction():
        note_attempt(event, outcome, settings)
        finish(event_id, DELIVER)  # last, as above: two workers with the same message lock in the same order


@handles(WebhookSwitchedOff, name="webhooks.mail_switched_off")
def mail_switched_off(event: WebhookSwitchedOff, event_id: int) -> None:
    """Tells the company's owner who may log in, unless the webhook was deleted meanwhile."""
    settings = current_settings()
    webhook = session().get(Webhook, event.webhook_id)
    owner = webhook and session().scalar(
        select(User).where(User.company_id == webhook.company_id, User.is_owner, User.may_log_in)
    )
    if webhook and owner:
        queue_mail(
            SWITCHED_OFF,
            to=owner.email,
            locale=owner.locale,
            event_id=event_id,
            domain=settings.mail_domain,
            webhook_id=webhook.id,
            host=urlsplit(webhook.url).hostname,
            reason=event.reason,
        )
