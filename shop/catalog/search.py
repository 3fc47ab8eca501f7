"""Searching offers: words, filters and pages, always in one statement."""

import hashlib
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from decimal import Decimal
from typing import Any

import orjson
from sqlalchemy import ColumnElement, RowMapping, Select, Text, cast, false, func, literal, or_, tuple_
from sqlalchemy.dialects.postgresql import ARRAY, REGCONFIG

from shop.catalog.barcodes import gtin_of
from shop.catalog.models import ON_ORDER, UNKNOWN, Offer, StockLevel
from shop.catalog.offers import Answer, offer_answer, select_offers
from shop.db import session
from shop.http.pagination import cursor_id, make_cursor, page_of, read_cursor

LANGUAGE = literal("russian", REGCONFIG)
INSIDE_WORD = re.compile(r"(?<=\w)[-/._,]+(?=\w)")
LAST_WORD = re.compile(r"^(.*?)(\w+)\s*$", re.DOTALL)
HIGHEST_PRICE = Decimal(10**10)


def _price(value: Any) -> Decimal:
    price = Decimal(value)
    if not 0 <= price <= HIGHEST_PRICE:
        raise ValueError
    return price


def _name(value: Any) -> str:
    if not isinstance(value, str) or "\x00" in value:
        raise ValueError
    value.encode()
    return value


@dataclass(frozen=True)
class Sort:
    """The columns that order a list, the id last, and how a cursor's values are read back into them."""

    columns: tuple[str, ...]
    types: tuple[Callable[[Any], Any], ...]
    is_descending: bool = False


SORTS: Mapping[str, Sort] = {
    "newest": Sort(("id",), (cursor_id,), is_descending=True),
    "name": Sort(("name", "id"), (_name, cursor_id)),
    "price": Sort(("price", "id"), (_price, cursor_id)),
    "-price": Sort(("price", "id"), (_price, cursor_id), is_descending=True),
}


@dataclass(frozen=True, kw_only=True)
class OfferFilter:
    """What a searcher wants; None does not filter."""

    q: str | None = None
    category: int | None = None
    supplier: int | None = None
    price_min: Decimal | None = None
    price_max: Decimal | None = None
    in_stock: bool | None = None
    sku: str | None = None
    barcode: str | None = None


def search_offers(
    wanted: OfferFilter, *, sort: str = "newest", limit: int = 40, cursor: str | None = None
) -> tuple[list[Answer], str | None]:
    """A page of listed offers of active suppliers, and the cursor of the next one."""
    order = SORTS[sort]
    scope = _scope(wanted, sort)
    after = read_cursor(cursor, scope=scope, types=order.types)
    statement = select_offers().where(Offer.is_listed, *_conditions(wanted))
    rows = session().execute(_page(statement, order, after).limit(limit + 1)).mappings().all()
    page, next_cursor = page_of(rows, limit=limit, cursor_of=lambda row: _cursor(row, order, scope))
    return [offer_answer(row) for row in page], next_cursor


def _scope(wanted: OfferFilter, sort: str) -> str:
    """A cursor is good for this search only: with other filters it would skip or repeat offers."""
    digest = hashlib.blake2b(orjson.dumps(asdict(wanted), default=str), digest_size=8).hexdigest()
    return f"offers:{sort}:{digest}"


def _page(statement: Select[*tuple[Any, ...]], order: Sort, after: Sequence[Any] | None) -> Select[*tuple[Any, ...]]:
    columns = [getattr(Offer, name) for name in order.columns]
    if after is not None:
        key, last = tuple_(*columns), tuple_(*(literal(value) for value in after))
        statement = statement.where(key < last if order.is_descending else key > last)
    return statement.order_by(*(column.desc() if order.is_descending else column for column in columns))


def _cursor(row: RowMapping, order: Sort, scope: str) -> str:
    return make_cursor(scope=scope, key=[row[name] for name in order.columns])


def _conditions(wanted: OfferFilter) -> list[ColumnElement[bool]]:
    conditions = {
        "q": lambda q: _matches(q),
        "category": lambda category: Offer.category_id == category,
        "supplier": lambda supplier: Offer.supplier_id == supplier,
        "price_min": lambda price: Offer.price >= price,
        "price_max": lambda price: Offer.price <= price,
        "in_stock": _is_in_stock,
        "sku": lambda sku: Offer.sku == sku,
        "barcode": _has_barcode,
    }
    values = {name: getattr(wanted, name) for name in conditions}
    return [conditions[name](value) for name, value in values.items() if value is not None]


def _matches(q: str) -> ColumnElement[bool]:
    """Words in any form, the last one perhaps still being typed; or exactly a SKU or a barcode."""
    words: ColumnElement[Any] = func.websearch_to_tsquery(LANGUAGE, q)
    if (apart := INSIDE_WORD.sub(" ", q)) != q:  # xs-max is one word to PostgreSQL, XS Max are two
        words = words.op("||")(func.websearch_to_tsquery(LANGUAGE, apart))
    typed = LAST_WORD.match(q)
    if typed and '"' not in q and not typed[1].endswith("-"):
        beginning = func.to_tsquery(LANGUAGE, typed[2] + ":*")
        before = func.websearch_to_tsquery(LANGUAGE, typed[1])
        words = words.op("||")(before.op("&&")(beginning))
    return or_(Offer.search.op("@@")(words), Offer.sku == q, _has_barcode(q))


def _has_barcode(barcode: str) -> ColumnElement[bool]:
    gtin = gtin_of(barcode)
    return false() if gtin is None else Offer.barcodes.contains(cast([gtin], ARRAY(Text)))


def _is_in_stock(wanted: bool) -> ColumnElement[bool]:
    """At hand now: some is left, or the supplier says that there is some; what comes on order is not."""
    is_left = (StockLevel.kind != ON_ORDER) & (StockLevel.on_hand > StockLevel.reserved)
    at_hand = func.coalesce(is_left | (StockLevel.kind == UNKNOWN), false())
    return at_hand if wanted else ~at_hand
