"""The basket: what a buyer means to order. Nothing in it is reserved."""

from collections.abc import Sequence
from decimal import Decimal

from sqlalchemy import delete, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import joinedload

from shop.auth.models import Company, User
from shop.catalog.models import Offer
from shop.db import session
from shop.errors import FieldError, Invalid, Refusal
from shop.orders.models import Basket, BasketLine
from shop.orders.refusals import NotInBasket, OfferUnknown, OfferWithdrawn, check_quantity


class LinesRefused(Invalid):
    code = "LinesRefused"
    message = "Nothing was put into the basket: some of the lines cannot be ordered; errors names each."


def basket_lines(user: User) -> list[BasketLine]:
    """The lines in the order in which they were added, their offers and suppliers with them, in two statements."""
    statement = (
        select(BasketLine)
        .join(Basket, Basket.id == BasketLine.basket_id)
        .where(Basket.user_id == user.id)
        .order_by(BasketLine.added_at, BasketLine.offer_id)
        .options(
            joinedload(BasketLine.offer, innerjoin=True)
            .joinedload(Offer.supplier, innerjoin=True)
            .selectinload(Company.legal_entities),
            joinedload(BasketLine.offer, innerjoin=True).joinedload(Offer.stock, innerjoin=True),
        )
        .execution_options(populate_existing=True)
    )
    return list(session().scalars(statement))


def add_lines(user: User, lines: Sequence[tuple[int, Decimal]]) -> None:
    """Puts the offers in, all or none; an offer that is there already gets the new quantity."""
    offers = _offers([offer_id for offer_id, _ in lines])
    errors = []
    for index, (offer_id, quantity) in enumerate(lines):
        try:
            _check_line(offers.get(offer_id), offer_id, quantity)
        except Refusal as refusal:
            field = "quantity" if isinstance(refusal, Invalid) else "offer_id"
            errors.append(FieldError("json", f"lines.{index}.{field}", refusal.detail))
    if errors:
        raise LinesRefused(errors=errors)
    _upsert(_basket_id(user), {offer_id: (quantity, offers[offer_id].price) for offer_id, quantity in lines})


def change_line(user: User, offer_id: int, *, quantity: Decimal) -> None:
    line = _line(user, offer_id)
    check_quantity(line.offer, quantity)
    line.quantity = quantity


def remove_line(user: User, offer_id: int) -> None:
    session().delete(_line(user, offer_id))


def empty_basket(user: User) -> None:
    baskets = select(Basket.id).where(Basket.user_id == user.id).scalar_subquery()
    session().execute(delete(BasketLine).where(BasketLine.basket_id == baskets))


def acknowledge_changes(user: User) -> None:
    """The buyer has seen the present prices and goes on with them."""
    baskets = select(Basket.id).where(Basket.user_id == user.id).scalar_subquery()
    session().execute(
        update(BasketLine)
        .where(BasketLine.basket_id == baskets, BasketLine.offer_id == Offer.id)
        .values(price_seen=Offer.price)
        .execution_options(synchronize_session=False)
    )


def lock_basket(user: User) -> None:
    """Two orders from one basket at once: the second finds it empty."""
    session().scalar(select(Basket.id).where(Basket.user_id == user.id).with_for_update())


def _check_line(offer: Offer | None, offer_id: int, quantity: Decimal) -> None:
    if offer is None or not offer.supplier.is_active:
        raise OfferUnknown(offer_id=offer_id)
    if not offer.is_listed:
        raise OfferWithdrawn(names=offer.name, offer_ids=[offer.id])
    check_quantity(offer, quantity)


def _offers(offer_ids: list[int]) -> dict[int, Offer]:
    statement = select(Offer).where(Offer.id.in_(offer_ids)).options(joinedload(Offer.supplier, innerjoin=True))
    return {offer.id: offer for offer in session().scalars(statement)}


def _basket_id(user: User) -> int:
    statement = insert(Basket).values(user_id=user.id)
    statement = statement.on_conflict_do_update(index_elements=["user_id"], set_={"user_id": user.id})
    return session().execute(statement.returning(Basket.id)).scalar_one()


def _upsert(basket_id: int, lines: dict[int, tuple[Decimal, Decimal]]) -> None:
    rows = [
        {"basket_id": basket_id, "offer_id": offer_id, "quantity": quantity, "price_seen": price}
        for offer_id, (quantity, price) in sorted(lines.items())
    ]
    statement = insert(BasketLine).values(rows)
    session().execute(
        statement.on_conflict_do_update(
            index_elements=["basket_id", "offer_id"],
            set_={"quantity": statement.excluded.quantity, "price_seen": statement.excluded.price_seen},
        )
    )


def _line(user: User, offer_id: int) -> BasketLine:
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
