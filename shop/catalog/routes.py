"""The catalog's API for those who read it."""

from pathlib import Path
from typing import Any

import marshmallow as ma
from flask import Response

from shop.catalog import bulk_export, categories, feed, offers, products, suppliers
from shop.catalog.access import catalog_reader
from shop.catalog.caching import cached_answer, catalog_generation, deducts_vat, known_answer
from shop.catalog.offers import Answer
from shop.catalog.schemas import (
    PARAMETERS_PARAMETER,
    CategoriesSchema,
    CategoryArgsSchema,
    ExportArgsSchema,
    FacetsSchema,
    OfferFilterSchema,
    OfferSchema,
    OffersPageSchema,
    ProductSchema,
    SearchOffersSchema,
    SuppliersSchema,
    page_of_all,
)
from shop.catalog.search import facets, pages
from shop.catalog.search.filters import OfferFilter
from shop.config import current_settings
from shop.database import transaction
from shop.errors import Unauthenticated
from shop.http.blueprint import ApiBlueprint, refuses
from shop.http.caching import json_answer, not_modified
from shop.http.pagination import BadCursor

blueprint = ApiBlueprint(
    "catalog", __name__, url_prefix="/api/v1/catalog", description="What can be ordered, from whom, at what price"
)

ETAG = {"ETag": {"schema": {"type": "string"}, "description": "The version; send it back as If-None-Match"}}
AS_OF = {"X-As-Of": {"schema": {"type": "string", "format": "date-time"}, "description": "Send it as changed_since"}}

may_be_known = blueprint.alt_response(
    304, description="You have it already: If-None-Match names its ETag", headers=ETAG
)


@blueprint.route("/offers")
@catalog_reader
@refuses(BadCursor, Unauthenticated)
@blueprint.arguments(SearchOffersSchema, location="query", unknown=ma.RAISE)
@blueprint.doc(parameters=[PARAMETERS_PARAMETER])
@blueprint.response(200, OffersPageSchema, headers=ETAG)
@may_be_known
def search_offers(args: dict[str, Any]) -> Response:
    """Search the catalog

    Listed offers of active suppliers. `q` finds words in any form, the last one also by its beginning, parts of SKUs
    and model numbers, and barcodes; where it finds nothing, typing mistakes are forgiven and `approximate` is true.
    By relevance at most 1,000 hits can be paged through.

    `price_min`, `price_max` and the sorts by price go by `price_with_vat`. `sort=compare_price` goes by what one
    `base_unit` costs you: the offers of one unit after those of another, each beginning with its cheapest. Name a unit
    by `base_unit` to get that alone. `compare_price` is without VAT for buyers whose legal entity deducts it, and with
    VAT for everybody else; `compare_includes_vat` says which.

    To keep a copy in step take `GET export`, then ask with `changed_since` from its `X-As-Of` on, and from each
    answer's `as_of` the next time. Whatever changes what an offer shows is a change of it: data, product and stock, the
    name of its category, its supplier's name, its terms of VAT and whether it takes orders. Offers that were
    withdrawn come with `is_listed` false, and the ids of those whose supplier was blocked in `gone`: delete them. A
    filter other than `supplier` keeps from you what changed so that it passes no longer.
    """
    page = {name: args.pop(name) for name in ("limit", "cursor")} | {"with_vat": not deducts_vat()}
    sort, since = args.pop("sort"), args.pop("changed_since")
    wanted = OfferFilter(**args)
    if since is not None:
        return json_answer(vars(feed.changed_offers(wanted, since=since, **page)) | {"approximate": False})

    def find() -> Answer:
        found = pages.search_offers(wanted, sort=sort, **page)
        return {"items": found.items, "next_cursor": found.next_cursor, "approximate": found.is_approximate}

    return known_answer(find)


@blueprint.route("/facets")
@catalog_reader
@refuses(Unauthenticated)
@blueprint.arguments(OfferFilterSchema, location="query", unknown=ma.RAISE)
@blueprint.doc(parameters=[PARAMETERS_PARAMETER])
@blueprint.response(200, FacetsSchema, headers=ETAG)
@may_be_known
def count_facets(args: dict[str, Any]) -> Response:
    """Count what a search finds by category, supplier and parameter

    Takes the filters of the search. A facet honors all of them but its own, so that one sees what choosing another
    value would find. With `in_stock` or `orderable` the counts may be a minute old.
    """
    wanted = OfferFilter(**args)
    return cached_answer(
        "facets",
        lambda: facets.count_facets(wanted),
        varies_by=wanted,
        depends_on_stock=wanted.depends_on_stock,
    )


@blueprint.route("/export")
@catalog_reader
@refuses(Unauthenticated)
@blueprint.arguments(ExportArgsSchema, location="query", unknown=ma.RAISE)
@blueprint.response(200, content_type="application/gzip", headers=ETAG | AS_OF)
@may_be_known
def export_catalog(args: dict[str, Any]) -> Response:
    """The whole catalog as one gzip file

    One JSON object a line as in the search, or CSV. The ETag follows the catalog and not its stock: fetch that by
    `changed_since` from the moment in the header `X-As-Of` on. At most 15 minutes old, unless you have it already.
    """
    with transaction():  # gives the connection back: making the file takes a while, and one of its own
        generation, file_format, with_vat = catalog_generation(), args["format"], not deducts_vat()
    etag = f"{generation}-{file_format}" if with_vat else f"{generation}-net-{file_format}"
    if unchanged := not_modified(etag):
        return unchanged
    found = bulk_export.export_catalog(file_format, generation=generation, folder=_export_folder(), with_vat=with_vat)
    response = Response(found.content, content_type="application/gzip")
    response.set_etag(etag, weak=True)
    response.headers["Cache-Control"] = "private, no-cache"
    response.headers["X-As-Of"] = found.as_of.isoformat()
    response.headers["Content-Disposition"] = f'attachment; filename="catalog.{file_format}.gz"'
    return response


@blueprint.route("/offers/<id:offer_id>")
@catalog_reader
@refuses(offers.OfferNotFound, Unauthenticated)
@blueprint.response(200, OfferSchema, headers=ETAG)
@may_be_known
def show_offer(offer_id: int) -> Response:
    """One offer

    Also one that its supplier has withdrawn: `is_listed` is false then.
    """
    return known_answer(lambda: offers.show_offer(offer_id, with_vat=not deducts_vat()))


@blueprint.route("/products/<id:product_id>")
@catalog_reader
@refuses(products.ProductNotFound, Unauthenticated)
@blueprint.response(200, ProductSchema, headers=ETAG)
@may_be_known
def show_product(product_id: int) -> Response:
    """One product with all suppliers' offers of it, the cheapest first

    By `compare_price`: per base unit, so that packs of different sizes are comparable, and without VAT for buyers whose
    legal entity deducts it (`compare_includes_vat`). `GET catalog/offers` finds products by words and codes.
    """
    return known_answer(lambda: products.show_product(product_id, with_vat=not deducts_vat()))


@blueprint.route("/categories")
@catalog_reader
@refuses(Unauthenticated)
@blueprint.arguments(CategoryArgsSchema, location="query", unknown=ma.RAISE)
@blueprint.response(200, CategoriesSchema, headers=ETAG)
@may_be_known
def list_categories(args: dict[str, Any]) -> Response:
    """The categories that hold something

    With the number of offers that can be seen in each; `category=` of the search takes their ids. Kept for 15 minutes,
    unless the catalog changes.
    """
    return cached_answer("categories", lambda: page_of_all(categories.list_categories(**args)), varies_by=args)


@blueprint.route("/suppliers")
@catalog_reader
@refuses(Unauthenticated)
@blueprint.response(200, SuppliersSchema, headers=ETAG)
@may_be_known
def list_suppliers() -> Response:
    """The suppliers and their terms

    All that trade at present: minimum order, fee, free delivery, and whether they take orders. Kept for 15 minutes,
    unless the catalog changes.
    """
    return cached_answer("suppliers", lambda: SuppliersSchema().dump(page_of_all(suppliers.list_suppliers())))


def _export_folder() -> Path:
    return Path(current_settings().export_folder)
