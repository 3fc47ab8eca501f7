"""What beat does by the clock: purging what has expired."""

from datetime import timedelta
from typing import Any, cast

import structlog
from celery import shared_task
from flask import current_app
from sqlalchemy import delete

from shop.auth.access import idle_limits
from shop.auth.invitations import purge_invitations
from shop.auth.places import purge_places
from shop.auth.social_codes import purge_social_codes
from shop.auth.tokens import purge_tokens
from shop.db import now, session, transaction
from shop.http.idempotency import purge_idempotency_keys
from shop.outbox.models import OutboxEvent

log = structlog.get_logger()

KEEP_HANDLED_EVENTS = timedelta(days=7)


@shared_task(name="housekeeping.purge")  # type: ignore[untyped-decorator]
def purge() -> None:
    """Deletes what has expired, and events handled long ago. Twice at once does no harm."""
    tokens_unused = idle_limits(current_app.extensions["settings"])
    with transaction():
        log.info("purged", keys=purge_idempotency_keys(), tokens=purge_tokens(tokens_unused), events=_purge_events())
        purge_invitations()
        purge_social_codes()
        purge_places()


def _purge_events() -> int:
    return _rows(session().execute(delete(OutboxEvent).where(OutboxEvent.handled_at < now() - KEEP_HANDLED_EVENTS)))


def _rows(result: Any) -> int:
    return cast(int, result.rowcount)
