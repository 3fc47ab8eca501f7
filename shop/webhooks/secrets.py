"""Secrets of webhooks: shown once, kept sealed, rotated without a moment in which the receiver cannot verify."""

import secrets
from base64 import b64encode
from datetime import datetime, timedelta

from sqlalchemy import or_, select
from standardwebhooks import Webhook as Signer

from shop.database import now, session
from shop.encryption import seal, unseal
from shop.webhooks.models import Webhook, WebhookSecret

PREFIX = "whsec_"
PURPOSE = "shop.webhooks"
OLD_SECRET_SIGNS_FOR = timedelta(hours=24)
MOST_SECRETS = 5  # a rotation whose answer was lost is repeated: what the receiver has must go on working


def add_secret(webhook: Webhook, *, secret_key: str) -> str:
    """A new secret and from now on the one that stays; nobody can read it again."""
    secret = PREFIX + b64encode(secrets.token_bytes(32)).decode()
    sealed = seal(secret, purpose=PURPOSE, secret_key=secret_key)
    session().add(WebhookSecret(webhook_id=webhook.id, sealed=sealed))
    return secret


def rotate_secret(webhook: Webhook, *, secret_key: str) -> tuple[str, datetime]:
    """The new secret, and until when the old one signs beside it. The caller holds the webhook's lock."""
    until = now() + OLD_SECRET_SIGNS_FOR
    of_webhook = select(WebhookSecret).filter_by(webhook_id=webhook.id).order_by(WebhookSecret.id.desc())
    for place, secret in enumerate(session().scalars(of_webhook)):
        if place >= MOST_SECRETS - 1 or (secret.expires_at and secret.expires_at <= now()):
            session().delete(secret)
        elif secret.expires_at is None:
            secret.expires_at = until
    return add_secret(webhook, secret_key=secret_key), until


def sign(webhook_id: int, *, message_id: str, at: datetime, body: bytes, secret_key: str) -> str:
    """One signature per secret that counts, the newest first; empty after SECRET_KEY has changed."""
    counts = or_(WebhookSecret.expires_at.is_(None), WebhookSecret.expires_at > now())
    found = session().scalars(
        select(WebhookSecret.sealed)
        .where(WebhookSecret.webhook_id == webhook_id, counts)
        .order_by(WebhookSecret.id.desc())
    )
    opened = [unseal(sealed, purpose=PURPOSE, secret_key=secret_key) for sealed in found]
    return " ".join(Signer(secret).sign(message_id, at, body.decode()) for secret in opened if secret)
