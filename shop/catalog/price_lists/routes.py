"""The suppliers' API: sending price lists and seeing what became of them."""

from typing import Any

import marshmallow as ma
from flask import Request, current_app, request, url_for
from webargs.multidictproxy import MultiDictProxy
from werkzeug.datastructures import CombinedMultiDict

from shop.auth.access import current_user, only
from shop.auth.models import MANAGER, SUPPLIER
from shop.catalog.price_lists import queries, receiving
from shop.catalog.price_lists.importing import PriceListNotFound
from shop.catalog.price_lists.models import PriceList
from shop.catalog.price_lists.schemas import (
    IssuesPageSchema,
    PriceListSchema,
    PriceListsPageSchema,
    UploadPriceListSchema,
)
from shop.db import transaction
from shop.http.blueprint import ApiBlueprint, StrictParser, refuses
from shop.http.pagination import BadCursor, PageArgsSchema

REST_OF_FORM = 2**16


class FormAndFilesParser(StrictParser):
    """Reads the fields of a multipart form together with its files, so that one schema documents both."""

    def load_files(self, req: Request, schema: Any) -> Any:
        return MultiDictProxy(CombinedMultiDict([req.form, req.files]), schema)


blueprint = ApiBlueprint(
    "price-lists",
    __name__,
    url_prefix="/api/v1/catalog/price-lists",
    description="Suppliers send their lists and see, row by row, what became of them",
)
blueprint.ARGUMENTS_PARSER = FormAndFilesParser()


def _take_larger_bodies() -> None:
    """Before anything reads the form, and after access was checked: strangers cannot send as much."""
    largest_file = current_app.extensions["settings"].max_price_list_mib * 2**20
    request.max_content_length = largest_file + REST_OF_FORM


blueprint.before_request(_take_larger_bodies)


@blueprint.route("", methods=["POST"])
@only(SUPPLIER, MANAGER, scope="price-lists:write")
@refuses(receiving.EmptyFile, queries.SupplierNotFound)
@blueprint.arguments(UploadPriceListSchema, location="files", unknown=ma.RAISE)
@blueprint.response(202, PriceListSchema)
def upload_price_list(form: dict[str, Any]) -> tuple[PriceList, int, dict[str, str]]:
    """Send a price list

    It is imported in the background: ask at Location until its state is applied or failed.
    """
    upload, user = form["file"], current_user()
    with transaction():
        price_list = receiving.receive_price_list(
            queries.supplier_for(user, form["supplier_id"]),
            file_name=upload.filename or "",
            raw=upload.read(),
            mode=form["mode"],
            by=user,
        )
        return price_list, 202, {"Location": url_for("price-lists.show_price_list", price_list_id=price_list.id)}


@blueprint.route("")
@only(SUPPLIER, MANAGER, scope="price-lists:read")
@refuses(BadCursor)
@blueprint.arguments(PageArgsSchema, location="query", unknown=ma.RAISE)
@blueprint.response(200, PriceListsPageSchema)
def list_price_lists(page: dict[str, Any]) -> dict[str, Any]:
    """Your price lists, the newest first"""
    items, next_cursor = queries.price_lists(current_user(), **page)
    return {"items": items, "next_cursor": next_cursor}


@blueprint.route("/<id:price_list_id>")
@only(SUPPLIER, MANAGER, scope="price-lists:read")
@refuses(PriceListNotFound)
@blueprint.response(200, PriceListSchema)
def show_price_list(price_list_id: int) -> PriceList:
    """One price list: its state, how far it is, and what it changed"""
    return queries.price_list_of(current_user(), price_list_id)


@blueprint.route("/<id:price_list_id>/issues")
@only(SUPPLIER, MANAGER, scope="price-lists:read")
@refuses(PriceListNotFound, BadCursor)
@blueprint.arguments(PageArgsSchema, location="query", unknown=ma.RAISE)
@blueprint.response(200, IssuesPageSchema)
def list_issues(page: dict[str, Any], price_list_id: int) -> dict[str, Any]:
    """What was wrong with a price list, row by row"""
    price_list = queries.price_list_of(current_user(), price_list_id)
    items, next_cursor = queries.issues_of(price_list, **page)
    return {"items": items, "next_cursor": next_cursor}
