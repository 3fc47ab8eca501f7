"""Orders, placed through the story."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from shop.auth.models import User
from shop.catalog.models import Offer
from shop.companies.models import Contact
from shop.database import session
from shop.orders.models import Order
from shop.orders.placing.placement import place_order
from tests.factories import committed
from tests.factories.auth import make_contact, make_user
from tests.factories.catalog import make_offer


@committed
def make_order(
    lines: Mapping[int, int | Decimal] | None = None,
    *,
    buyer: User | None = None,
    contact: Contact | None = None,
    **others: Any,
) -> Order:
    """An order of `lines` (quantities by offer id), or of two pieces of a new offer."""
    buyer = session().merge(buyer, load=True) if buyer else make_user()
    contact = session().merge(contact, load=True) if contact else make_contact(buyer)
    wanted = {offer_id: Decimal(quantity) for offer_id, quantity in (lines or {make_offer().id: 2}).items()}
    return session().get_one(Order, place_order(buyer, contact=contact, lines=wanted, **others))


def offers_of(*prices: str, **others: Any) -> list[Offer]:
    return [make_offer(price=price, **others) for price in prices]
