"""Stock: how much of it is available, and the only writer of it.

Lines of an order reserve, release and ship; price lists state what is on hand.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, cast

from sqlalchemy import ColumnElement, FromClause, case, func, literal, literal_column, select, text, update
from sqlalchemy.dialects.postgresql import insert

from shop.catalog.models import BOUND_KINDS, StockChange, StockLevel
from shop.catalog.units import sql_is_counted, sql_whole_pieces, whole_pieces
from shop.database import session, sql_list
from shop.errors import Conflict
from shop.money import quantity_number

Lines = Mapping[int, Decimal]

MOST_RESERVED = Decimal(10**10)  # a tenth of what the column holds: a list may still add its free stock to it

OFFER_IDS, QUANTITIES = sql_list("offer_ids", "bigint"), sql_list("quantities", "numeric")

LOCK = text(f"""
SELECT stock.offer_id, offers.sku, offers.name, offers.unit, stock.kind, stock.on_hand, stock.reserved
FROM stock_levels AS stock JOIN offers ON offers.id = stock.offer_id
WHERE stock.offer_id = ANY (CAST({OFFER_IDS} AS bigint[]))
ORDER BY stock.offer_id FOR UPDATE OF stock
""")  # noqa: S608 - of our own words only

RESERVE = text(f"""
UPDATE stock_levels AS stock
SET reserved = stock.reserved + line.quantity, updated_at = now()
FROM unnest({OFFER_IDS}, {QUANTITIES}) AS line (offer_id, quantity)
WHERE stock.offer_id = line.offer_id
""")  # noqa: S608 - of our own words only

RELEASE = text(f"""
UPDATE stock_levels AS stock
SET reserved = stock.reserved - line.quantity, updated_at = now()
FROM unnest({OFFER_IDS}, {QUANTITIES}) AS line (offer_id, quantity)
WHERE stock.offer_id = line.offer_id
""")  # noqa: S608 - of our own words only

SHIP = text(f"""
UPDATE stock_levels AS stock
SET reserved = stock.reserved - line.quantity, on_hand = greatest(stock.on_hand - line.quantity, 0),
    shipped = stock.shipped + line.quantity, updated_at = now()
FROM unnest({OFFER_IDS}, {QUANTITIES}) AS line (offer_id, quantity)
WHERE stock.offer_id = line.offer_id
""")  # noqa: S608 - of our own words only

UNRESERVED = "greatest(stock_levels.on_hand - stock_levels.reserved, 0)"  # 0 where an outer join finds no level

SHIPPED = "greatest({on_hand} - (stock.shipped - noted.shipped), 0)"

LOCK_NOTED = text("""
SELECT count(*) FROM (
    SELECT FROM stock_levels AS stock JOIN stock_changes AS noted ON noted.offer_id = stock.offer_id
    WHERE noted.price_list_id = :price_list_id
    ORDER BY stock.offer_id FOR UPDATE OF stock
) AS locked
""")
# Where the level is not what the list has made of it, less what was shipped, somebody has stated it since.
TAKE_BACK = text(f"""
UPDATE stock_levels AS stock
SET kind = noted.kind_before, on_hand = {SHIPPED.format(on_hand="noted.on_hand_before")}, updated_at = now()
FROM stock_changes AS noted
WHERE noted.price_list_id = :price_list_id AND noted.offer_id = stock.offer_id AND NOT noted.is_stated_since
    AND stock.kind = noted.kind AND stock.on_hand = {SHIPPED.format(on_hand="noted.on_hand")}
""")  # noqa: S608 - of our own words only


class OutOfStock(Conflict):
    """`lines` names every short line: offer_id, sku, name, requested and available; `goods` the same in words."""

    code = "OutOfStock"
    message = "There is not enough left of these goods; in brackets how much there is: {goods}."


class TooMuchReserved(Conflict):
    """Stock of unknown size takes any reservation, within what a number can hold."""

    code = "TooMuchReserved"
    message = "{name} is reserved for so many orders that it can take no more of this size."


def available_stock(on_hand: Decimal, reserved: Decimal, unit: str) -> Decimal:
    """What nobody has reserved yet, in whole pieces of what is counted; a supplier may have less than is promised."""
    return whole_pieces(max(on_hand - reserved, Decimal(0)), unit)


def sql_available_stock(is_counted: str) -> str:
    """The same in SQL, where it is known whether the unit is counted."""
    return sql_whole_pieces(UNRESERVED, is_counted)


AVAILABLE: ColumnElement[Decimal] = literal_column(sql_available_stock(sql_is_counted("offers.unit")))


def stated_stock(*, is_free: bool) -> ColumnElement[Decimal]:
    """What a list would state of a level as it is, of a supplier who states all or what is free."""
    return literal_column(sql_free_stock("stock_levels")) if is_free else StockLevel.on_hand.expression


def sql_free_stock(level: str) -> str:
    kinds = ", ".join(f"'{kind}'" for kind in BOUND_KINDS)
    free = f"greatest({level}.on_hand - {level}.reserved, 0)"
    return f"CASE WHEN {level}.kind IN ({kinds}) THEN {free} ELSE {level}.on_hand END"


@dataclass(frozen=True)
class LockedStock:
    """What an offer has, true until the transaction ends."""

    offer_id: int
    sku: str
    name: str
    unit: str
    kind: str
    on_hand: Decimal
    reserved: Decimal

    @property
    def available(self) -> Decimal:
        return available_stock(self.on_hand, self.reserved, self.unit)

    def covers(self, quantity: Decimal) -> bool:
        """Only exact and at_least bound a reservation; the others await the supplier's confirmation."""
        return self.kind not in BOUND_KINDS or self.available >= quantity


def lock_stock(offer_ids: Iterable[int]) -> dict[int, LockedStock]:
    """Locks in the order of ids, so that two orders of the same goods wait for each other instead of dying."""
    rows = session().connection().execute(LOCK, {"offer_ids": list(offer_ids)})
    return {row.offer_id: LockedStock(*row) for row in rows}


def reserve(lines: Lines) -> None:
    """All lines or none, in two statements whatever their number; OutOfStock names every short line."""
    stock = lock_stock(lines)
    short = [
        _short_line(offer_id, quantity, stock.get(offer_id))
        for offer_id, quantity in sorted(lines.items())
        if offer_id not in stock or not stock[offer_id].covers(quantity)
    ]
    if short:
        raise OutOfStock(lines=short, goods=", ".join(_in_words(line) for line in short))
    for offer_id, quantity in lines.items():
        if stock[offer_id].reserved + quantity > MOST_RESERVED:
            raise TooMuchReserved(offer_id=offer_id, name=stock[offer_id].name)
    _change(RESERVE, lines)


def release(lines: Lines) -> None:
    """Gives back what was reserved."""
    lock_stock(lines)
    _change(RELEASE, lines)


def ship(lines: Lines) -> None:
    """Takes the goods from what is reserved, and from the warehouse at most what is there."""
    lock_stock(lines)
    _change(SHIP, lines)


def take_stock_back(price_list_id: int) -> tuple[int, int]:
    """What the list has changed becomes what it was, less what was shipped since; never touches `reserved`.

    How many levels were taken back, and how many were left because somebody has stated them since.
    """
    noted = cast(int, session().scalar(LOCK_NOTED, {"price_list_id": price_list_id}))
    taken = _rows_of(TAKE_BACK, {"price_list_id": price_list_id}) if noted else 0
    return taken, noted - taken


def state_stock(stated: FromClause, *, is_free: bool, noted_for: int | None = None) -> int:
    """Takes over `stated` (offer_id, kind, on_hand, is_new); how many levels changed, new ones not counted.

    What the levels were is noted for the list `noted_for`, so that it can take them back.

    Never touches `reserved`. A supplier who states free stock has already taken off what we reserved, so it is added
    again, as it is under the lock. Where he states what is available anyway nothing changes: a good of which more is
    promised than is there has none, and saying so must not add what is missing. Only levels that change are locked, in
    the order that reservations use.
    """
    on_hand = _on_hand(stated, is_free=is_free)
    is_other = (StockLevel.kind != stated.c.kind) | (stated_stock(is_free=is_free) != stated.c.on_hand)
    changing = (
        select(StockLevel.offer_id)
        .join(stated, stated.c.offer_id == StockLevel.offer_id)
        .where(is_other)
        .order_by(StockLevel.offer_id)
        .with_for_update(of=StockLevel)
    )
    locked = session().scalar(select(func.count()).select_from(changing.subquery()))
    if locked and noted_for is not None:
        _note_changes(stated, is_other, on_hand, noted_for)
    changed = locked and _rows_of(
        update(StockLevel)
        .where(StockLevel.offer_id == stated.c.offer_id, is_other)
        .values(kind=stated.c.kind, on_hand=on_hand, updated_at=func.now())
    )
    new = select(stated.c.offer_id, stated.c.kind, stated.c.on_hand).where(stated.c.is_new)
    session().execute(insert(StockLevel).from_select(["offer_id", "kind", "on_hand"], new).on_conflict_do_nothing())
    return changed or 0


def _note_changes(
    stated: FromClause, is_other: ColumnElement[bool], on_hand: ColumnElement[Decimal], price_list_id: int
) -> None:
    """Under the lock of the levels."""
    noted = {
        "price_list_id": literal(price_list_id),
        "offer_id": StockLevel.offer_id,
        "kind_before": StockLevel.kind,
        "on_hand_before": StockLevel.on_hand,
        "kind": stated.c.kind,
        "on_hand": on_hand,
        "shipped": StockLevel.shipped,
    }
    changes = select(*noted.values()).join(stated, stated.c.offer_id == StockLevel.offer_id).where(is_other)
    session().execute(insert(StockChange).from_select(list(noted), changes).on_conflict_do_nothing())


def _on_hand(stated: FromClause, *, is_free: bool) -> ColumnElement[Decimal]:
    if not is_free:
        return cast(ColumnElement[Decimal], stated.c.on_hand)
    return case((stated.c.kind.in_(BOUND_KINDS), stated.c.on_hand + StockLevel.reserved), else_=stated.c.on_hand)


def _change(statement: Any, lines: Lines) -> None:
    changed = _rows_of(statement, {"offer_ids": list(lines), "quantities": list(lines.values())})
    if changed != len(lines):
        raise RuntimeError(f"{len(lines) - changed} of the offers {sorted(lines)} have no stock level")


def _rows_of(statement: Any, values: Mapping[str, Any] | None = None) -> int:
    return cast(int, cast(Any, session().execute(statement, values)).rowcount)


def _in_words(line: Mapping[str, Any]) -> str:
    return f"{line['name'] or line['offer_id']} ({line['available']})"


def _short_line(offer_id: int, requested: Decimal, stock: LockedStock | None) -> dict[str, Any]:
    return {
        "offer_id": offer_id,
        "sku": stock.sku if stock else None,
        "name": stock.name if stock else None,
        "requested": quantity_number(requested),
        "available": quantity_number(stock.available if stock else Decimal(0)),
    }
