"""What beat does by the clock: purging what has expired."""

from datetime import timedelta
from typing import Any, cast

import structlog
from celery import shared_task
from sqlalchemy import delete

from shop.auth.models import AccessToken
from shop.db import now, session, transaction
from shop.http.idempotency import purge_idempotency_keys
from shop.outbox.models import OutboxEvent

log = structlog.get_logger()

KEEP_HANDLED_EVENTS = timedelta(days=7)


@shared_task(name="housekeeping.purge")  # type: ignore[untyped-decorator]
def purge() -> None:
    """Deletes expired tokens and idempotency keys, and events handled long ago. Twice at once does no harm."""
    with transaction():
        log.info("purged", keys=purge_idempotency_keys(), tokens=_purge_tokens(), events=_purge_events())


def _purge_tokens() -> int:
    return _rows(session().execute(delete(AccessToken).where(AccessToken.expires_at < now())))


def _purge_events() -> int:
    return _rows(session().execute(delete(OutboxEvent).where(OutboxEvent.handled_at < now() - KEEP_HANDLED_EVENTS)))


def _rows(result: Any) -> int:
    return cast(int, result.rowcount)
