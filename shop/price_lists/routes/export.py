"""A supplier's current list as a file, how its lists are taken, and an offer's history."""

from collections.abc import Callable
from typing import Any, TypeVar

import marshmallow as ma
from flask import Response

from shop.auth.access import current_company, current_user, only
from shop.auth.models import MANAGER, SUPPLIER
from shop.catalog import history
from shop.catalog.access import catalog_reader
from shop.catalog.offers import OfferNotFound
from shop.errors import Unauthenticated
from shop.http.blueprint import refuses
from shop.http.pagination import BadCursor, PageArgsSchema
from shop.price_lists import export as exporting
from shop.price_lists import import_terms, queries
from shop.price_lists.routes.blueprint import blueprint
from shop.price_lists.schemas import ExportArgsSchema, HistoryPageSchema, ImportTermsSchema

View = TypeVar("View", bound=Callable[..., Any])
ANY = {"description": "As docs/price-lists.md describes it"}  # who reads YAML gets what is in it, not a text


def _answers_with_a_file(view: View) -> View:
    file = {"type": "string", "format": "binary"}
    for _, content_type in exporting.FORMATS.values():
        plain = content_type.partition(";")[0]
        schema = ANY if plain == "application/yaml" else file
        view = blueprint.response(200, schema, content_type=plain, description="The file")(view)
    return view


@blueprint.route("/price-list")
@only(SUPPLIER, MANAGER, scope="price-lists:read")
@refuses(queries.SupplierNotFound)
@blueprint.arguments(ExportArgsSchema, location="query", unknown=ma.RAISE)
@_answers_with_a_file
def export_price_list(args: dict[str, Any]) -> Response:
    """Your current price list as a file

    Importing it again changes nothing.
    """
    export = exporting.export_price_list(queries.supplier_for(current_user(), args["supplier_id"]), args["format"])
    headers = {"Content-Disposition": f"attachment; filename={export.file_name}"}
    return Response(b"".join(export.pieces), content_type=export.content_type, headers=headers)


@blueprint.route("/offers/<id:offer_id>/history")
@catalog_reader
@refuses(OfferNotFound, BadCursor, Unauthenticated)
@blueprint.arguments(PageArgsSchema, location="query", unknown=ma.RAISE)
@blueprint.response(200, HistoryPageSchema)
def show_offer_history(page: dict[str, Any], offer_id: int) -> dict[str, Any]:
    """What an offer was, and since when

    Prices, names, category, VAT, unit and listing; the newest first. Quantities are not kept.
    """
    items, next_cursor = history.offer_history(offer_id, **page)
    return {"items": items, "next_cursor": next_cursor}


@blueprint.route("/supplier/price-lists")
@only(SUPPLIER, scope="supplier:read")
@blueprint.response(200, ImportTermsSchema)
def show_import_terms() -> dict[str, Any]:
    """How your price lists are taken: address, interval, mode and columns

    Change it by `price_lists` in `PATCH supplier`.
    """
    return import_terms.import_terms(current_company())
