"""Goods as baskets and orders take them: the offer, its supplier's terms and its stock.

One statement and no objects of the ORM: this is read with every change of a basket and with every order.
"""

from collections.abc import Iterable
from decimal import Decimal
from functools import cache
from typing import Any, NamedTuple

from sqlalchemy import BigInteger, Row, Select, any_, literal_column, select

from shop.auth.models import ACTIVE, Company
from shop.catalog.models import BOUND_KINDS, EXACT, Offer, StockLevel
from shop.catalog.stock import available_stock
from shop.catalog.vat_rates import effective_vat_rate, sql_default_vat_rate
from shop.database import given_list, session


class Terms(NamedTuple):
    """On what terms a supplier trades now; the VAT rate is that of the delivery, and of goods whose own is unknown."""

    id: int
    name: str
    status: str
    accepts_orders: bool
    price_includes_vat: bool
    delivery_fee: Decimal
    free_delivery_from: Decimal | None
    minimum_order: Decimal
    default_vat_rate: str | None

    @property
    def is_active(self) -> bool:
        return self.status == ACTIVE


class Good(NamedTuple):
    """An offer of which no list has stated the stock has no level: there is none of it."""

    id: int
    revision: int
    name: str
    sku: str
    barcodes: list[str]
    unit_code: str | None
    unit: str
    units_per_pack: Decimal | None
    price: Decimal
    vat_rate: str | None
    quantity_step: Decimal
    minimum_quantity: Decimal
    is_listed: bool
    is_quarantined: bool
    stock_kind: str | None
    on_hand: Decimal | None
    reserved: Decimal | None
    supplier: Terms

    @property
    def supplier_id(self) -> int:
        return self.supplier.id

    @property
    def available(self) -> Decimal | None:
        """How much a reservation may take; None where the supplier does not say how much there is."""
        if (self.stock_kind or EXACT) not in BOUND_KINDS:
            return None
        return available_stock(self.on_hand or Decimal(0), self.reserved or Decimal(0), self.unit)

    @property
    def effective_vat_rate(self) -> str | None:
        return effective_vat_rate(self.vat_rate, self.supplier.default_vat_rate)

    @property
    def vat_is_default(self) -> bool:
        """Whether it is the seller's, as the list states none."""
        return self.vat_rate is None and self.effective_vat_rate is not None


@cache
def select_goods() -> Select[*tuple[Any, ...]]:
    """The columns of `good_of`, to which a caller may add its own. Built once."""
    return (
        select(
            Offer.id,
            Offer.revision,
            Offer.name,
            Offer.sku,
            Offer.barcodes,
            Offer.unit_code,
            Offer.unit,
            Offer.units_per_pack,
            Offer.price,
            Offer.vat_rate,
            Offer.quantity_step,
            Offer.minimum_quantity,
            Offer.is_listed,
            Offer.is_quarantined,
            StockLevel.kind.label("stock_kind"),
            StockLevel.on_hand,
            StockLevel.reserved,
            Company.id.label("company_id"),
            Company.name.label("company_name"),
            Company.status,
            Company.accepts_orders,
            Company.price_includes_vat,
            Company.delivery_fee,
            Company.free_delivery_from,
            Company.minimum_order,
            literal_column(sql_default_vat_rate("companies.id")).label("default_vat_rate"),
        )
        .join(Company, Company.id == Offer.supplier_id)
        .outerjoin(StockLevel, StockLevel.offer_id == Offer.id)
    )


def good_of(row: Row[Any]) -> Good:
    own = len(Good._fields) - 1
    return Good._make((*row[:own], Terms._make(row[own : own + len(Terms._fields)])))


def find_goods(offer_ids: Iterable[int]) -> dict[int, Good]:
    """By id."""
    return _by_id(session().connection().execute(_select_by_ids(), {"offer_ids": list(offer_ids)}))


def lock_goods(offer_ids: Iterable[int]) -> dict[int, Good]:
    """The same, locked_for_order()."""
    return _by_id(session().connection().execute(_select_locked(), {"offer_ids": list(offer_ids)}))


def locked_for_order(goods: Select[*tuple[Any, ...]]) -> Select[*tuple[Any, ...]]:
    """FOR SHARE in the order of ids, so that no two orders wait for each other: nobody changes price or listing until
    we commit."""
    return goods.order_by(Offer.id).with_for_update(read=True, of=Offer)


def _by_id(rows: Iterable[Any]) -> dict[int, Good]:
    return {row.id: good_of(row) for row in rows}


@cache
def _select_locked() -> Select[*tuple[Any, ...]]:
    return locked_for_order(_select_by_ids())


@cache
def _select_by_ids() -> Select[*tuple[Any, ...]]:
    return select_goods().where(Offer.id == any_(given_list("offer_ids", BigInteger)))
