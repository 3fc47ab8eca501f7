"""Sending again what was delivered or given up, and trying out a webhook."""

from shop.auth.models import User
from shop.companies.approval import require_owner
from shop.database import now
from shop.errors import Conflict
from shop.webhooks.delivery import schedule
from shop.webhooks.enqueue import announce_test
from shop.webhooks.models import QUEUED, Webhook, WebhookDelivery


class WebhookOff(Conflict):
    code = "WebhookOff"
    message = "This webhook is switched off. Switch it on first: PATCH it with active true."


def try_webhook(webhook: Webhook, *, by: User) -> WebhookDelivery:
    _require_may(webhook, by)
    return announce_test(webhook)


def redeliver(delivery: WebhookDelivery, webhook: Webhook, *, by: User) -> None:
    """Now, under the same message id; one that waits for its next attempt does not wait any longer.

    For a manager, too. The caller holds the delivery's lock. An event of the outbox that this makes stale finds so.
    """
    _require_may(webhook, by)
    if delivery.state != QUEUED:
        delivery.state, delivery.attempts, delivery.finished_at = QUEUED, 0, None
    schedule(delivery, at=now())


def _require_may(webhook: Webhook, by: User) -> None:
    if not by.is_manager:
        require_owner(by)
    if not webhook.active:
        raise WebhookOff
