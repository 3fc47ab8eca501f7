"""May an offer be ordered, and why not: once in Python, once in SQL, and a test compares the two.

Which quantities are sold is another question (orders/line_checks.py), and so is whether anybody states the VAT rate:
an offer's answer says nothing of it.
"""

from decimal import Decimal
from enum import StrEnum

from shop.auth.models import ACTIVE
from shop.catalog.models import BOUND_KINDS, EXACT
from shop.catalog.orderable_offers import Good
from shop.catalog.stock import UNRESERVED
from shop.catalog.units import minimum_of, sql_minimum_of, sql_step_of, step_of

STOCK_KIND = f"coalesce(stock_levels.kind, '{EXACT}')"
BOUND = ", ".join(f"'{kind}'" for kind in BOUND_KINDS)
IS_LISTED = f"(offers.is_listed AND companies.status = '{ACTIVE}')"


class Obstacle(StrEnum):
    """Why an offer cannot be ordered now, as the API names it. Of several the first one counts."""

    WITHDRAWN = "OfferWithdrawn"  # or its supplier is not active
    ON_HOLD = "OfferOnHold"
    NO_ORDERS_TAKEN = "SupplierNotAccepting"
    OUT_OF_STOCK = "OutOfStock"


def obstacle_to_ordering(offer: Good, quantity: Decimal | None = None) -> Obstacle | None:
    """Of this quantity, else of the smallest that is sold. Stock is what it was when the offer was read."""
    if not offer.is_listed or not offer.supplier.is_active:
        return Obstacle.WITHDRAWN
    if offer.is_quarantined:
        return Obstacle.ON_HOLD
    if not offer.supplier.accepts_orders:
        return Obstacle.NO_ORDERS_TAKEN
    return None if _is_covered(offer, quantity) else Obstacle.OUT_OF_STOCK


def sql_is_orderable(is_counted: str, *, is_listed: str = IS_LISTED) -> str:
    """No obstacle to the smallest quantity, of `offers`, `companies` and, by an outer join, `stock_levels`.

    Whole steps of what is counted are whole pieces, so that these are not asked for.
    """
    step = sql_step_of("offers.quantity_step", is_counted)
    minimum = sql_minimum_of("offers.minimum_quantity", is_counted)
    return (
        f"({is_listed} AND NOT offers.is_quarantined AND companies.accepts_orders"
        f" AND ({STOCK_KIND} NOT IN ({BOUND}) OR {UNRESERVED} - mod({UNRESERVED}, {step}) >= {minimum}))"
    )


def _is_covered(offer: Good, quantity: Decimal | None) -> bool:
    if offer.available is None:
        return True
    if quantity is not None:
        return offer.available >= quantity
    whole_steps = offer.available - offer.available % step_of(offer.quantity_step, offer.unit)
    return whole_steps >= minimum_of(offer.minimum_quantity, offer.unit)
