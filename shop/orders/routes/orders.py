"""Orders as buyers and managers see them, and their invoices."""

from typing import Any

from flask import Response, url_for

from shop.auth.access import current_caller, only
from shop.auth.models import BUYER, MANAGER, SUPPLIER
from shop.catalog.stock import OutOfStock, TooMuchReserved
from shop.companies.contacts import ContactNotFound, find_contact
from shop.database import transaction
from shop.errors import Busy, Stale
from shop.http.blueprint import LOCATION, refuses
from shop.http.caching import finished, send
from shop.http.idempotency import (
    KEY_PARAMETER,
    IdempotencyKeyInvalid,
    IdempotencyKeyNeeded,
    IdempotencyKeyReused,
    idempotent_transaction,
)
from shop.http.pagination import BadCursor, cursor_id, make_cursor, page_of, read_cursor
from shop.http.preconditions import IF_MATCH, expected_version, tagged
from shop.http.requests import shown_file
from shop.orders import errors, queries
from shop.orders.documents.stored_pdf import paper_of
from shop.orders.order_json import order_answer
from shop.orders.parts import lifecycle
from shop.orders.placing import placement
from shop.orders.queries import OrderFilter
from shop.orders.routes.blueprint import ETAG, blueprint, finished_json
from shop.orders.routes.parts import CONFIRM_REFUSALS
from shop.orders.schemas.orders import (
    BuyersListArgsSchema,
    InvoiceListSchema,
    MoveSchema,
    OrderListSchema,
    OrderSchema,
    PlaceOrderSchema,
)
from shop.orders.states import CANCELED, CONFIRMED, movers_to

ORDERS_CURSOR = "orders:-id"


@blueprint.route("/orders", methods=["POST"])
@only(BUYER, scope="orders:write")
@refuses(
    ContactNotFound,
    errors.OfferUnknown,
    errors.BasketEmpty,
    errors.BasketChanged,
    errors.OfferWithdrawn,
    errors.OfferOnHold,
    errors.SupplierNotAccepting,
    errors.QuantityNotMultiple,
    errors.VatRateUnknown,
    errors.BelowMinimumOrder,
    errors.AmountTooLarge,
    OutOfStock,
    TooMuchReserved,
    errors.DeliveryDayPassed,
    IdempotencyKeyInvalid,
    IdempotencyKeyNeeded,
    IdempotencyKeyReused,
    Busy,
)
@blueprint.doc(parameters=[KEY_PARAMETER])
@blueprint.arguments(PlaceOrderSchema)
@tagged
@idempotent_transaction
@blueprint.response(201, OrderSchema, headers=LOCATION | ETAG)
def place_order(body: dict[str, Any]) -> Any:
    """Place an order

    Of the basket's goods, or of `lines`. The order is split by supplier, prices are frozen and stock is reserved for
    all lines, or nothing happens at all. With the header Idempotency-Key the request can be repeated safely.
    """
    user = current_caller()
    contact = find_contact(user, body["contact_id"])
    lines = None if body["lines"] is None else {line["offer_id"]: line["quantity"] for line in body["lines"]}
    wishes = {key: body[key] for key in ("comment", "client_reference", "requested_delivery_on")}
    order_id = placement.place_order(user, contact=contact, lines=lines, **wishes)
    location = url_for(".show_order", order_id=order_id)
    return finished_json(order_answer(order_id, by=user)), 201, {"Location": location}


@blueprint.route("/orders")
@only(BUYER, MANAGER, scope="orders:read")
@refuses(BadCursor)
@blueprint.arguments(BuyersListArgsSchema, location="query")
@blueprint.response(200, OrderListSchema)
def list_orders(args: dict[str, Any]) -> Any:
    """Orders, newest first

    Those of a buyer's company, with `mine` only one's own; all of them for a manager.
    """
    by, limit = current_caller(), args.pop("limit")
    key = read_cursor(args.pop("cursor"), scope=ORDERS_CURSOR, types=[cursor_id])
    wanted = OrderFilter(user_id=by.id if args.pop("mine") else None, **args)
    rows = queries.page_of_orders(by, wanted, before_id=key[0] if key else None, limit=limit)
    items, cursor = page_of(rows, limit=limit, cursor_of=lambda row: make_cursor(scope=ORDERS_CURSOR, key=[row.id]))
    return finished_json({"items": [dict(row._mapping) for row in items], "next_cursor": cursor})


@blueprint.route("/orders/<id:order_id>")
@only(BUYER, MANAGER, scope="orders:read")
@refuses(errors.OrderNotFound)
@tagged
@blueprint.response(200, OrderSchema, headers=ETAG)
def show_order(order_id: int) -> Any:
    """One order with its parts, lines, history and invoices

    A buyer sees the orders of the company, a manager all; any other id is an unknown one. The ETag is the version: send
    it as If-Match to change just this one.
    """
    return finished_json(order_answer(order_id, by=current_caller()))


@blueprint.route("/orders/<id:order_id>/fulfill", methods=["POST"])
@only(*movers_to(CONFIRMED) - {SUPPLIER}, scope="orders:write")
@refuses(errors.OrderNotFound, errors.NothingToFulfill, *CONFIRM_REFUSALS, Stale, Busy)
@blueprint.doc(parameters=[IF_MATCH])
@blueprint.arguments(MoveSchema, required=False)
@tagged
@blueprint.response(200, OrderSchema, headers=ETAG)
def fulfill_order(body: dict[str, Any], order_id: int) -> Any:
    """Confirm every new part of an order

    Each gets its numbered invoice at once; a background task mails it to the customer and to the administrator.
    """
    with transaction():
        lifecycle.fulfill_order(order_id, by=current_caller(), reason=body["reason"], version=expected_version())
        return finished_json(order_answer(order_id, by=current_caller()))


@blueprint.route("/orders/<id:order_id>/cancel", methods=["POST"])
@only(*movers_to(CANCELED) - {SUPPLIER}, scope="orders:write")
@refuses(errors.OrderNotFound, errors.NothingToCancel, Stale, Busy)
@blueprint.doc(parameters=[IF_MATCH])
@blueprint.arguments(MoveSchema, required=False)
@tagged
@blueprint.response(200, OrderSchema, headers=ETAG)
def cancel_order(body: dict[str, Any], order_id: int) -> Any:
    """Cancel what can still be canceled of an order

    The stock is released; invoices of canceled parts are annulled and keep their numbers.
    """
    with transaction():
        lifecycle.cancel_order(order_id, by=current_caller(), reason=body["reason"], version=expected_version())
        return finished_json(order_answer(order_id, by=current_caller()))


@blueprint.route("/orders/<id:order_id>/invoices")
@only(BUYER, MANAGER, scope="orders:read")
@refuses(errors.OrderNotFound)
@blueprint.response(200, InvoiceListSchema)
def list_invoices(order_id: int) -> Any:
    """The invoices of an order

    One per confirmed part, with corrections and those annulled; each is read as PDF by `GET invoices/{id}`.
    """
    order = queries.find_order(order_id, by=current_caller())
    return {"items": queries.invoices_of(order), "next_cursor": None}


@blueprint.route("/invoices/<id:invoice_id>")
@only(BUYER, SUPPLIER, MANAGER, scope="orders:read")
@refuses(errors.InvoiceNotFound)
@blueprint.response(
    200,
    {"type": "string", "format": "binary"},
    content_type="application/pdf",
    description="The document as PDF",
    headers=ETAG,
)
@blueprint.alt_response(304, description="You have it already: If-None-Match names its ETag", headers=ETAG)
def download_invoice(invoice_id: int) -> Response:
    """An invoice, or its correction, as PDF: always the same bytes

    Only when it is annulled it changes, by the stamp.
    """
    invoice = queries.find_invoice(invoice_id, by=current_caller())
    response = send(finished(paper_of(invoice)), "application/pdf")
    response.headers["Content-Disposition"] = shown_file(f"{invoice.number}.pdf")
    return response
