"""The values that notices name are those of the things they are about."""

from shop.orders import models as orders
from shop.price_lists import models as price_lists
from shop.webhooks import event_types


def test_notices_name_the_states_and_kinds_that_there_are() -> None:
    assert event_types.PART_STATES == orders.STATES
    assert event_types.DOCUMENT_KINDS == (orders.INVOICE, orders.CORRECTION)
    assert event_types.PRICE_LIST_STATES == price_lists.STATES
    assert event_types.PRICE_LIST_MODES == price_lists.MODES
