"""announce(): promises what happened to every webhook of the companies concerned that wants to hear of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import uuid4

from sqlalchemy import Row, select
from sqlalchemy.dialects.postgresql import insert

from shop.auth.models import BLOCKED, Company
from shop.database import now, session
from shop.outbox.events import publish
from shop.outbox.models import OutboxEvent
from shop.webhooks.event_types import TEST
from shop.webhooks.events import DeliveryDue
from shop.webhooks.models import Webhook, WebhookDelivery


@dataclass(frozen=True)
class Notice:
    """What one company may know of an event: one of event_types(), and `data` of its schema, ready for JSON."""

    company_id: int
    event_type: str
    data: dict[str, Any]


def announce(notices: Sequence[Notice], *, event_id: int) -> None:
    """Once per event, type and webhook, however often it is called for the event."""
    wanted = _webhooks_of({notice.company_id for notice in notices})
    if not wanted:
        return
    occurred_at = session().execute(select(OutboxEvent.created_at).where(OutboxEvent.id == event_id)).scalar_one()
    rows = [
        _row(webhook.id, notice.event_type, notice.data, occurred_at) | {"event_id": event_id}
        for notice in notices
        for webhook in wanted
        if webhook.company_id == notice.company_id and notice.event_type in webhook.event_types
    ]
    if rows:
        statement = insert(WebhookDelivery).values(rows).on_conflict_do_nothing()
        for delivery_id in session().scalars(statement.returning(WebhookDelivery.id)).all():
            publish(DeliveryDue(delivery_id=delivery_id, attempts=0))


def announce_test(webhook: Webhook) -> WebhookDelivery:
    """To this webhook alone, whatever it asks for."""
    delivery = WebhookDelivery(**_row(webhook.id, TEST, {"webhook_id": webhook.id}, now()), log=[])
    session().add(delivery)
    session().flush()
    publish(DeliveryDue(delivery_id=delivery.id, attempts=0))
    return delivery


def _webhooks_of(company_ids: set[int]) -> Sequence[Row[int, int, list[str]]]:
    statement = (
        select(Webhook.id, Webhook.company_id, Webhook.event_types)
        .join(Company, Company.id == Webhook.company_id)
        .where(Webhook.company_id.in_(company_ids), Webhook.off_at.is_(None), Company.status != BLOCKED)
    )
    return session().execute(statement.order_by(Webhook.id)).all()


def _row(webhook_id: int, event_type: str, data: dict[str, Any], occurred_at: datetime) -> dict[str, Any]:
    """The message's id is random: a number would tell how much others trade."""
    return {
        "webhook_id": webhook_id,
        "message_id": f"msg_{uuid4().hex}",
        "event_type": event_type,
        "occurred_at": occurred_at,
        "data": data,
        "next_attempt_at": now(),
    }
