"""A company's owner subscribes addresses to what happens, changes them, and takes them off."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import structlog
from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError

from shop.auth.models import Company, User
from shop.companies.approval import find_company, require_owner
from shop.config import Settings
from shop.database import now, session, violated_constraint
from shop.errors import Conflict, FieldError, Invalid
from shop.http.addresses import is_public
from shop.http.outgoing import AddressRefused, check_url, is_allowed
from shop.outbox.events import publish
from shop.webhooks.event_types import event_types_for
from shop.webhooks.events import WebhookSwitchedOff
from shop.webhooks.models import PAUSED, Webhook
from shop.webhooks.secrets import add_secret, rotate_secret

log = structlog.get_logger()


class WebhookExists(Conflict):
    code = "WebhookExists"
    message = "Your company has a webhook at this address. Change that one."


class TooManyWebhooks(Conflict):
    code = "TooManyWebhooks"
    message = "A company may have {limit} webhooks. Delete one first."


class EventTypeUnknown(Invalid):
    code = "EventTypeUnknown"
    message = "Your company cannot ask for: {unknown}. It can for: {known}."


def subscribe(
    company: Company, *, url: str, event_types: Sequence[str], description: str, by: User, settings: Settings
) -> tuple[Webhook, str]:
    """The webhook and its secret. The company is locked, so that two at once do not exceed the limit."""
    require_owner(by)
    find_company(company.id, lock=True)
    count = session().scalar(select(func.count()).select_from(Webhook).filter_by(company_id=company.id))
    if (count or 0) >= settings.max_webhooks_per_company:
        raise TooManyWebhooks(limit=settings.max_webhooks_per_company)
    check_address(url, settings)
    webhook = Webhook(company_id=company.id, url=url, event_types=_known(event_types, company), description=description)
    session().add(webhook)
    _flush()
    log.info("webhook_created", webhook_id=webhook.id, company_id=company.id, by=by.id)
    return webhook, add_secret(webhook, secret_key=settings.signing_key)


def change_webhook(webhook: Webhook, *, company: Company, by: User, settings: Settings, **changes: Any) -> None:
    """`active` switches it on again, whatever switched it off, or off for a while; what is off misses events."""
    require_owner(by)
    if "url" in changes:
        check_address(changes["url"], settings)
    if "event_types" in changes:
        changes["event_types"] = _known(changes["event_types"], company)
    active = changes.pop("active", None)
    if active is not None and active != webhook.active:
        webhook.off_at, webhook.off_reason = (None, None) if active else (now(), PAUSED)
        webhook.failing_since = None
    if changes.get("url", webhook.url) != webhook.url:
        webhook.failing_since = None  # another receiver begins with a clean record
    for name, value in changes.items():
        setattr(webhook, name, value)
    _flush()
    log.info("webhook_changed", webhook_id=webhook.id, active=webhook.active, by=by.id)


def delete_webhook(webhook: Webhook, *, by: User) -> None:
    """With everything that waits for it, and its log."""
    require_owner(by)
    session().delete(webhook)
    log.info("webhook_deleted", webhook_id=webhook.id, by=by.id)


def rotate_webhook_secret(webhook: Webhook, *, by: User, settings: Settings) -> tuple[str, datetime]:
    require_owner(by)
    log.info("webhook_secret_rotated", webhook_id=webhook.id, by=by.id)
    return rotate_secret(webhook, secret_key=settings.signing_key)


def switch_off(webhook: Webhook, *, reason: str) -> None:
    """By the product itself; the company's owner gets a mail."""
    if webhook.active:
        webhook.off_at, webhook.off_reason = now(), reason
        publish(WebhookSwitchedOff(webhook_id=webhook.id, reason=reason))
        log.warning("webhook_switched_off", webhook_id=webhook.id, reason=reason)


def check_address(url: str, settings: Settings) -> None:
    """What can be said without looking the host up; whether it is public is checked where we connect to."""
    parts = check_url(url)
    if is_allowed(parts, settings.allowed_webhook_hosts):
        return
    if parts.scheme != "https":
        raise AddressRefused("A webhook's address must begin with https://.")
    try:
        is_inside = not is_public(parts.hostname or "")
    except ValueError:
        is_inside = False  # a name
    if is_inside:
        raise AddressRefused("A webhook's address must be on the public internet.")


def _known(event_types: Sequence[str], company: Company) -> list[str]:
    known = event_types_for(company.kind)
    unknown = ", ".join(each for each in event_types if each not in known)
    if unknown:
        refusal = EventTypeUnknown.message.format(unknown=unknown, known=", ".join(known))
        raise EventTypeUnknown(refusal, errors=[FieldError("json", "event_types", refusal)], known=known)
    return list(dict.fromkeys(event_types))


def _flush() -> None:
    try:
        session().flush()
    except IntegrityError as error:
        if violated_constraint(error) == "uq_webhooks_company_id_url":
            raise WebhookExists from None
        raise
