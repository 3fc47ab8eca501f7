"""What happens when a price list has arrived, was approved, waits for its supplier, or is due to be fetched."""

import structlog
from celery import shared_task

from shop.catalog.events import (
    PriceListApplied,
    PriceListApproved,
    PriceListFailed,
    PriceListHeld,
    PriceListReceived,
    VatTermsChanged,
)
from shop.config import current_settings
from shop.database import session, transaction
from shop.outbox.handler import handles, handles_by_itself
from shop.price_lists import mails
from shop.price_lists.arriving import fetch
from shop.price_lists.imports import pipeline, vat_terms
from shop.price_lists.mails import mail_supplier
from shop.price_lists.models import APPLIED, FAILED, HELD, PriceList
from shop.price_lists.webhook_payloads import list_notices
from shop.webhooks.enqueue import announce

log = structlog.get_logger()


@handles_by_itself(PriceListReceived, name=pipeline.TASK)
def import_price_list(event: PriceListReceived, event_id: int) -> None:
    """Reads the file in the worker, never in the web; see `importing` for crashes and order."""
    pipeline.import_price_list(event.price_list_id, current_settings(), event_id=event_id)


@handles_by_itself(PriceListApproved, name=pipeline.DECISIONS)
def apply_decisions(event: PriceListApproved, event_id: int) -> None:
    """Applies a held list, or rows of a list, as somebody has decided."""
    pipeline.apply_decisions(event.price_list_id, current_settings(), event_id=event_id)


@handles_by_itself(VatTermsChanged, name=vat_terms.TASK)
def follow_vat_terms(event: VatTermsChanged, event_id: int) -> None:
    """Brings the prices to compare up to what a supplier's prices mean now."""
    vat_terms.follow_vat_terms(event.supplier_id, event_id=event_id)


@handles(PriceListHeld, name="catalog.mail_held_price_list")
def mail_held_price_list(event: PriceListHeld, event_id: int) -> None:
    """Asks the supplier to look at a list that is held; one that was only tried is looked at by who has tried it."""
    if not session().get_one(PriceList, event.price_list_id).is_dry_run:
        mail_supplier(mails.HELD, event.price_list_id, event_id=event_id, settings=current_settings())


@handles(PriceListFailed, name="catalog.mail_failed_price_list")
def mail_failed_price_list(event: PriceListFailed, event_id: int) -> None:
    """Tells the supplier why a list could not be imported; once, where the clock brings the same failure again."""
    if not fetch.fails_again(session().get_one(PriceList, event.price_list_id)):
        mail_supplier(mails.FAILED, event.price_list_id, event_id=event_id, settings=current_settings())


@handles(PriceListApplied, name="catalog.notify_applied")
def notify_applied(event: PriceListApplied, event_id: int) -> None:
    """Tells the supplier's webhooks that a list is in the catalog."""
    announce(list_notices(event.price_list_id, APPLIED), event_id=event_id)


@handles(PriceListHeld, name="catalog.notify_held")
def notify_held(event: PriceListHeld, event_id: int) -> None:
    """Tells the supplier's webhooks that a list waits for somebody to look at it."""
    announce(list_notices(event.price_list_id, HELD), event_id=event_id)


@handles(PriceListFailed, name="catalog.notify_failed")
def notify_failed(event: PriceListFailed, event_id: int) -> None:
    """Tells the supplier's webhooks that a list could not be imported."""
    announce(list_notices(event.price_list_id, FAILED), event_id=event_id)


@shared_task(name="catalog.fetch_due_price_lists")  # type: ignore[untyped-decorator]
def fetch_due_price_lists() -> None:
    """Beat's: queues the lists that suppliers want fetched at this hour. Twice at once does no harm."""
    with transaction():
        queued = fetch.fetch_due_price_lists()
    if queued:
        log.info("price_lists_due", queued=queued)
