"""Reading webhooks and their deliveries: a company's own, for a manager all."""

from collections.abc import Sequence

from sqlalchemy import ColumnElement, select, true
from sqlalchemy.orm import selectinload

from shop.auth.models import User
from shop.database import session
from shop.errors import NotFound
from shop.webhooks.models import Webhook, WebhookDelivery


class WebhookNotFound(NotFound):
    code = "WebhookNotFound"
    message = "There is no such webhook."


class DeliveryNotFound(NotFound):
    code = "DeliveryNotFound"
    message = "There is no such delivery."


def webhooks_of(by: User) -> Sequence[Webhook]:
    return session().scalars(select(Webhook).where(_is_visible(by)).order_by(Webhook.id)).all()


def find_webhook(webhook_id: int, *, by: User, lock: bool = False) -> Webhook:
    """Somebody else's looks like an unknown one."""
    statement = select(Webhook).where(Webhook.id == webhook_id, _is_visible(by))
    if lock:
        statement = statement.with_for_update().execution_options(populate_existing=True)
    webhook = session().scalar(statement)
    if webhook is None:
        raise WebhookNotFound
    return webhook


def find_delivery(delivery_id: int, webhook: Webhook) -> WebhookDelivery:
    """Locked after its webhook, with its log."""
    statement = (
        select(WebhookDelivery)
        .where(WebhookDelivery.id == delivery_id, WebhookDelivery.webhook_id == webhook.id)
        .options(selectinload(WebhookDelivery.log))
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    delivery = session().scalar(statement)
    if delivery is None:
        raise DeliveryNotFound
    return delivery


def page_of_deliveries(
    webhook: Webhook | None = None, *, state: str | None = None, before_id: int | None = None, limit: int
) -> Sequence[WebhookDelivery]:
    """The newest first, `limit` + 1, with their logs; without a webhook those of all companies, for managers."""
    statement = select(WebhookDelivery).options(selectinload(WebhookDelivery.log))
    if webhook is not None:
        statement = statement.where(WebhookDelivery.webhook_id == webhook.id)
    if state is not None:
        statement = statement.where(WebhookDelivery.state == state)
    if before_id is not None:
        statement = statement.where(WebhookDelivery.id < before_id)
    return session().scalars(statement.order_by(WebhookDelivery.id.desc()).limit(limit + 1)).all()


def _is_visible(by: User) -> ColumnElement[bool]:
    return true() if by.is_manager else Webhook.company_id == by.company_id
