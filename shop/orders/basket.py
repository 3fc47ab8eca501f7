"""The basket: what a buyer means to order. Nothing in it is reserved."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from sqlalchemy import ColumnElement, delete, func, or_, select, tuple_, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import contains_eager, joinedload

from shop.auth.models import ACTIVE, Company, User
from shop.catalog.models import Offer
from shop.db import session
from shop.errors import Conflict, FieldError, Invalid, Refusal
from shop.orders.models import Basket, BasketLine, Order
from shop.orders.refusals import (
    NamedTwice,
    NotInBasket,
    OfferOnHold,
    OfferUnknown,
    OfferWithdrawn,
    SkuAmbiguous,
    SkuUnknown,
    check_quantity,
)

MAX_LINES = 1000


class BasketFull(Conflict):
    code = "BasketFull"
    message = "A basket holds at most {limit} goods. Order what is in it first."


class LinesRefused(Invalid):
    code = "LinesRefused"
    message = "Nothing was put into the basket: none of the lines can be ordered; errors names each."


@dataclass(frozen=True)
class Wanted:
    """A line that somebody wants to add: by offer, or by SKU (of one supplier, or of whoever alone has it)."""

    quantity: Decimal
    offer_id: int | None = None
    sku: str | None = None
    supplier_id: int | None = None


@dataclass(frozen=True)
class LineResult:
    """What became of a wanted line: the offer that was added, or why none was."""

    wanted: Wanted
    offer: Offer | None = None
    refusal: Refusal | None = None


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


def add_lines(user: User, wanted: Sequence[Wanted]) -> list[LineResult]:
    """Puts in what can be ordered, with a result for each line; refuses when none can."""
    results = try_lines(user, wanted)
    if all(result.refusal for result in results):
        raise LinesRefused(errors=[_field_error(index, result) for index, result in enumerate(results)])
    return results


def try_lines(user: User, wanted: Sequence[Wanted]) -> list[LineResult]:
    """The same without the refusal. Four statements, whatever the number of lines.

    An offer that is there already gets the new quantity.
    """
    offers = _offers(wanted)
    results = _each_once([_judge(line, offers) for line in wanted])
    if any(result.offer for result in results):
        basket_id = _basket_id(user)
        _upsert(basket_id, results)
        _check_size(basket_id)
    return results


def add_past_order(user: User, order: Order) -> list[LineResult]:
    """What was ordered then, as far as it can be ordered now, at today's prices."""
    lines = [line for part in order.parts for line in part.lines]
    return add_lines(user, [Wanted(line.ordered_quantity, offer_id=line.offer_id) for line in lines])


def change_line(user: User, offer_id: int, *, quantity: Decimal) -> None:
    lock_basket(user)
    line = _line(user, offer_id)
    check_quantity(line.offer, quantity)
    line.quantity = quantity


def remove_line(user: User, offer_id: int) -> None:
    lock_basket(user)
    session().delete(_line(user, offer_id))


def empty_basket(user: User) -> None:
    lock_basket(user)
    session().execute(delete(BasketLine).where(BasketLine.basket_id == _basket_of(user)))


def acknowledge_changes(user: User) -> None:
    """The buyer has seen the present prices and units and goes on with them."""
    lock_basket(user)
    session().execute(
        update(BasketLine)
        .where(BasketLine.basket_id == _basket_of(user), BasketLine.offer_id == Offer.id)
        .values(price_seen=Offer.price, unit_seen=Offer.unit)
        .execution_options(synchronize_session=False)
    )


def lock_basket(user: User) -> None:
    """Whoever changes the basket waits for an order that is being made of it: of two at once the second finds it empty,
    and no change is answered with yes and then lost."""
    session().scalar(select(Basket.id).where(Basket.user_id == user.id).with_for_update())


def _each_once(results: list[LineResult]) -> list[LineResult]:
    """Which quantity is meant where a good stands in one list twice? We do not guess."""
    seen: set[int] = set()
    judged = []
    for result in results:
        offer = result.offer
        if offer is not None and offer.id in seen:
            result = LineResult(result.wanted, refusal=NamedTwice(name=offer.name))
        elif offer is not None:
            seen.add(offer.id)
        judged.append(result)
    return judged


def _check_size(basket_id: int) -> None:
    size = session().scalar(select(func.count()).where(BasketLine.basket_id == basket_id)) or 0
    if size > MAX_LINES:
        raise BasketFull(limit=MAX_LINES)


def _offers(wanted: Sequence[Wanted]) -> list[Offer]:
    """All offers that the lines could mean, of suppliers that buyers see, in one statement."""
    conditions: list[ColumnElement[bool]] = [
        Offer.id.in_([line.offer_id for line in wanted if line.offer_id is not None]),
        Offer.sku.in_([line.sku for line in wanted if line.sku is not None and line.supplier_id is None]),
        tuple_(Offer.supplier_id, Offer.sku).in_(
            [(line.supplier_id, line.sku) for line in wanted if line.supplier_id is not None]
        ),
    ]
    statement = (
        select(Offer)
        .join(Offer.supplier)
        .where(Company.status == ACTIVE, or_(*conditions))
        .options(contains_eager(Offer.supplier))
    )
    return list(session().scalars(statement))


def _judge(line: Wanted, offers: Iterable[Offer]) -> LineResult:
    try:
        offer = _find(line, offers)
        if not offer.is_listed:
            raise OfferWithdrawn(names=offer.name, offer_ids=[offer.id])
        if offer.is_quarantined:
            raise OfferOnHold(names=offer.name, offer_ids=[offer.id])
        check_quantity(offer, line.quantity)
    except Refusal as refusal:
        return LineResult(line, refusal=refusal)
    return LineResult(line, offer=offer)


def _find(line: Wanted, offers: Iterable[Offer]) -> Offer:
    if line.offer_id is not None:
        found = next((offer for offer in offers if offer.id == line.offer_id), None)
        if found is None:
            raise OfferUnknown(offer_id=line.offer_id)
        return found
    same = [offer for offer in offers if offer.sku == line.sku and line.supplier_id in (None, offer.supplier_id)]
    listed = [offer for offer in same if offer.is_listed] or same
    if not listed:
        raise SkuUnknown(sku=line.sku)
    if len(listed) > 1:
        choice = [{"offer_id": offer.id, "supplier": offer.supplier.name, "name": offer.name} for offer in listed]
        raise SkuAmbiguous(sku=line.sku, offers=choice)
    return listed[0]


def _field_error(index: int, result: LineResult) -> FieldError:
    refusal = result.refusal
    assert refusal is not None
    field = "quantity" if refusal.code == "QuantityNotMultiple" else "sku" if result.wanted.sku else "offer_id"
    return FieldError("json", f"lines.{index}.{field}", refusal.detail)


def _basket_of(user: User) -> ColumnElement[int]:
    return select(Basket.id).where(Basket.user_id == user.id).scalar_subquery()


def _basket_id(user: User) -> int:
    statement = insert(Basket).values(user_id=user.id)
    statement = statement.on_conflict_do_update(index_elements=["user_id"], set_={"user_id": user.id})
    return session().execute(statement.returning(Basket.id)).scalar_one()


def _upsert(basket_id: int, results: Sequence[LineResult]) -> None:
    """In the order of offer ids, so that two requests for one basket cannot deadlock."""
    rows = {
        result.offer.id: {
            "basket_id": basket_id,
            "offer_id": result.offer.id,
            "quantity": result.wanted.quantity,
            "price_seen": result.offer.price,
            "unit_seen": result.offer.unit,
        }
        for result in results
        if result.offer is not None
    }
    statement = insert(BasketLine).values([rows[offer_id] for offer_id in sorted(rows)])
    new = statement.excluded
    session().execute(
        statement.on_conflict_do_update(
            index_elements=["basket_id", "offer_id"],
            set_={"quantity": new.quantity, "price_seen": new.price_seen, "unit_seen": new.unit_seen},
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
