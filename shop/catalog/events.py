"""What the catalog announces."""

from dataclasses import dataclass
from typing import ClassVar

from shop.outbox.events import Event


@dataclass(frozen=True)
class VatTermsChanged(Event):
    """Whether a supplier's prices include VAT, or at which rate where an offer has none of its own, is another now.

    Published by triggers on companies and legal entities, whoever writes them.
    """

    type: ClassVar[str] = "supplier.vat_terms_changed"

    supplier_id: int


@dataclass(frozen=True)
class PriceListReceived(Event):
    """A supplier's list has arrived, or shall be fetched, and waits to be imported."""

    type: ClassVar[str] = "price_list.received"

    price_list_id: int


@dataclass(frozen=True)
class PriceListApproved(Event):
    """Somebody has decided to apply a held list or some rows of a list."""

    type: ClassVar[str] = "price_list.approved"

    price_list_id: int


@dataclass(frozen=True)
class PriceListApplied(Event):
    """A list is in the catalog, or was found to change nothing there."""

    type: ClassVar[str] = "price_list.applied"

    price_list_id: int


@dataclass(frozen=True)
class PriceListHeld(Event):
    """A guard wants somebody to look at a list before it is applied."""

    type: ClassVar[str] = "price_list.held"

    price_list_id: int


@dataclass(frozen=True)
class PriceListFailed(Event):
    """A list could not be imported; the catalog is as it was."""

    type: ClassVar[str] = "price_list.failed"

    price_list_id: int
