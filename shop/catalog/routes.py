"""The catalog's API: reading it, and a supplier's own terms."""

from typing import Any

import marshmallow as ma
import orjson
from flask import Response

from shop.auth.access import catalog_reader, current_company, only
from shop.auth.models import SUPPLIER, Company
from shop.catalog import offers, search, suppliers
from shop.catalog.schemas import (
    CategoriesSchema,
    ChangeTermsSchema,
    OfferSchema,
    OffersPageSchema,
    OwnSupplierSchema,
    ProductSchema,
    SearchOffersSchema,
    SuppliersSchema,
    page_of_all,
)
from shop.db import transaction
from shop.errors import Unauthenticated
from shop.http.blueprint import ApiBlueprint, refuses
from shop.http.pagination import BadCursor

blueprint = ApiBlueprint(
    "catalog", __name__, url_prefix="/api/v1/catalog", description="What can be ordered, from whom, at what price"
)


@blueprint.route("/offers")
@catalog_reader
@refuses(BadCursor, Unauthenticated)
@blueprint.arguments(SearchOffersSchema, location="query", unknown=ma.RAISE)
@blueprint.response(200, OffersPageSchema)
def search_offers(args: dict[str, Any]) -> Response:
    """Search the catalog

    Listed offers of active suppliers. `q` finds words in any form, the last one also by its beginning, and exact SKUs
    and barcodes.
    """
    page = {name: args.pop(name) for name in ("sort", "limit", "cursor")}
    items, next_cursor = search.search_offers(search.OfferFilter(**args), **page)
    return _json({"items": items, "next_cursor": next_cursor})


@blueprint.route("/offers/<id:offer_id>")
@catalog_reader
@refuses(offers.OfferNotFound, Unauthenticated)
@blueprint.response(200, OfferSchema)
def show_offer(offer_id: int) -> Response:
    """One offer

    Also one that its supplier has withdrawn: `is_listed` is false then.
    """
    return _json(offers.show_offer(offer_id))


@blueprint.route("/products/<id:product_id>")
@catalog_reader
@refuses(offers.ProductNotFound, Unauthenticated)
@blueprint.response(200, ProductSchema)
def show_product(product_id: int) -> Response:
    """One product with all suppliers' offers of it, the cheapest first"""
    return _json(offers.show_product(product_id))


@blueprint.route("/categories")
@catalog_reader
@refuses(Unauthenticated)
@blueprint.response(200, CategoriesSchema)
def list_categories() -> dict[str, Any]:
    """The categories that hold something"""
    return page_of_all(suppliers.list_categories())


@blueprint.route("/suppliers")
@catalog_reader
@refuses(Unauthenticated)
@blueprint.response(200, SuppliersSchema)
def list_suppliers() -> dict[str, Any]:
    """The suppliers and their terms"""
    return page_of_all(suppliers.list_suppliers())


@blueprint.route("/supplier")
@only(SUPPLIER, scope="supplier:read")
@blueprint.response(200, OwnSupplierSchema)
def show_terms() -> Company:
    """Your own terms as a supplier"""
    return current_company()


@blueprint.route("/supplier", methods=["PATCH"])
@only(SUPPLIER, scope="supplier:write")
@blueprint.arguments(ChangeTermsSchema)
@blueprint.response(200, OwnSupplierSchema)
def change_terms(terms: dict[str, Any]) -> Company:
    """Change your own terms

    Also switches taking orders on and off. What you leave out stays as it is.
    """
    with transaction():
        return suppliers.change_terms(current_company(), terms=terms)


def _json(answer: dict[str, Any]) -> Response:
    """Finished JSON: the schema documents it but does not touch it."""
    return Response(orjson.dumps(answer), content_type="application/json")
