"""Offers as they are shown: alone, side by side, in lists."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from functools import cache
from typing import Any

import orjson
from sqlalchemy import RowMapping, Select, Text, and_, cast, func, or_, select

from shop.auth.models import ACTIVE, BLOCKED, Company
from shop.catalog.models import BOUND_KINDS, EXACT, Category, Offer, StockLevel
from shop.catalog.packs import base_price, pack_of
from shop.db import session
from shop.errors import NotFound
from shop.http.fields import quantity_number
from shop.money import money_text

Answer = dict[str, Any]

# Whatever changes what an offer shows moves one of these: its own data and product; its stock; its supplier's name,
# terms of price, readiness to take orders or standing; the name of its category.
CHANGES = (Offer.updated_at, StockLevel.updated_at, Company.offers_changed_at, Category.offers_changed_at)
WAS_ACTIVE = or_(Company.status == ACTIVE, and_(Company.status == BLOCKED, Company.approved_at.is_not(None)))


class OfferNotFound(NotFound):
    code = "OfferNotFound"
    message = "There is no such offer."


@cache
def select_offers(*, blocked: bool = False) -> Select[*tuple[Any, ...]]:
    """All that an offer's answer consists of, in one statement and without the ORM, which costs five times as much.

    Built once: putting it together costs as much as running it.

    Offers of suppliers who are not active do not exist for readers; withdrawn ones do, unless a list leaves them out.
    With `blocked` come also, as withdrawn, those of suppliers who were active once: whoever has a copy must hear of it.
    """
    return (
        select(
            Offer.id,
            Offer.product_id,
            Offer.supplier_id,
            Company.name.label("supplier_name"),
            Company.accepts_orders,
            Company.price_includes_vat,
            Offer.external_id,
            Offer.sku,
            Offer.name,
            Offer.model,
            Offer.category_id,
            Category.name.label("category_name"),
            Offer.price,
            Offer.price_rrc,
            Offer.currency,
            Offer.vat_rate,
            Offer.unit,
            Offer.unit_code,
            Offer.quantity_step,
            Offer.minimum_quantity,
            Offer.units_per_pack,
            Offer.barcodes,
            cast(Offer.parameters, Text).label("parameters"),
            func.coalesce(StockLevel.kind, EXACT).label("stock_kind"),
            func.greatest(StockLevel.on_hand - StockLevel.reserved, 0).label("available"),
            and_(Offer.is_listed, Company.status == ACTIVE).label("is_listed"),
            Offer.is_quarantined,
            Offer.revision,
            func.greatest(*CHANGES).label("updated_at"),
        )
        .join(Company, Company.id == Offer.supplier_id)
        .outerjoin(Category, Category.id == Offer.category_id)
        .outerjoin(StockLevel, StockLevel.offer_id == Offer.id)
        .where(WAS_ACTIVE if blocked else Company.status == ACTIVE)
    )


def rows_of(statement: Select[*tuple[Any, ...]]) -> Sequence[RowMapping]:
    """In the session's transaction, but past its ORM, which would take more time than the database for a page."""
    return session().connection().execute(statement).mappings().all()


def offer_answer(offer: RowMapping) -> Answer:
    """The offer as clients get it, ready for orjson; OfferSchema documents it.

    Parameters go through as the database writes them: reading them only to write them again would be waste.
    """
    available: Decimal = offer["available"]
    updated_at: datetime = offer["updated_at"]
    price = money_text(offer["price"])
    in_pack, base_unit = pack_of(offer["unit"], offer["units_per_pack"])
    return {
        "id": offer["id"],
        "product_id": offer["product_id"],
        "supplier": {"id": offer["supplier_id"], "name": offer["supplier_name"]},
        "external_id": offer["external_id"],
        "sku": offer["sku"],
        "name": offer["name"],
        "model": offer["model"],
        "category": offer["category_id"] and {"id": offer["category_id"], "name": offer["category_name"]},
        "price": price,
        "price_rrc": None if offer["price_rrc"] is None else money_text(offer["price_rrc"]),
        "currency": offer["currency"],
        "vat_rate": offer["vat_rate"],
        "price_includes_vat": offer["price_includes_vat"],
        "unit": offer["unit"],
        "unit_code": offer["unit_code"],
        "quantity_step": quantity_number(offer["quantity_step"]),
        "minimum_quantity": quantity_number(offer["minimum_quantity"]),
        "units_per_pack": None if offer["units_per_pack"] is None else quantity_number(offer["units_per_pack"]),
        "base_price": price if in_pack == 1 else money_text(base_price(offer["price"], in_pack)),
        "base_unit": base_unit,
        "barcodes": offer["barcodes"],
        "parameters": orjson.Fragment(offer["parameters"]),
        "stock": {"kind": offer["stock_kind"], "available": quantity_number(available)},
        "is_orderable": _is_orderable(offer),
        "is_listed": offer["is_listed"],
        "revision": offer["revision"],
        "updated_at": updated_at,
    }


def show_offer(offer_id: int) -> Answer:
    """Withdrawn offers, too: orders refer to them."""
    found = session().execute(select_offers().where(Offer.id == offer_id)).mappings().one_or_none()
    if found is None:
        raise OfferNotFound(offer_id=offer_id)
    return offer_answer(found)


def _is_orderable(offer: RowMapping) -> bool:
    covered = offer["stock_kind"] not in BOUND_KINDS or offer["available"] >= offer["minimum_quantity"]
    return bool(offer["is_listed"] and not offer["is_quarantined"] and offer["accepts_orders"] and covered)
