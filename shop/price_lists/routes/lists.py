"""The suppliers' API: sending price lists and seeing what became of them; deciding and exporting stand elsewhere."""

from typing import Any

import marshmallow as ma
from flask import Response, url_for

from shop.auth.access import current_user, only
from shop.auth.models import MANAGER, SUPPLIER
from shop.database import transaction
from shop.http.blueprint import LOCATION, json_body, refuses
from shop.http.outgoing import AddressRefused
from shop.http.pagination import BadCursor, PageArgsSchema
from shop.http.requests import REQUEST_ID_PARAMETER
from shop.http.throttling import per_upload, polled
from shop.price_lists import queries, rejected_rows
from shop.price_lists.arriving import receipt
from shop.price_lists.imports import change_sets
from shop.price_lists.imports.pipeline import PriceListNotFound
from shop.price_lists.models import PriceList
from shop.price_lists.routes.blueprint import blueprint
from shop.price_lists.schemas import (
    ChangesArgsSchema,
    ChangesPageSchema,
    FetchPriceListSchema,
    IssuesPageSchema,
    PriceListSchema,
    PriceListsPageSchema,
    UploadPriceListSchema,
)


@blueprint.route("/price-lists", methods=["POST"])
@only(SUPPLIER, MANAGER, scope="price-lists:write")
@per_upload
@refuses(receipt.SupplierNotApproved, receipt.EmptyFile, queries.SupplierNotFound, AddressRefused)
@blueprint.arguments(UploadPriceListSchema, location="files", unknown=ma.RAISE)
# Without an optional parameter openapi-python-client's code for an operation with two kinds of body cannot be imported.
@blueprint.doc(requestBody=json_body(FetchPriceListSchema), parameters=[REQUEST_ID_PARAMETER])
@blueprint.response(202, PriceListSchema, headers=LOCATION)
def upload_price_list(form: dict[str, Any]) -> tuple[PriceList, int, dict[str, str]]:
    """Send a price list

    A file (YAML, JSON, CSV, XLSX or YML, perhaps packed by gzip) as multipart form, or as JSON the url to fetch it
    from. It is imported in the background: ask at Location until its state is applied, held or failed.
    """
    with transaction():
        price_list = _receive(form)
        return price_list, 202, {"Location": url_for("price-lists.show_price_list", price_list_id=price_list.id)}


def _receive(form: dict[str, Any]) -> PriceList:
    user = current_user()
    supplier = queries.supplier_for(user, form["supplier_id"])
    chosen = {"mode": form["mode"], "layout": {name: form[name] for name in ("columns", "headings")}, "by": user}
    chosen["dry_run"] = form["dry_run"]
    if form["url"] is not None:
        return receipt.receive_address(supplier, url=form["url"], **chosen)
    upload = form["file"]
    return receipt.receive_price_list(supplier, file_name=upload.filename or "", raw=upload.read(), **chosen)


@blueprint.route("/price-lists")
@only(SUPPLIER, MANAGER, scope="price-lists:read")
@refuses(BadCursor)
@blueprint.arguments(PageArgsSchema, location="query", unknown=ma.RAISE)
@blueprint.response(200, PriceListsPageSchema)
def list_price_lists(page: dict[str, Any]) -> dict[str, Any]:
    """Your price lists, the newest first

    Whatever became of them, with counts; for a manager those of all suppliers.
    """
    items, next_cursor = queries.price_lists(current_user(), **page)
    return {"items": items, "next_cursor": next_cursor}


@blueprint.route("/price-lists/<id:price_list_id>")
@only(SUPPLIER, MANAGER, scope="price-lists:read")
@polled
@refuses(PriceListNotFound)
@blueprint.response(200, PriceListSchema)
def show_price_list(price_list_id: int) -> PriceList:
    """One price list: its state, how far it is, and what it changed

    Asking again and again costs nothing of your allowance. `applied`, `failed`, `discarded` and `held` do not change by
    themselves.
    """
    return queries.price_list_of(current_user(), price_list_id)


@blueprint.route("/price-lists/<id:price_list_id>/issues")
@only(SUPPLIER, MANAGER, scope="price-lists:read")
@refuses(PriceListNotFound, BadCursor)
@blueprint.arguments(PageArgsSchema, location="query", unknown=ma.RAISE)
@blueprint.response(200, IssuesPageSchema)
def list_issues(page: dict[str, Any], price_list_id: int) -> dict[str, Any]:
    """What was wrong with a price list, row by row

    Errors are rows that were not taken, warnings those taken without what the message names. Codes are stable:
    docs/price-lists.md lists them.
    """
    price_list = queries.price_list_of(current_user(), price_list_id)
    items, next_cursor = queries.issues_of(price_list, **page)
    return {"items": items, "next_cursor": next_cursor}


@blueprint.route("/price-lists/<id:price_list_id>/rejected-rows")
@only(SUPPLIER, MANAGER, scope="price-lists:read")
@refuses(PriceListNotFound)
@blueprint.response(200, {"type": "string"}, content_type="text/csv", description="CSV")
def download_rejected_rows(price_list_id: int) -> Response:
    """The rejected rows as CSV, to be mended and sent again

    The columns of the file and after them issue_row, issue_code and issue_message (in your language), which importing
    ignores.
    """
    price_list = queries.price_list_of(current_user(), price_list_id)
    body = b"".join(rejected_rows.rejected_rows(price_list, locale=current_user().locale))
    name = f"rejected-rows-{price_list.id}.csv"
    headers = {"Content-Disposition": f"attachment; filename={name}"}
    return Response(body, content_type="text/csv; charset=utf-8", headers=headers)


@blueprint.route("/price-lists/<id:price_list_id>/changes")
@only(SUPPLIER, MANAGER, scope="price-lists:read")
@refuses(PriceListNotFound, BadCursor)
@blueprint.arguments(ChangesArgsSchema, location="query", unknown=ma.RAISE)
@blueprint.response(200, ChangesPageSchema)
def list_changes(args: dict[str, Any], price_list_id: int) -> dict[str, Any]:
    """What a price list changes, or has changed

    Offer by offer, field by field: while the list is held what it would do, afterwards what it did.
    """
    price_list = queries.price_list_of(current_user(), price_list_id)
    items, next_cursor = change_sets.change_set_of(price_list, **args)
    return {"counts": price_list, "items": items, "next_cursor": next_cursor}
