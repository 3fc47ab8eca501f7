"""What beat does by the clock: purging what has expired, and of logs what is old."""

from collections.abc import Callable
from datetime import timedelta

import structlog
from celery import shared_task

from shop.auth.access import idle_limits
from shop.auth.known_addresses import purge_places
from shop.auth.social.codes import purge_social_codes
from shop.auth.tokens import purge_tokens
from shop.companies.invitations import purge_invitations
from shop.config import Settings, current_settings
from shop.database import PURGE_BATCH, delete_some, now, transaction
from shop.http.idempotency import purge_idempotency_keys
from shop.mail.purge import purge_mails
from shop.outbox.models import OutboxEvent
from shop.price_lists.purge import discard_dry_runs, purge_files
from shop.webhooks.purge import purge_deliveries

log = structlog.get_logger()

KEEP_HANDLED_EVENTS = timedelta(days=7)
KEEP_DRY_RUNS = timedelta(days=7)

# Each deletes a batch and says how many rows that were.
PURGES: dict[str, Callable[[Settings], int]] = {
    "idempotency_keys": lambda _: purge_idempotency_keys(),
    "tokens": lambda settings: purge_tokens(idle_limits(settings)),
    "invitations": lambda _: purge_invitations(),
    "social_codes": lambda _: purge_social_codes(),
    "places": lambda _: purge_places(),
    "events": lambda _: delete_some(OutboxEvent, OutboxEvent.handled_at < now() - KEEP_HANDLED_EVENTS),
    "mails": lambda settings: purge_mails(
        sent_before=now() - timedelta(days=settings.mail_log_days),
        parked_before=now() - timedelta(days=settings.mail_parked_days),
    ),
    "price_list_files": lambda settings: purge_files(before=now() - timedelta(days=settings.price_list_file_days)),
    "dry_runs": lambda _: discard_dry_runs(before=now() - KEEP_DRY_RUNS),
    "webhook_deliveries": lambda settings: purge_deliveries(
        before=now() - timedelta(days=settings.webhook_deliveries_kept_days)
    ),
}


@shared_task(name="housekeeping.purge")  # type: ignore[untyped-decorator]
def purge() -> None:
    """Deletes what has expired, and what is older than the settings keep it. Twice at once does no harm."""
    settings = current_settings()
    purged = {name: _batch_by_batch(story, settings) for name, story in PURGES.items()}
    log.info("purged", **purged)


def _batch_by_batch(story: Callable[[Settings], int], settings: Settings) -> int:
    total = 0
    while True:
        with transaction():
            deleted = story(settings)
        total += deleted
        if deleted < PURGE_BATCH:
            return total
