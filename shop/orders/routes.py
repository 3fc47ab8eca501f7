"""The blueprint orders: baskets, orders and invoices."""

from typing import Any

from flask import Response, url_for

from shop.auth.access import current_user, only
from shop.auth.address_book import ContactNotFound, find_contact
from shop.auth.models import BUYER, MANAGER, SUPPLIER
from shop.catalog.stock import OutOfStock
from shop.db import transaction
from shop.http.blueprint import ApiBlueprint, refuses
from shop.http.idempotency import KEY_PARAMETER, IdempotencyKeyInvalid, IdempotencyKeyReused, idempotent
from shop.http.pagination import BadCursor, cursor_id, make_cursor, page_of, read_cursor
from shop.http.problems import Busy
from shop.orders import basket as baskets
from shop.orders import lifecycle, placement, queries, refusals
from shop.orders.documents.pdf import render_invoice
from shop.orders.schemas import (
    AddLinesSchema,
    BasketSchema,
    CancelOrderSchema,
    ChangeLineSchema,
    InvoiceListSchema,
    NoFieldsSchema,
    OrderListArgsSchema,
    OrderListSchema,
    OrderSchema,
    PlaceOrderSchema,
)
from shop.orders.views import basket_view, order_view

blueprint = ApiBlueprint("orders", __name__, url_prefix="/api/v1", description="Baskets, orders and their invoices")

ORDERS_CURSOR = "orders:-id"


@blueprint.route("/basket")
@only(BUYER, scope="orders:read")
@blueprint.response(200, BasketSchema)
def show_basket() -> Any:
    """One's basket

    With today's prices; `is_changed` says that something differs from what was put in.
    """
    return basket_view(current_user())


@blueprint.route("/basket/lines", methods=["POST"])
@only(BUYER, scope="orders:write")
@refuses(baskets.LinesRefused, refusals.AmountTooLarge)
@blueprint.arguments(AddLinesSchema)
@blueprint.response(200, BasketSchema)
def add_basket_lines(body: dict[str, Any]) -> Any:
    """Put goods into the basket

    All lines or none; a good that is there already gets the new quantity.
    """
    with transaction():
        baskets.add_lines(current_user(), [(line["offer_id"], line["quantity"]) for line in body["lines"]])
        return basket_view(current_user())


@blueprint.route("/basket/lines/<id:offer_id>", methods=["PATCH"])
@only(BUYER, scope="orders:write")
@refuses(refusals.NotInBasket, refusals.QuantityNotMultiple)
@blueprint.arguments(ChangeLineSchema)
@blueprint.response(200, BasketSchema)
def change_basket_line(body: dict[str, Any], offer_id: int) -> Any:
    """Change a quantity in the basket"""
    with transaction():
        baskets.change_line(current_user(), offer_id, quantity=body["quantity"])
        return basket_view(current_user())


@blueprint.route("/basket/lines/<id:offer_id>", methods=["DELETE"])
@only(BUYER, scope="orders:write")
@refuses(refusals.NotInBasket)
@blueprint.response(200, BasketSchema)
def remove_basket_line(offer_id: int) -> Any:
    """Take a good out of the basket"""
    with transaction():
        baskets.remove_line(current_user(), offer_id)
        return basket_view(current_user())


@blueprint.route("/basket", methods=["DELETE"])
@only(BUYER, scope="orders:write")
@blueprint.response(204)
def empty_basket() -> None:
    """Empty the basket"""
    with transaction():
        baskets.empty_basket(current_user())


@blueprint.route("/basket/acknowledge", methods=["POST"])
@only(BUYER, scope="orders:write")
@blueprint.arguments(NoFieldsSchema, required=False)
@blueprint.response(200, BasketSchema)
def acknowledge_basket(body: dict[str, Any]) -> Any:
    """Agree to the basket's present prices"""
    with transaction():
        baskets.acknowledge_changes(current_user())
        return basket_view(current_user())


@blueprint.route("/orders", methods=["POST"])
@only(BUYER, scope="orders:write")
@refuses(
    ContactNotFound,
    refusals.OfferUnknown,
    refusals.BasketEmpty,
    refusals.BasketChanged,
    refusals.OfferWithdrawn,
    refusals.SupplierNotAccepting,
    refusals.QuantityNotMultiple,
    refusals.BelowMinimumOrder,
    refusals.AmountTooLarge,
    OutOfStock,
    IdempotencyKeyInvalid,
    IdempotencyKeyReused,
    Busy,
)
@blueprint.doc(parameters=[KEY_PARAMETER])
@blueprint.arguments(PlaceOrderSchema)
@idempotent
@blueprint.response(201, OrderSchema, headers={"Location": {"schema": {"type": "string", "format": "uri-reference"}}})
def place_order(body: dict[str, Any]) -> Any:
    """Place an order

    Of the basket's goods, or of `lines`. The order is split by supplier, prices are frozen and stock is reserved for
    all lines, or nothing happens at all. With the header Idempotency-Key the request can be repeated safely.
    """
    user = current_user()
    contact = find_contact(user, body["contact_id"])
    lines = None if body["lines"] is None else _by_offer(body["lines"])
    order = placement.place_order(
        user, contact=contact, comment=body["comment"], client_reference=body["client_reference"], lines=lines
    )
    order = queries.find_order(order.id, by=user)
    return order_view(order), {"Location": url_for(".show_order", order_id=order.id)}


@blueprint.route("/orders")
@only(BUYER, MANAGER, scope="orders:read")
@refuses(BadCursor)
@blueprint.arguments(OrderListArgsSchema, location="query")
@blueprint.response(200, OrderListSchema)
def list_orders(args: dict[str, Any]) -> Any:
    """Orders, newest first

    A buyer's company's orders; all of them for a manager.
    """
    limit = args["limit"]
    key = read_cursor(args["cursor"], scope=ORDERS_CURSOR, types=[cursor_id])
    rows = queries.page_of_orders(
        current_user(),
        state=args["state"],
        client_reference=args["client_reference"],
        before_id=key[0] if key else None,
        limit=limit,
    )
    items, cursor = page_of(rows, limit=limit, cursor_of=lambda row: make_cursor(scope=ORDERS_CURSOR, key=[row.id]))
    return {"items": items, "next_cursor": cursor}


@blueprint.route("/orders/<id:order_id>")
@only(BUYER, MANAGER, scope="orders:read")
@refuses(refusals.OrderNotFound)
@blueprint.response(200, OrderSchema)
def show_order(order_id: int) -> Any:
    """One order with its parts, lines, history and invoices"""
    return order_view(queries.find_order(order_id, by=current_user()))


@blueprint.route("/orders/<id:order_id>/fulfill", methods=["POST"])
@only(MANAGER, scope="orders:write")
@refuses(refusals.OrderNotFound, refusals.NothingToFulfill, refusals.SellerIncomplete, Busy)
@blueprint.arguments(NoFieldsSchema, required=False)
@blueprint.response(200, OrderSchema)
def fulfill_order(body: dict[str, Any], order_id: int) -> Any:
    """Confirm every new part of an order

    Each gets its numbered invoice at once; a background task mails it to the customer and to the administrator.
    """
    with transaction():
        order = queries.find_order(order_id, by=current_user())
        lifecycle.fulfill_order(order, by=current_user())
        return order_view(order)


@blueprint.route("/orders/<id:order_id>/cancel", methods=["POST"])
@only(BUYER, MANAGER, scope="orders:write")
@refuses(refusals.OrderNotFound, refusals.NothingToCancel, Busy)
@blueprint.arguments(CancelOrderSchema, required=False)
@blueprint.response(200, OrderSchema)
def cancel_order(body: dict[str, Any], order_id: int) -> Any:
    """Cancel what can still be canceled of an order

    The stock is released; invoices of canceled parts are annulled and keep their numbers.
    """
    with transaction():
        order = queries.find_order(order_id, by=current_user())
        lifecycle.cancel_order(order, by=current_user(), reason=body["reason"])
        return order_view(order)


@blueprint.route("/orders/<id:order_id>/invoices")
@only(BUYER, MANAGER, scope="orders:read")
@refuses(refusals.OrderNotFound)
@blueprint.response(200, InvoiceListSchema)
def list_invoices(order_id: int) -> Any:
    """The invoices of an order"""
    order = queries.find_order(order_id, by=current_user())
    return {"items": queries.invoices_of(order), "next_cursor": None}


@blueprint.route("/invoices/<id:invoice_id>")
@only(BUYER, SUPPLIER, MANAGER, scope="orders:read")
@refuses(refusals.InvoiceNotFound)
@blueprint.response(
    200, {"type": "string", "format": "binary"}, content_type="application/pdf", description="The invoice as PDF"
)
def download_invoice(invoice_id: int) -> Response:
    """An invoice as PDF, always the same bytes"""
    invoice = queries.find_invoice(invoice_id, by=current_user())
    response = Response(render_invoice(invoice.document), mimetype="application/pdf")
    response.headers.set("Content-Disposition", "inline", filename=f"{invoice.number}.pdf")
    return response


def _by_offer(lines: list[dict[str, Any]]) -> dict[int, Any]:
    """Quantities by offer; an offer named twice counts together."""
    wanted: dict[int, Any] = {}
    for line in lines:
        wanted[line["offer_id"]] = wanted.get(line["offer_id"], 0) + line["quantity"]
    return wanted
