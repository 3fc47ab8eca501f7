"""The log of deliveries does not grow for ever."""

from datetime import datetime

from shop.database import delete_some
from shop.webhooks.models import QUEUED, WebhookDelivery


def purge_deliveries(*, before: datetime) -> int:
    """A batch of old ones, with their attempts; what still waits to be sent stays."""
    return delete_some(WebhookDelivery, (WebhookDelivery.created_at < before) & (WebhookDelivery.state != QUEUED))
