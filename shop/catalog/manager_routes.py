"""What managers do to the catalog: products merged and split, categories named and mapped."""

from typing import Any

import marshmallow as ma
from flask import Response

from shop.auth.access import current_user, only
from shop.auth.models import MANAGER
from shop.catalog import categories, products
from shop.catalog.offers import Answer
from shop.catalog.schemas import (
    CategorySchema,
    MapSupplierCategorySchema,
    MergeProductsSchema,
    ProductSchema,
    RenameCategorySchema,
    SplitProductSchema,
    SupplierCategoriesSchema,
    SupplierCategoryArgsSchema,
    SupplierCategorySchema,
)
from shop.database import transaction
from shop.http.blueprint import ApiBlueprint, refuses
from shop.http.caching import json_answer
from shop.http.pagination import BadCursor

blueprint = ApiBlueprint(
    "catalog-management", __name__, url_prefix="/api/v1/catalog", description="Managers keep the catalog in order"
)


@blueprint.route("/products/<id:product_id>/merge", methods=["POST"])
@only(MANAGER, scope="catalog:write")
@refuses(products.ProductNotFound, products.ProductsNotAlike, products.NothingToMerge)
@blueprint.arguments(MergeProductsSchema)
@blueprint.response(200, ProductSchema)
def merge_products(body: dict[str, Any], product_id: int) -> Response:
    """Make two products one

    The other's offers move here, now and whenever a list brings more of them. Its id leads here, too.
    """
    with transaction():
        merged = products.merge_products(product_id, other_id=body["product_id"], by=current_user())
        return json_answer(products.show_product(merged, withdrawn=True))


@blueprint.route("/products/<id:product_id>/split", methods=["POST"])
@only(MANAGER, scope="catalog:write")
@refuses(products.ProductNotFound, products.NothingToSplit)
@blueprint.arguments(SplitProductSchema)
@blueprint.response(200, ProductSchema)
def split_product(body: dict[str, Any], product_id: int) -> Response:
    """Make a product of its own of some of the offers

    Answers the new product. Lists leave the offers of both where they are.
    """
    with transaction():
        parted = products.split_product(product_id, offer_ids=body["offer_ids"], by=current_user())
        return json_answer(products.show_product(parted, withdrawn=True))


@blueprint.route("/categories/<id:category_id>", methods=["PATCH"])
@only(MANAGER, scope="catalog:write")
@refuses(categories.CategoryNotFound, categories.CategoryNameTaken)
@blueprint.arguments(RenameCategorySchema)
@blueprint.response(200, CategorySchema)
def rename_category(body: dict[str, Any], category_id: int) -> Answer:
    """Rename a category; for managers

    Copies of the catalog hear of it by `changed_since`: all offers in it count as changed.
    """
    with transaction():
        return categories.rename_category(category_id, name=body["name"], by=current_user())


@blueprint.route("/supplier-categories")
@only(MANAGER, scope="catalog:write")
@refuses(BadCursor)
@blueprint.arguments(SupplierCategoryArgsSchema, location="query", unknown=ma.RAISE)
@blueprint.response(200, SupplierCategoriesSchema)
def list_supplier_categories(args: dict[str, Any]) -> Answer:
    """What the suppliers' own categories mean here; for managers

    With the id that the supplier uses. `category` is ours, in which its offers are found.
    """
    items, next_cursor = categories.supplier_categories(**args)
    return {"items": items, "next_cursor": next_cursor}


@blueprint.route("/supplier-categories/<id:supplier_category_id>", methods=["PATCH"])
@only(MANAGER, scope="catalog:write")
@refuses(categories.CategoryNotFound)
@blueprint.arguments(MapSupplierCategorySchema)
@blueprint.response(200, SupplierCategorySchema)
def map_supplier_category(body: dict[str, Any], supplier_category_id: int) -> Answer:
    """Decide what a supplier's category means

    Its offers move to the category at once, and its next lists respect the decision.
    """
    with transaction():
        return categories.map_supplier_category(
            supplier_category_id, category_id=body["category_id"], by=current_user()
        )
