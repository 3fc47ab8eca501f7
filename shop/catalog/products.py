"""Products: rival offers side by side, and what a manager decides about them: these are one thing, those are not."""

from collections.abc import Sequence
from decimal import Decimal
from functools import cache

import structlog
from sqlalchemy import bindparam, func, or_, select, text, update
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.orm import aliased

from shop.auth.models import ACTIVE, Company, User
from shop.catalog.compare_prices import cheapest_first, compare_price
from shop.catalog.models import Barcode, Category, Offer, Product
from shop.catalog.offers import Answer, answer_of, select_offers
from shop.catalog.packs import base_price, base_unit
from shop.database import session
from shop.database.fast_read import Prepared
from shop.errors import Conflict, FieldError, Invalid, NotFound
from shop.money import money_text

log = structlog.get_logger()

MOST_OTHER_PACKS = 20

# Two imports that see a good for the first time would both make a product of it; the second waits here instead. So it
# takes the ids of its new offers after the first has committed, and what is not committed stands above all that is:
# readers begin below (IS_NOT_BEYOND).
ONE_AT_A_TIME = text("SELECT pg_advisory_xact_lock(hashtext('catalog.products'))")


@cache
def _rivals(*, with_vat: bool, withdrawn: bool) -> Prepared:
    statement = select_offers(with_vat=with_vat).where(Offer.product_id == bindparam("product_id"))
    statement = statement if withdrawn else statement.where(Offer.is_listed)
    return Prepared(statement.order_by(*cheapest_first(bindparam("base_unit"), with_vat=with_vat)))


# A number that only the parted offers bear goes with them; one that others bear, too, stays.
MOVE_OWN_BARCODES = text("""
UPDATE barcodes AS barcode
SET product_id = :new_id
WHERE barcode.product_id = :product_id
    AND EXISTS (SELECT FROM offers WHERE product_id = :new_id AND barcodes @> ARRAY[barcode.gtin])
    AND NOT EXISTS (SELECT FROM offers WHERE product_id = :product_id AND barcodes @> ARRAY[barcode.gtin])
""")


class ProductNotFound(NotFound):
    code = "ProductNotFound"
    message = "There is no such product."


class ProductsNotAlike(Conflict):
    code = "ProductsNotAlike"
    message = "These cannot be one product: one is priced by {pack}, the other by {other_pack}."


class NothingToMerge(Invalid):
    code = "NothingToMerge"
    message = "Name another product: this is the same one."


class NothingToSplit(Invalid):
    code = "NothingToSplit"
    message = "Name some of the product's offers, but not all of them."


def show_product(product_id: int, *, withdrawn: bool = False, with_vat: bool = True) -> Answer:
    """A product and who offers it, the cheapest first. One that was merged shows what it was merged into."""
    asked = aliased(Product)
    statement = (
        select(Product.id, Product.name, Product.match_key, Product.pack, Product.category_id)
        .add_columns(Category.name.label("category_name"))
        .select_from(asked)
        .join(Product, Product.id == func.coalesce(asked.merged_into_id, asked.id))
        .outerjoin(Category, Category.id == Product.category_id)
        .where(asked.id == product_id)
    )
    found = session().execute(statement).mappings().one_or_none()
    if found is None:
        raise ProductNotFound(product_id=product_id)
    rivals = _rivals(with_vat=with_vat, withdrawn=withdrawn)
    offers = rivals.rows({"product_id": found["id"], "base_unit": base_unit(found["pack"])})
    if not offers and not withdrawn:
        raise ProductNotFound(product_id=product_id)
    return {
        "id": found["id"],
        "name": found["name"],
        "category": found["category_id"] and {"id": found["category_id"], "name": found["category_name"]},
        "compare_includes_vat": with_vat,
        "offers": [answer_of(offer) for offer in offers],
        "other_packs": _other_packs(found["id"], found["match_key"], found["pack"], with_vat),
    }


def merge_products(product_id: int, *, other_id: int, by: User) -> int:
    """The other's offers, barcodes and name lead here from now on; returns the id of what both are now.

    Lists leave the offers of both where they are.
    """
    product, other = _locked(product_id), _locked(other_id, field="product_id")
    if product.id == other.id:
        raise NothingToMerge(errors=[FieldError("json", "product_id", NothingToMerge.message)])
    if product.pack != other.pack:
        raise ProductsNotAlike(pack=product.pack, other_pack=other.pack)
    _move_offers(_lock_offers(product.id, other.id), to=product.id, by=by)
    session().execute(update(Barcode).where(Barcode.product_id == other.id).values(product_id=product.id))
    merged = or_(Product.id == other.id, Product.merged_into_id == other.id)
    session().execute(update(Product).where(merged).values(merged_into_id=product.id))
    log.info("products_merged", product_id=product.id, other_id=other.id, by=by.id)
    return product.id


def split_product(product_id: int, *, offer_ids: Sequence[int], by: User) -> int:
    """Makes a product of some of the offers; returns its id. Lists leave both sides where they are."""
    product = _locked(product_id)
    present, parted = _lock_offers(product.id), set(offer_ids)
    if not parted or not parted < set(present):
        raise NothingToSplit(errors=[FieldError("json", "offer_ids", NothingToSplit.message)])
    first = session().execute(select(Offer.name, Offer.category_id).where(Offer.id == min(parted))).one()
    new = Product(name=first.name, category_id=first.category_id, match_key=product.match_key, pack=product.pack)
    session().add(new)
    session().flush()
    _move_offers(sorted(parted), to=new.id, by=by)
    _move_offers(sorted(set(present) - parted), to=product.id, by=by)
    session().execute(MOVE_OWN_BARCODES, {"new_id": new.id, "product_id": product.id})
    log.info("product_split", product_id=product.id, new_id=new.id, offers=sorted(parted), by=by.id)
    return new.id


def _other_packs(product_id: int, match_key: str | None, pack: str, with_vat: bool) -> list[Answer]:
    """The same thing by the crate or by the gram, with what its cheapest offer costs per base unit."""
    same_number = aliased(Barcode)
    alike = or_(
        Product.match_key == match_key,
        Product.id.in_(
            select(same_number.product_id)
            .join(Barcode, Barcode.gtin == same_number.gtin)
            .where(Barcode.product_id == product_id)
        ),
    )
    statement = (
        select(Product.id, Product.name, Product.pack, Offer.price, compare_price(with_vat))
        .ext(distinct_on(Product.id))
        .join(Offer, Offer.product_id == Product.id)
        .join(Company, Company.id == Offer.supplier_id)
        .where(alike, Product.pack != pack, Offer.is_listed, Company.status == ACTIVE)
        .order_by(Product.id, *cheapest_first(func.split_part(Product.pack, " ", 2), with_vat=with_vat))
        .limit(MOST_OTHER_PACKS)
    )
    return [_pack_answer(*row) for row in session().execute(statement)]


def _pack_answer(product_id: int, name: str, pack: str, price: Decimal, compared: Decimal) -> Answer:
    return {
        "id": product_id,
        "name": name,
        "base_price": money_text(base_price(price, pack)),
        "compare_price": money_text(compared),
        "base_unit": base_unit(pack),
    }


def _locked(product_id: int, *, field: str | None = None) -> Product:
    """Imports make and find products one at a time; a manager waits for a turn, too."""
    session().execute(ONE_AT_A_TIME)
    product = session().get(Product, product_id, populate_existing=True)
    if product is not None and product.merged_into_id is not None:
        product = session().get(Product, product.merged_into_id, populate_existing=True)
    if product is None:
        errors = [FieldError("json", field, ProductNotFound.message)] if field else []
        raise ProductNotFound(product_id=product_id, errors=errors)
    return product


def _lock_offers(*product_ids: int) -> list[int]:
    statement = select(Offer.id).where(Offer.product_id.in_(product_ids)).order_by(Offer.id)
    return list(session().scalars(statement.with_for_update(key_share=True)))


def _move_offers(offer_ids: Sequence[int], *, to: int, by: User) -> None:
    session().execute(
        update(Offer)
        .where(Offer.id.in_(offer_ids))
        .values(product_id=to, product_decided_by_id=by.id, updated_at=func.now())
    )
