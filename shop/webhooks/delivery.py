"""A delivery on its way: its turn, what leaves, what an attempt's end means for it and for the webhook.

Every queued delivery has an event in the outbox that is due at its next attempt. An attempt ends in one transaction:
its line in the log, what becomes of the delivery, and the event of the next attempt.
"""

import random
from datetime import datetime, timedelta

import orjson
import structlog
from sqlalchemy import func, select

from shop.auth.models import BLOCKED, Company
from shop.config import Settings
from shop.database import now, session
from shop.outbox.events import publish
from shop.webhooks.events import DeliveryDue
from shop.webhooks.models import (
    DELIVERED,
    FAILED,
    FAILING,
    GONE,
    QUEUED,
    Webhook,
    WebhookAttempt,
    WebhookDelivery,
)
from shop.webhooks.request import Outcome, Request
from shop.webhooks.secrets import sign
from shop.webhooks.subscriptions import switch_off

log = structlog.get_logger()

# After the first failed attempt, the second, … in all some 24 hours; then the delivery has failed.
PAUSES = (
    timedelta(seconds=5),
    timedelta(seconds=30),
    timedelta(minutes=2),
    timedelta(minutes=10),
    timedelta(minutes=30),
    timedelta(hours=1),
    timedelta(hours=2),
    timedelta(hours=4),
    timedelta(hours=6),
    timedelta(hours=10),
)
LEASE_BEYOND_TIMEOUT = timedelta(seconds=10)
MOST_AT_ONCE = 4  # per webhook: a slow receiver must not keep all workers from the others
SHORTEST_BUSY_PAUSE, LONGEST_BUSY_PAUSE = timedelta(seconds=5), timedelta(minutes=10)


def begin_attempt(event: DeliveryDue, settings: Settings) -> Request | None:
    """What to send; None where there is nothing to do now. The delivery is leased to the caller."""
    found = session().execute(
        select(WebhookDelivery, Webhook, Company.status)
        .join(Webhook, Webhook.id == WebhookDelivery.webhook_id)
        .join(Company, Company.id == Webhook.company_id)
        .where(WebhookDelivery.id == event.delivery_id)
        .with_for_update(of=WebhookDelivery)
        .execution_options(populate_existing=True)
    )
    row = found.one_or_none()
    if row is None or row[0].state != QUEUED or row[0].attempts != event.attempts:
        return None
    delivery, webhook, company_status = row
    if not webhook.active or company_status == BLOCKED:
        _end(delivery, FAILED)
        return None
    if delivery.leased_until and delivery.leased_until > now():
        schedule(delivery, at=delivery.leased_until)  # another worker is at it; if that one is dead, we come again
        return None
    if _under_way(webhook.id) >= MOST_AT_ONCE:
        schedule(delivery, at=now() + _busy_pause(delivery))
        return None
    delivery.leased_until = now() + timedelta(seconds=settings.webhook_timeout_seconds) + LEASE_BEYOND_TIMEOUT
    return _request(delivery, webhook, settings)


def note_attempt(event: DeliveryDue, outcome: Outcome, settings: Settings) -> None:
    """Locks the webhook, then the delivery. Of two workers that came to send the same, a success of either counts."""
    webhook = session().scalar(
        select(Webhook)
        .join(WebhookDelivery, WebhookDelivery.webhook_id == Webhook.id)
        .where(WebhookDelivery.id == event.delivery_id)
        .with_for_update(of=Webhook)
        .execution_options(populate_existing=True)
    )
    if webhook is None:
        return  # deleted meanwhile
    delivery = session().get_one(WebhookDelivery, event.delivery_id, with_for_update=True, populate_existing=True)
    _log(delivery, outcome)
    if outcome.error is None:
        webhook.failing_since = None
        if delivery.state == QUEUED:
            _end(delivery, DELIVERED)
    elif delivery.state == QUEUED and delivery.attempts == event.attempts:
        _note_failure(delivery, webhook, outcome, settings)


def schedule(delivery: WebhookDelivery, *, at: datetime) -> None:
    """The event's age counts from then, too: an attempt in ten hours is no event that nobody handles."""
    delivery.next_attempt_at = at
    event = publish(DeliveryDue(delivery_id=delivery.id, attempts=delivery.attempts))
    event.created_at = event.due_at = at


def _request(delivery: WebhookDelivery, webhook: Webhook, settings: Settings) -> Request:
    """The body of every attempt is the same, its time and signature are the attempt's."""
    at = now()
    content = {"type": delivery.event_type, "timestamp": delivery.occurred_at, "data": delivery.data}
    body = orjson.dumps(content)
    headers = {
        "Content-Type": "application/json",
        "User-Agent": "shop-webhooks/1",
        "webhook-id": delivery.message_id,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": sign(
            webhook.id, message_id=delivery.message_id, at=at, body=body, secret_key=settings.signing_key
        ),
    }
    return Request(webhook.url, headers, body)


def _under_way(webhook_id: int) -> int:
    """Those that workers are at just now; two workers that count at once may make it one more, which does no harm."""
    leased = (WebhookDelivery.webhook_id == webhook_id, WebhookDelivery.leased_until > now())
    return session().scalar(select(func.count()).select_from(WebhookDelivery).where(*leased)) or 0


def _busy_pause(delivery: WebhookDelivery) -> timedelta:
    """The longer it has waited the longer: thousands that queue for a slow receiver must not ask all the time."""
    waited = min((now() - delivery.created_at) / 10, LONGEST_BUSY_PAUSE)
    return max(waited, SHORTEST_BUSY_PAUSE) * random.uniform(0.5, 1.5)  # noqa: S311 - spreads load, hides nothing


def _note_failure(delivery: WebhookDelivery, webhook: Webhook, outcome: Outcome, settings: Settings) -> None:
    """Long failure is looked at when a message is given up: where messages are rare, one bad minute is none."""
    webhook.failing_since = webhook.failing_since or outcome.started_at
    delivery.attempts += 1
    is_given_up = delivery.attempts > len(PAUSES)
    if outcome.is_gone:
        switch_off(webhook, reason=GONE)
    elif is_given_up and now() - webhook.failing_since >= timedelta(days=settings.webhook_failing_days):
        switch_off(webhook, reason=FAILING)
    if is_given_up or not webhook.active:
        _end(delivery, FAILED)
        return
    delivery.leased_until = None
    pause = PAUSES[delivery.attempts - 1] * random.uniform(0.9, 1.1)  # noqa: S311 - spreads load, hides nothing
    schedule(delivery, at=now() + pause)


def _end(delivery: WebhookDelivery, state: str) -> None:
    delivery.state, delivery.finished_at = state, now()
    delivery.next_attempt_at = delivery.leased_until = None


def _log(delivery: WebhookDelivery, outcome: Outcome) -> None:
    session().add(
        WebhookAttempt(
            delivery_id=delivery.id,
            started_at=outcome.started_at,
            duration_ms=outcome.duration_ms,
            status=outcome.status,
            error=outcome.error,
        )
    )
    log.info(
        "webhook_attempted",
        webhook_id=delivery.webhook_id,
        delivery_id=delivery.id,
        attempts=delivery.attempts + 1,
        status=outcome.status,
        error=outcome.error,
        ms=outcome.duration_ms,
    )
