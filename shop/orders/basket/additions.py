"""Filling a basket: by offer, by SKU or by a past order, with a result for each line. Decision 0034 says how."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from typing import Any, NamedTuple

from sqlalchemy import (
    BigInteger,
    Row,
    Select,
    Text,
    all_,
    any_,
    bindparam,
    cast,
    func,
    literal_column,
    or_,
    select,
    text,
    true,
    tuple_,
)

from shop.auth.models import ACTIVE, Company
from shop.auth.tokens import Acting
from shop.catalog.availability import Obstacle
from shop.catalog.models import Offer
from shop.catalog.orderable_offers import Good, find_goods, good_of, select_goods
from shop.database import given_list, session, sql_list
from shop.errors import Conflict, FieldError, Invalid, Refusal
from shop.orders.basket.contents import LOCK, VERSION, InBasket, basket_lines
from shop.orders.errors import NamedTwice, OfferUnknown, SkuAmbiguous, SkuUnknown
from shop.orders.line_checks import check_obstacles, check_quantity
from shop.orders.models import Basket, BasketLine, Order

MAX_LINES = 1000

# Puts lines in, in the order in which they were named, and says all that is in the basket then. Where that has another
# version than the one that was read, or has come into being since (no version equals NULL), it puts in nothing and
# answers no rows.
FILL = text(f"""
WITH basket AS (
    {LOCK} WHERE {VERSION} = CAST(:version AS xid) RETURNING id
), added AS (
    INSERT INTO basket_lines (basket_id, offer_id, quantity, price_seen, unit_seen, added_at)
    SELECT basket.id, offer_id, quantity, price, unit, now() + number * interval '1 microsecond'
    FROM basket, unnest(
        {sql_list("offer_ids", "bigint")}, {sql_list("quantities", "numeric")},
        {sql_list("prices", "numeric")}, {sql_list("units", "text")}
    ) WITH ORDINALITY AS line (offer_id, quantity, price, unit, number)
    ON CONFLICT (basket_id, offer_id) DO UPDATE
    SET quantity = excluded.quantity, price_seen = excluded.price_seen, unit_seen = excluded.unit_seen
    RETURNING offer_id, quantity, price_seen, unit_seen, added_at
)
SELECT offer_id, quantity, price_seen, unit_seen, added_at FROM added
UNION ALL
SELECT offer_id, quantity, price_seen, unit_seen, added_at FROM basket_lines
WHERE basket_id = (SELECT id FROM basket) AND offer_id NOT IN (SELECT offer_id FROM added)
ORDER BY added_at, offer_id
""")  # noqa: S608 - of our own words only

HELD_BESIDES = (
    select(func.count())
    .join_from(BasketLine, Basket)
    .where(Basket.user_id == bindparam("user_id"), BasketLine.offer_id != all_(given_list("offer_ids", BigInteger)))
)


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
    offer: Good | None = None
    refusal: Refusal | None = None


class Filled(NamedTuple):
    """What became of each wanted line, and the basket as it is then."""

    results: list[LineResult]
    lines: list[InBasket]


def add_lines(user: Acting, wanted: Sequence[Wanted]) -> Filled:
    """Puts in what can be ordered, with a result for each line; refuses when none can."""
    filled = try_lines(user, wanted)
    if all(result.refusal for result in filled.results):
        raise LinesRefused(errors=[_field_error(index, result) for index, result in enumerate(filled.results)])
    return filled


def try_lines(user: Acting, wanted: Sequence[Wanted]) -> Filled:
    """The same without the refusal. Two statements whatever the number of lines, three where other goods were in the
    basket, one more near its limit.

    An offer that is there already gets the new quantity. Where somebody changes the basket after we have looked at it,
    we look again.
    """
    filled = _try_once(user, wanted) or _try_once(user, wanted)  # from the first on its row is locked
    assert filled
    return filled


def add_past_order(user: Acting, order: Order) -> Filled:
    """What was ordered then, as far as it can be ordered now, at today's prices."""
    lines = [line for part in order.parts for line in part.lines]
    return add_lines(user, [Wanted(line.ordered_quantity, offer_id=line.offer_id) for line in lines])


def _try_once(user: Acting, wanted: Sequence[Wanted]) -> Filled | None:
    """None where the basket has changed since it was looked at."""
    choice = _choice(user, wanted)
    results = _each_once([_judge(line, choice) for line in wanted])
    if not any(result.offer for result in results):
        return Filled(results, basket_lines(user))
    lines = _fill(user, results, choice)
    return Filled(results, lines) if lines else None


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


@dataclass(frozen=True)
class _Choice:
    """All goods that the lines could mean; of the basket, where there is one, its version and how many lines it has."""

    version: str | None
    held: int
    by_id: Mapping[int, Good]
    by_sku: Mapping[str, Sequence[Good]]


def _choice(user: Acting, wanted: Sequence[Wanted]) -> _Choice:
    """Of suppliers that buyers see, in one statement."""
    named = [(line.supplier_id, line.sku) for line in wanted if line.supplier_id is not None]
    values: dict[str, list[Any]] = {
        "ids": [line.offer_id for line in wanted if line.offer_id is not None],
        "skus": [line.sku for line in wanted if line.sku is not None and line.supplier_id is None],
        "named_suppliers": [supplier_id for supplier_id, _ in named],
        "named_skus": [sku for _, sku in named],
    }
    given = frozenset(name for name, found in values.items() if found)
    rows = _read_choice(given, {"user_id": user.id} | {name: values[name] for name in given}) if given else ()
    version, held = (rows[0].version, rows[0].held or 0) if rows else (None, 0)
    by_id = {row.id: good_of(row) for row in rows}
    by_sku: defaultdict[str, list[Good]] = defaultdict(list)
    for good in by_id.values():
        by_sku[good.sku].append(good)
    return _Choice(version, held, by_id, by_sku)


def _read_choice(given: frozenset[str], values: Mapping[str, Any]) -> Sequence[Row[Any]]:
    return session().connection().execute(_select_choice(given), values).all()


@cache
def _select_choice(given: frozenset[str]) -> Select[*tuple[Any, ...]]:
    """Only with the conditions that are needed: an index answers each."""
    ids, suppliers = (given_list(name, BigInteger) for name in ("ids", "named_suppliers"))
    skus, named_skus = (given_list(name, Text) for name in ("skus", "named_skus"))
    named = func.unnest(suppliers, named_skus).table_valued("supplier_id", "sku").render_derived()
    conditions = {
        "ids": Offer.id == any_(ids),
        "skus": Offer.sku == any_(skus),
        "named_skus": tuple_(Offer.supplier_id, Offer.sku).in_(select(named.c.supplier_id, named.c.sku)),
    }
    wanted = or_(*(condition for name, condition in conditions.items() if name in given))
    held = select(func.count()).where(BasketLine.basket_id == Basket.id).scalar_subquery().label("held")
    version = cast(literal_column(VERSION), Text).label("version")
    basket = select(version, held).where(Basket.user_id == bindparam("user_id")).cte("basket")
    basket = basket.prefix_with("MATERIALIZED")  # counted once, and not once for each good
    goods = select_goods().add_columns(basket.c.version, basket.c.held)
    return goods.outerjoin(basket, true()).where(Company.status == ACTIVE, wanted)


def _judge(line: Wanted, choice: _Choice) -> LineResult:
    try:
        offer = _find(line, choice)
        check_obstacles([offer], (Obstacle.WITHDRAWN, Obstacle.ON_HOLD))  # the others pass: a basket may wait for it
        check_quantity(offer, line.quantity)
    except Refusal as refusal:
        return LineResult(line, refusal=refusal)
    return LineResult(line, offer=offer)


def _find(line: Wanted, choice: _Choice) -> Good:
    if line.offer_id is not None:
        if line.offer_id not in choice.by_id:
            raise OfferUnknown(offer_id=line.offer_id)
        return choice.by_id[line.offer_id]
    same = [good for good in choice.by_sku.get(line.sku or "", ()) if line.supplier_id in (None, good.supplier_id)]
    listed = [good for good in same if good.is_listed] or same
    if not listed:
        raise SkuUnknown(sku=line.sku)
    if len(listed) > 1:
        named = [{"offer_id": good.id, "supplier": good.supplier.name, "name": good.name} for good in listed]
        raise SkuAmbiguous(sku=line.sku, offers=named)
    return listed[0]


def _field_error(index: int, result: LineResult) -> FieldError:
    refusal = result.refusal
    assert refusal is not None
    field = "quantity" if refusal.code == "QuantityNotMultiple" else "sku" if result.wanted.sku else "offer_id"
    return FieldError("json", f"lines.{index}.{field}", refusal.detail)


def _fill(user: Acting, results: Sequence[LineResult], choice: _Choice) -> list[InBasket]:
    """All that is in the basket then; nothing where the basket has changed since we looked, and nothing is put in."""
    lines = [(result.offer, result.wanted.quantity) for result in results if result.offer is not None]
    offer_ids = [good.id for good, _ in lines]
    if choice.held + len(lines) > MAX_LINES and _held_besides(user, offer_ids) + len(lines) > MAX_LINES:
        raise BasketFull(limit=MAX_LINES)
    values: dict[str, Any] = {
        "user_id": user.id,
        "version": choice.version,
        "offer_ids": offer_ids,
        "quantities": [quantity for _, quantity in lines],
        "prices": [good.price for good, _ in lines],
        "units": [good.unit for good, _ in lines],
    }
    rows = session().connection().execute(FILL, values).all()
    others = [row.offer_id for row in rows if row.offer_id not in choice.by_id]
    goods = {**choice.by_id, **find_goods(others)} if others else choice.by_id
    return [InBasket(goods[row.offer_id], row.quantity, row.price_seen, row.unit_seen) for row in rows]


def _held_besides(user: Acting, offer_ids: list[int]) -> int:
    return int(session().connection().execute(HELD_BESIDES, {"user_id": user.id, "offer_ids": offer_ids}).scalar_one())
