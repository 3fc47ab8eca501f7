"""What happens to orders, for those who must hear of it."""

from dataclasses import dataclass
from typing import ClassVar

from shop.outbox.events import Event


@dataclass(frozen=True)
class OrderPlaced(Event):
    type: ClassVar[str] = "order.placed"
    order_id: int


@dataclass(frozen=True)
class PartConfirmed(Event):
    """A supplier's part was confirmed and its invoice numbered: the mail about it is the invoice mail."""

    type: ClassVar[str] = "supplier_order.confirmed"
    supplier_order_id: int
    invoice_id: int


@dataclass(frozen=True)
class PartCorrected(Event):
    """Less was shipped than the invoice says: a numbered correction refers to it."""

    type: ClassVar[str] = "supplier_order.corrected"
    supplier_order_id: int
    invoice_id: int


@dataclass(frozen=True)
class PartMoved(Event):
    """Any other change of a part's state."""

    type: ClassVar[str] = "supplier_order.moved"
    supplier_order_id: int
    to_state: str
