"""Webhooks and deliveries to them."""

from collections.abc import Sequence
from itertools import count
from typing import Any

from shop.auth.models import User
from shop.database import now, session
from shop.webhooks.event_types import event_types_for
from shop.webhooks.models import Webhook, WebhookAttempt, WebhookDelivery
from shop.webhooks.secrets import add_secret
from tests import factories
from tests.factories import committed

_numbers = count(1)


@committed
def make_webhook(owner: User, *, url: str = "", event_types: Sequence[str] = (), **others: Any) -> Webhook:
    """Of the owner's company, for all types of events that it can ask for."""
    company = session().merge(owner).company
    assert company
    webhook = Webhook(
        company_id=company.id,
        url=url or f"https://receiver.example/{next(_numbers)}",
        event_types=list(event_types or event_types_for(company.kind)),
        **others,
    )
    session().add(webhook)
    session().flush()
    add_secret(webhook, secret_key=factories.app.extensions["settings"].signing_key)
    return webhook


@committed
def make_delivery(webhook: Webhook, *, attempts: int = 0, **others: Any) -> WebhookDelivery:
    values: dict[str, Any] = {"event_type": "order.placed", "data": {}, "state": "delivered", "message_id": "msg_1"}
    delivery = WebhookDelivery(webhook_id=webhook.id, occurred_at=now(), **(values | others))
    delivery.log = [WebhookAttempt(started_at=now(), duration_ms=1, status=500) for _ in range(attempts)]
    session().add(delivery)
    return delivery
