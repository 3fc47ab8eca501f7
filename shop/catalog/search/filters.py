"""What a searcher wants, as conditions on offers."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from sqlalchemy import Boolean, ColumnElement, Select, cast, func, literal_column, not_, or_, select
from sqlalchemy.dialects.postgresql import JSONB

from shop.auth.models import ACTIVE, Company
from shop.catalog.availability import sql_is_orderable
from shop.catalog.models import ON_ORDER, UNKNOWN, Offer, StockLevel
from shop.catalog.search.search_terms import Words, has_barcode
from shop.catalog.stock import AVAILABLE
from shop.catalog.units import sql_is_counted

HIGHEST_PRICE = Decimal(10**10)
NUMBER = re.compile(r"-?\d{1,15}(?:[.,]\d{1,10})?")
# Of suppliers who are not active only the list of changes has offers, to say that they are gone, whatever is wanted.
IS_ORDERABLE: ColumnElement[bool] = literal_column(
    sql_is_orderable(sql_is_counted("offers.unit"), is_listed="offers.is_listed"), Boolean
)
YES_OR_NO = {"true": True, "да": True, "false": False, "нет": False}


@dataclass(frozen=True, kw_only=True)
class OfferFilter:
    """None and empty do not filter. Several values of one kind are alternatives; kinds and parameters add up."""

    q: str | None = None
    category: tuple[int, ...] = ()
    supplier: tuple[int, ...] = ()
    price_min: Decimal | None = None
    price_max: Decimal | None = None
    base_unit: str | None = None
    in_stock: bool | None = None
    orderable: bool | None = None
    sku: str | None = None
    barcode: str | None = None
    parameters: Mapping[str, tuple[str, ...]] = field(
        default_factory=dict, hash=False
    )  # compared, but cannot be hashed

    @property
    def depends_on_stock(self) -> bool:
        return self.in_stock is not None or self.orderable is not None


def select_matching(*columns: Any, wanted: OfferFilter, words: Words | None) -> Select[*tuple[Any, ...]]:
    """`columns` of the offers wanted, withdrawn ones included, of active suppliers. Joins stock and suppliers."""
    return (
        select(*columns)
        .select_from(Offer)
        .join(Company, Company.id == Offer.supplier_id)
        .outerjoin(StockLevel, StockLevel.offer_id == Offer.id)
        .where(Company.status == ACTIVE, *conditions(wanted, words))
    )


def conditions(wanted: OfferFilter, words: Words | None) -> list[ColumnElement[bool]]:
    """For statements that join stock and suppliers."""
    found = [words.match()] if words else []
    for name, condition in CONDITIONS.items():
        value = getattr(wanted, name)
        if value is not None and value != ():
            found.append(condition(value))
    return found + [_has_parameter(name, values) for name, values in wanted.parameters.items()]


def _is_in_stock(wanted: bool) -> ColumnElement[bool]:
    """At hand now: some is left, or the supplier says that there is some; what comes on order is not."""
    is_left = (StockLevel.kind != ON_ORDER) & (AVAILABLE > 0)
    at_hand = func.coalesce(is_left | (StockLevel.kind == UNKNOWN), False)
    return at_hand if wanted else ~at_hand


def _is_orderable(wanted: bool) -> ColumnElement[bool]:
    """What `is_orderable` says in an offer's answer."""
    return IS_ORDERABLE if wanted else not_(IS_ORDERABLE)


def _has_parameter(name: str, values: tuple[str, ...]) -> ColumnElement[bool]:
    """A value in an address is text; in the catalog it may be a number or yes/no, perhaps with its unit beside it."""
    meant = [meaning for value in values for meaning in _meanings(value)]
    shapes = [shape for value in meant for shape in (value, {"value": value})]
    return or_(*(Offer.parameters.contains(cast({name: shape}, JSONB)) for shape in shapes))


def _meanings(value: str) -> list[str | int | float | bool]:
    found: list[str | int | float | bool] = [value]
    if NUMBER.fullmatch(value):
        number = Decimal(value.replace(",", "."))
        found.append(int(number) if number == int(number) else float(number))
    if value.casefold() in YES_OR_NO:
        found.append(YES_OR_NO[value.casefold()])
    return found


CONDITIONS: Mapping[str, Any] = {
    "category": lambda ids: Offer.category_id.in_(ids),
    "supplier": lambda ids: Offer.supplier_id.in_(ids),
    "price_min": lambda price: Offer.price_with_vat >= price,
    "price_max": lambda price: Offer.price_with_vat <= price,
    "base_unit": lambda unit: Offer.base_unit == unit,
    "in_stock": _is_in_stock,
    "orderable": _is_orderable,
    "sku": lambda sku: Offer.sku == sku,
    "barcode": has_barcode,
}
