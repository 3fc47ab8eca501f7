"""What happens when a price list has arrived."""

from flask import current_app

from shop.catalog.events import PriceListReceived
from shop.catalog.price_lists import importing
from shop.outbox.handling import handles_by_itself


@handles_by_itself(PriceListReceived, name=importing.TASK)
def import_price_list(event: PriceListReceived, event_id: int) -> None:
    """Reads the file in the worker, never in the web; see `importing` for crashes and order."""
    importing.import_price_list(event.price_list_id, current_app.extensions["settings"], event_id=event_id)
