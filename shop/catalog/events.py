"""What the catalog announces."""

from dataclasses import dataclass
from typing import ClassVar

from shop.outbox.events import Event


@dataclass(frozen=True)
class PriceListReceived(Event):
    """A supplier's file has arrived and waits to be imported."""

    type: ClassVar[str] = "price_list.received"

    price_list_id: int
