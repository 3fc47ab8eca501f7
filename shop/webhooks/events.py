"""What webhooks announce to the rest of the product."""

from dataclasses import dataclass
from typing import ClassVar

from shop.outbox.events import Event


@dataclass(frozen=True)
class DeliveryDue(Event):
    """It is time for another attempt; `attempts` is how many the delivery's round has seen, else this is stale."""

    type: ClassVar[str] = "webhook.delivery_due"
    delivery_id: int
    attempts: int


@dataclass(frozen=True)
class WebhookSwitchedOff(Event):
    """A receiver is gone or has failed for too long."""

    type: ClassVar[str] = "webhook.switched_off"
    webhook_id: int
    reason: str
