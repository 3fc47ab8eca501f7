"""The basket: what a buyer means to order. Nothing in it is reserved."""

from collections.abc import Sequence
from decimal import Decimal
from functools import cache
from typing import Any, NamedTuple

from sqlalchemy import (
    ARRAY,
    BigInteger,
    ColumnElement,
    Row,
    Select,
    any_,
    bindparam,
    cast,
    delete,
    func,
    literal_column,
    select,
    text,
    update,
)
from sqlalchemy.orm import joinedload

from shop.auth.tokens import Acting
from shop.catalog.models import Offer
from shop.catalog.orderable_offers import Good, good_of, locked_for_order, select_goods
from shop.database import session
from shop.orders.errors import NotInBasket
from shop.orders.line_checks import check_quantity
from shop.orders.models import Basket, BasketLine

VERSION = "baskets.xmin"  # the transaction that wrote a basket's row last: whoever changes its lines writes it, too
LOCK = "INSERT INTO baskets (user_id) VALUES (:user_id) ON CONFLICT (user_id) DO UPDATE SET user_id = excluded.user_id"


class InBasket(NamedTuple):
    """A line of a basket with the good as it is now."""

    offer: Good
    quantity: Decimal
    price_seen: Decimal
    unit_seen: str

    @property
    def is_changed(self) -> bool:
        """Not what the buyer agreed to any more."""
        return self.price_seen != self.offer.price or self.unit_seen != self.offer.unit


def basket_lines(user: Acting) -> list[InBasket]:
    """In the order in which they were added, in one statement."""
    rows = session().connection().execute(_select_lines(), {"user_id": user.id})
    return [_in_basket(row) for row in rows]


def change_line(user: Acting, offer_id: int, *, quantity: Decimal) -> None:
    lock_basket(user)
    line = _line(user, offer_id)
    check_quantity(line.offer, quantity)
    line.quantity = quantity
    session().flush()


def remove_line(user: Acting, offer_id: int) -> None:
    lock_basket(user)
    session().delete(_line(user, offer_id))
    session().flush()


def empty_basket(user: Acting) -> None:
    lock_basket(user)
    session().execute(delete(BasketLine).where(BasketLine.basket_id == _basket_of(user)))


def take_basket(user: Acting) -> list[InBasket]:
    """Empties the basket for an order and says what was in it, as it was added. The offers are locked_for_order().

    Where somebody was changing the basket, it is taken as it has become, with goods and terms as they are then.
    """
    taken = _take_lines(user) or _take_lines(user)  # from the first on its row is locked
    return [_in_basket(row) for row in sorted(taken, key=lambda row: (row.added_at, row.id))]


def acknowledge_changes(user: Acting) -> None:
    """The buyer has seen the present prices and units and goes on with them."""
    lock_basket(user)
    session().execute(
        update(BasketLine)
        .where(BasketLine.basket_id == _basket_of(user), BasketLine.offer_id == Offer.id)
        .values(price_seen=Offer.price, unit_seen=Offer.unit)
        .execution_options(synchronize_session=False)
    )


def lock_basket(user: Acting) -> None:
    """Whoever changes the basket waits for an order that is being made of it: of two at once the second finds it empty,
    and no change is answered with yes and then lost. The row is written, and made where there is none, so that it has
    another version."""
    session().execute(text(LOCK), {"user_id": user.id})


@cache
def _select_lines() -> Select[*tuple[Any, ...]]:
    return (
        select_goods()
        .add_columns(BasketLine.quantity, BasketLine.price_seen, BasketLine.unit_seen)
        .join(BasketLine, BasketLine.offer_id == Offer.id)
        .join(Basket, Basket.id == BasketLine.basket_id)
        .where(Basket.user_id == bindparam("user_id"))
        .order_by(BasketLine.added_at, BasketLine.offer_id)
    )


def _take_lines(user: Acting) -> Sequence[Row[Any]]:
    return session().connection().execute(_select_taken(), {"user_id": user.id}).all()


@cache
def _select_taken() -> Select[*tuple[Any, ...]]:
    """Nothing where the basket was changed while we waited for it: what this would read is older than that."""
    version: ColumnElement[Any] = literal_column(VERSION)
    seen = select(version).where(Basket.user_id == bindparam("user_id")).correlate(None).scalar_subquery()
    basket = (
        update(Basket)
        .where(Basket.user_id == bindparam("user_id"), seen == version)
        .values(user_id=Basket.user_id)
        .returning(Basket.id)
        .cte("basket")
    )
    taken = (
        delete(BasketLine)
        .where(BasketLine.basket_id == basket.c.id)
        .returning(
            BasketLine.offer_id, BasketLine.quantity, BasketLine.price_seen, BasketLine.unit_seen, BasketLine.added_at
        )
        .cte("taken")
    )
    # By a list as in find_goods(): to join that many offers as it guesses there are, the planner would read them all.
    offer_ids = cast(select(func.array_agg(taken.c.offer_id)).scalar_subquery(), ARRAY(BigInteger))
    return (
        locked_for_order(select_goods())
        .add_columns(taken.c.quantity, taken.c.price_seen, taken.c.unit_seen, taken.c.added_at)
        .join(taken, taken.c.offer_id == Offer.id)
        .where(Offer.id == any_(offer_ids))
    )


def _in_basket(row: Any) -> InBasket:
    return InBasket(good_of(row), row.quantity, row.price_seen, row.unit_seen)


def _basket_of(user: Acting) -> ColumnElement[int]:
    return select(Basket.id).where(Basket.user_id == user.id).scalar_subquery()


def _line(user: Acting, offer_id: int) -> BasketLine:
    statement = (
        select(BasketLine)
        .join(Basket, Basket.id == BasketLine.basket_id)
        .where(Basket.user_id == user.id, BasketLine.offer_id == offer_id)
        .options(joinedload(BasketLine.offer, innerjoin=True))
        .with_for_update(of=BasketLine)
    )
    line = session().scalar(statement)
    if line is None:
        raise NotInBasket(offer_id=offer_id)
    return line
