"""Categories: what they hold, their names, and which of them a supplier's own numbers mean."""

from typing import Any

import structlog
from sqlalchemy import func, select, text, update
from sqlalchemy.exc import IntegrityError

from shop.auth.models import ACTIVE, Company, User
from shop.catalog.models import Category, Offer, Product, SupplierCategory
from shop.catalog.offers import Answer
from shop.database import session, violated_constraint
from shop.errors import Conflict, FieldError, NotFound
from shop.http.pagination import cursor_id, make_cursor, page_of, read_cursor

log = structlog.get_logger()

SCOPE = "supplier-categories"

WRITE_REVISIONS = text("""
INSERT INTO offer_revisions (
    offer_id, revision, user_id, name, model, category_id, price, price_rrc, currency, vat_rate, unit_code, unit,
    quantity_step, minimum_quantity, units_per_pack, barcodes, parameters, is_listed
)
SELECT
    id, revision, :user_id, name, model, category_id, price, price_rrc, currency, vat_rate, unit_code, unit,
    quantity_step, minimum_quantity, units_per_pack, barcodes, parameters, is_listed
FROM offers
WHERE id = ANY (:offer_ids)
""")


class CategoryNotFound(NotFound):
    code = "CategoryNotFound"
    message = "There is no such category."


class CategoryNameTaken(Conflict):
    code = "CategoryNameTaken"
    message = "Another category is called «{name}» already. Re-map the suppliers' categories to it instead."


def list_categories(*, empty: bool = False) -> list[Answer]:
    """Those in which active suppliers list something (or all), and how many offers they hold, by name."""
    counts = (
        select(Offer.category_id, func.count().label("offers"))
        .join(Company, Company.id == Offer.supplier_id)
        .where(Offer.is_listed, Company.status == ACTIVE)
        .group_by(Offer.category_id)
    ).subquery()
    statement = (
        select(Category.id, Category.name, func.coalesce(counts.c.offers, 0).label("offers"))
        .join(counts, counts.c.category_id == Category.id, isouter=empty)
        .order_by(Category.name, Category.id)
    )
    return [dict(row) for row in session().execute(statement).mappings()]


def rename_category(category_id: int, *, name: str, by: User) -> Answer:
    category = _category(category_id)
    before, category.name = category.name, name
    try:
        session().flush()
    except IntegrityError as error:
        if violated_constraint(error) == "uq_categories_name":
            raise CategoryNameTaken(name=name) from None
        raise
    log.info("category_renamed", category_id=category.id, before=before, after=name, by=by.id)
    held = select(func.count()).select_from(Offer).join(Company, Company.id == Offer.supplier_id)
    listed = held.where(Offer.category_id == category.id, Offer.is_listed, Company.status == ACTIVE)
    return {"id": category.id, "name": category.name, "offers": session().scalar(listed)}


def supplier_categories(
    *, supplier: int | None = None, category: int | None = None, limit: int, cursor: str | None
) -> tuple[list[Answer], str | None]:
    """What the suppliers' own numbers mean, in the order in which they came."""
    scope = f"{SCOPE}:{supplier}:{category}"
    after = read_cursor(cursor, scope=scope, types=(cursor_id,))
    statement = _select_mappings().order_by(SupplierCategory.id).limit(limit + 1)
    for column, value in ((SupplierCategory.supplier_id, supplier), (SupplierCategory.category_id, category)):
        if value is not None:
            statement = statement.where(column == value)
    if after:
        statement = statement.where(SupplierCategory.id > after[0])
    rows = session().execute(statement).mappings().all()
    page, next_cursor = page_of(rows, limit=limit, cursor_of=lambda row: make_cursor(scope=scope, key=[row["id"]]))
    return [_mapping_answer(row) for row in page], next_cursor


def map_supplier_category(supplier_category_id: int, *, category_id: int, by: User) -> Answer:
    """The supplier's offers in it follow at once, each with a revision; its next lists respect the decision.

    Locks in the order of an import, which locks the mapping first, then the offers by id: it sees this mapping whole
    or not at all.
    """
    mapped = session().get(SupplierCategory, supplier_category_id, with_for_update=True, populate_existing=True)
    if mapped is None:
        raise CategoryNotFound("There is no such category of a supplier.")
    category = _category(category_id, field="category_id")
    before, mapped.category_id = mapped.category_id, category.id
    session().flush()
    moved = _move_offers(mapped, by=by)
    log.info("supplier_category_mapped", id=mapped.id, before=before, after=category.id, offers=len(moved), by=by.id)
    return _mapping_answer(
        session().execute(_select_mappings().where(SupplierCategory.id == mapped.id)).mappings().one()
    )


def _move_offers(mapped: SupplierCategory, *, by: User) -> list[int]:
    inside = (Offer.supplier_id == mapped.supplier_id, Offer.supplier_category == mapped.external_id)
    other = Offer.category_id.is_distinct_from(mapped.category_id)
    locking = select(Offer.id).where(*inside, other).order_by(Offer.id).with_for_update(key_share=True)
    offer_ids = list(session().scalars(locking))
    values = {"category_id": mapped.category_id, "revision": Offer.revision + 1, "updated_at": func.now()}
    session().execute(update(Offer).where(Offer.id.in_(offer_ids)).values(values))
    session().execute(WRITE_REVISIONS, {"offer_ids": offer_ids, "user_id": by.id})
    products = select(Offer.product_id).where(Offer.id.in_(offer_ids))
    session().execute(update(Product).where(Product.id.in_(products)).values(category_id=mapped.category_id))
    return offer_ids


def _category(category_id: int, *, field: str | None = None) -> Category:
    category = session().get(Category, category_id, with_for_update={"key_share": True}, populate_existing=True)
    if category is None:
        errors = [FieldError("json", field, CategoryNotFound.message)] if field else []
        raise CategoryNotFound(category_id=category_id, errors=errors)
    return category


def _select_mappings() -> Any:
    return (
        select(
            SupplierCategory.id,
            SupplierCategory.external_id,
            SupplierCategory.name,
            SupplierCategory.supplier_id,
            Company.name.label("supplier_name"),
            SupplierCategory.category_id,
            Category.name.label("category_name"),
        )
        .join(Company, Company.id == SupplierCategory.supplier_id)
        .join(Category, Category.id == SupplierCategory.category_id)
    )


def _mapping_answer(row: Any) -> Answer:
    return {
        "id": row["id"],
        "external_id": row["external_id"],
        "name": row["name"],
        "supplier": {"id": row["supplier_id"], "name": row["supplier_name"]},
        "category": {"id": row["category_id"], "name": row["category_name"]},
    }
