"""Offers as they are shown: alone, side by side, in lists."""

from functools import cache
from typing import Any

import orjson
from sqlalchemy import BigInteger, ColumnElement, Select, Text, and_, bindparam, func, literal_column, or_, select

from shop.auth.models import ACTIVE, BLOCKED, Company
from shop.catalog.availability import IS_LISTED, STOCK_KIND, sql_is_orderable
from shop.catalog.compare_prices import compare_price
from shop.catalog.models import Category, Offer, StockLevel
from shop.catalog.packs import sql_pack
from shop.catalog.stock import sql_available_stock
from shop.catalog.units import sql_is_counted, sql_minimum_of, sql_step_of
from shop.database.fast_read import Prepared, Row
from shop.errors import NotFound
from shop.money import sql_money_text

Answer = dict[str, Any]
Finished = orjson.Fragment  # JSON that goes out as it stands

AVAILABLE = sql_available_stock("is_counted")
STEP = sql_step_of("offers.quantity_step", "is_counted")
MINIMUM = sql_minimum_of("offers.minimum_quantity", "is_counted")

# Whatever changes what an offer shows moves one of these: its own data and product; its stock; its supplier's name,
# terms of price, readiness to take orders or standing; the name of its category.
CHANGES = (Offer.updated_at, StockLevel.updated_at, Company.offers_changed_at, Category.offers_changed_at)
WAS_ACTIVE = or_(Company.status == ACTIVE, and_(Company.status == BLOCKED, Company.approved_at.is_not(None)))


# What a large import has not committed yet stands before all others in the index by id, and by price or name anywhere:
# whoever reads an index in order would look at each of these rows. An import takes its ids one import at a time (see
# matching.py), so they are higher than all that is committed. Offers of one's own transaction are none of these.
NEWEST_ID: ColumnElement[int] = func.newest_offer_id(type_=BigInteger)
IS_NOT_BEYOND = Offer.id <= NEWEST_ID


class OfferNotFound(NotFound):
    code = "OfferNotFound"
    message = "There is no such offer."


@cache
def select_offers(
    *columns: Any, with_vat: bool = True, blocked: bool = False, finished: bool = True
) -> Select[*tuple[Any, ...]]:
    """Finished answers under the name `answer`, or without, with whatever columns a list is sorted by.

    With VAT or without it is what their readers compare.

    Built once: putting it together costs as much as running it.

    Offers of suppliers who are not active do not exist for readers; withdrawn ones do, unless a list leaves them out.
    With `blocked` come also, as withdrawn, those of suppliers who were active once: whoever has a copy must hear of it.
    """
    answer = (literal_column(_answer(with_vat), Text).label("answer"),) if finished else ()
    return (
        select(*columns, *answer)
        .select_from(Offer)
        .join(Company, Company.id == Offer.supplier_id)
        .outerjoin(Category, Category.id == Offer.category_id)
        .outerjoin(StockLevel, StockLevel.offer_id == Offer.id)
        .where(WAS_ACTIVE if blocked else Company.status == ACTIVE)
    )


def show_offer(offer_id: int, *, with_vat: bool = True) -> Finished:
    """Withdrawn offers, too: orders refer to them."""
    rows = ONE_OFFER[with_vat].rows({"offer_id": offer_id})
    if not rows:
        raise OfferNotFound(offer_id=offer_id)
    return answer_of(rows[0])


def answer_of(row: Row) -> Finished:
    return Finished(row["answer"])


def _answer(with_vat: bool) -> str:
    """An offer as clients get it, finished in the database: for a page that costs a third of carrying values over and
    putting them together here. OfferSchema documents it."""
    return f"""row_to_json((
    SELECT answer FROM (
        SELECT offers.id, offers.product_id,
            json_build_object('id', companies.id, 'name', companies.name) AS supplier,
            offers.external_id, offers.sku, offers.name, offers.model,
            CASE WHEN categories.id IS NOT NULL THEN json_build_object('id', categories.id, 'name', categories.name) END
                AS category,
            {sql_money_text("offers.price")} AS price,
            {sql_money_text("offers.price_rrc")} AS price_rrc,
            offers.currency, offers.vat_rate, companies.price_includes_vat, offers.unit, offers.unit_code,
            trim_scale({STEP}) AS quantity_step, trim_scale({MINIMUM}) AS minimum_quantity,
            trim_scale(offers.units_per_pack) AS units_per_pack,
            {sql_money_text("round(offers.price / split_part(pack, ' ', 1)::numeric, 4)")} AS base_price,
            offers.base_unit,
            {sql_money_text("offers.price_with_vat")} AS price_with_vat,
            {sql_money_text(f"offers.{compare_price(with_vat).key}")} AS compare_price,
            {with_vat} AS compare_includes_vat,
            offers.barcodes, offers.parameters,
            json_build_object('kind', {STOCK_KIND}, 'available', trim_scale({AVAILABLE})) AS stock,
            {sql_is_orderable("is_counted")} AS is_orderable,
            {IS_LISTED} AS is_listed, offers.revision,
            greatest(offers.updated_at, stock_levels.updated_at, companies.offers_changed_at,
                categories.offers_changed_at) AS updated_at
        FROM (SELECT {sql_pack("offers")} AS pack, {sql_is_counted("offers.unit")} AS is_counted) AS sold
    ) AS answer
))::text"""  # noqa: S608 - of our own words only


ONE_OFFER = {
    with_vat: Prepared(select_offers(with_vat=with_vat).where(Offer.id == bindparam("offer_id")))
    for with_vat in (True, False)
}
