"""Webhooks over HTTP: for the owner of a company, or a key of the owner's."""

from typing import Any

import marshmallow as ma
from flask import url_for

from shop.auth.access import current_company, current_user, only
from shop.auth.models import BUYER, SUPPLIER
from shop.companies.approval import OwnerOnly, require_owner
from shop.config import current_settings
from shop.database import transaction
from shop.http.blueprint import LOCATION, ApiBlueprint, refuses
from shop.http.outgoing import AddressRefused
from shop.http.pagination import BadCursor, cursor_id, make_cursor, page_of, read_cursor
from shop.webhooks import queries, redelivery, subscriptions
from shop.webhooks.models import Webhook, WebhookDelivery
from shop.webhooks.queries import DeliveryNotFound, WebhookNotFound
from shop.webhooks.redelivery import WebhookOff
from shop.webhooks.schemas import (
    ChangeWebhookSchema,
    CreatedWebhookSchema,
    CreateWebhookSchema,
    DeliveriesArgsSchema,
    DeliveriesSchema,
    DeliverySchema,
    RotatedSecretSchema,
    WebhookSchema,
    WebhooksSchema,
)
from shop.webhooks.subscriptions import EventTypeUnknown, TooManyWebhooks, WebhookExists

READ, WRITE = "webhooks:read", "webhooks:write"
SHOWN = tuple(WebhookSchema().fields)

blueprint = ApiBlueprint(
    "webhooks", __name__, url_prefix="/api/v1/webhooks", description="Your systems hear of what happens, signed"
)


@blueprint.route("", methods=["GET"])
@only(BUYER, SUPPLIER, scope=READ)
@refuses(OwnerOnly)
@blueprint.response(200, WebhooksSchema)
def list_webhooks() -> dict[str, Any]:
    """List your company's webhooks; for its owner

    All on one page, with those that are off and why. Secrets are never shown again.
    """
    require_owner(current_user())
    return {"items": queries.webhooks_of(current_user()), "next_cursor": None}


@blueprint.route("", methods=["POST"])
@only(BUYER, SUPPLIER, scope=WRITE)
@refuses(OwnerOnly, AddressRefused, EventTypeUnknown, TooManyWebhooks, WebhookExists)
@blueprint.arguments(CreateWebhookSchema)
@blueprint.response(201, CreatedWebhookSchema, headers=LOCATION)
def create_webhook(body: dict[str, Any]) -> tuple[dict[str, Any], int, dict[str, str]]:
    """Subscribe an address to events; for your company's owner

    The secret that verifies the messages (Standard Webhooks) is shown this once.
    """
    with transaction():
        settings = current_settings()
        webhook, secret = subscriptions.subscribe(current_company(), by=current_user(), settings=settings, **body)
        location = url_for("webhooks.show_webhook", webhook_id=webhook.id)
        return {name: getattr(webhook, name) for name in SHOWN} | {"secret": secret}, 201, {"Location": location}


@blueprint.route("/<id:webhook_id>", methods=["GET"])
@only(BUYER, SUPPLIER, scope=READ)
@refuses(OwnerOnly, WebhookNotFound)
@blueprint.response(200, WebhookSchema)
def show_webhook(webhook_id: int) -> Webhook:
    """See one of your company's webhooks; for its owner

    Since when it fails, if it does, and why it is off, if it is.
    """
    require_owner(current_user())
    return queries.find_webhook(webhook_id, by=current_user())


@blueprint.route("/<id:webhook_id>", methods=["PATCH"])
@only(BUYER, SUPPLIER, scope=WRITE)
@refuses(OwnerOnly, WebhookNotFound, AddressRefused, EventTypeUnknown, WebhookExists)
@blueprint.arguments(ChangeWebhookSchema)
@blueprint.response(200, WebhookSchema)
def change_webhook(body: dict[str, Any], webhook_id: int) -> Webhook:
    """Change a webhook, switch it off for a while, or on again; for the owner

    What happened while it was off is not sent later. Another address begins anew, with nothing of the old one's
    failures.
    """
    with transaction():
        webhook = queries.find_webhook(webhook_id, by=current_user(), lock=True)
        company, settings = current_company(), current_settings()
        subscriptions.change_webhook(webhook, company=company, by=current_user(), settings=settings, **body)
        return webhook


@blueprint.route("/<id:webhook_id>", methods=["DELETE"])
@only(BUYER, SUPPLIER, scope=WRITE)
@refuses(OwnerOnly, WebhookNotFound)
@blueprint.response(204)
def delete_webhook(webhook_id: int) -> None:
    """Delete a webhook with its log; for the owner

    What waits for it is not sent any more.
    """
    with transaction():
        subscriptions.delete_webhook(queries.find_webhook(webhook_id, by=current_user(), lock=True), by=current_user())


@blueprint.route("/<id:webhook_id>/test", methods=["POST"])
@only(BUYER, SUPPLIER, scope=WRITE)
@refuses(OwnerOnly, WebhookNotFound, WebhookOff)
@blueprint.response(202, DeliverySchema)
def try_webhook(webhook_id: int) -> WebhookDelivery:
    """Send a message of the type webhook.test; for the owner

    The deliveries say what became of it, a moment later.
    """
    with transaction():
        webhook = queries.find_webhook(webhook_id, by=current_user(), lock=True)
        return redelivery.try_webhook(webhook, by=current_user())


@blueprint.route("/<id:webhook_id>/rotate-secret", methods=["POST"])
@only(BUYER, SUPPLIER, scope=WRITE)
@refuses(OwnerOnly, WebhookNotFound)
@blueprint.response(200, RotatedSecretSchema)
def rotate_webhook_secret(webhook_id: int) -> dict[str, Any]:
    """Get a new secret, shown this once

    For 24 hours the old one signs beside it, so that the receiver can change over at any moment.
    """
    with transaction():
        webhook = queries.find_webhook(webhook_id, by=current_user(), lock=True)
        secret, until = subscriptions.rotate_webhook_secret(webhook, by=current_user(), settings=current_settings())
        return {"secret": secret, "old_secret_expires_at": until}


@blueprint.route("/<id:webhook_id>/deliveries", methods=["GET"])
@only(BUYER, SUPPLIER, scope=READ)
@refuses(OwnerOnly, WebhookNotFound, BadCursor)
@blueprint.arguments(DeliveriesArgsSchema, location="query", unknown=ma.RAISE)
@blueprint.response(200, DeliveriesSchema)
def list_webhook_deliveries(args: dict[str, Any], webhook_id: int) -> dict[str, Any]:
    """What was sent to a webhook, the newest first; for the owner

    With every attempt: when, how long, and what was answered. `state=failed` are those that were given up.
    """
    require_owner(current_user())
    webhook = queries.find_webhook(webhook_id, by=current_user())
    [before_id] = read_cursor(args["cursor"], scope="webhook-deliveries", types=[cursor_id]) or [None]
    found = queries.page_of_deliveries(webhook, state=args["state"], before_id=before_id, limit=args["limit"])
    page, cursor = page_of(found, limit=args["limit"], cursor_of=_cursor)
    return {"items": page, "next_cursor": cursor}


@blueprint.route("/<id:webhook_id>/deliveries/<id:delivery_id>/redeliver", methods=["POST"])
@only(BUYER, SUPPLIER, scope=WRITE)
@refuses(OwnerOnly, WebhookNotFound, DeliveryNotFound, WebhookOff)
@blueprint.response(202, DeliverySchema)
def redeliver(webhook_id: int, delivery_id: int) -> WebhookDelivery:
    """Send a message again; for the owner

    Under the same webhook-id: now, and then like a new one until it is taken.
    """
    with transaction():
        webhook = queries.find_webhook(webhook_id, by=current_user(), lock=True)
        delivery = queries.find_delivery(delivery_id, webhook)
        redelivery.redeliver(delivery, webhook, by=current_user())
        return delivery


def _cursor(delivery: WebhookDelivery) -> str:
    return make_cursor(scope="webhook-deliveries", key=[delivery.id])
