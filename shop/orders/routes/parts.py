"""The suppliers' parts of orders: working them off, and receiving them."""

from typing import Any

from flask import Response

from shop.auth.access import current_caller, only
from shop.auth.models import BUYER, MANAGER, SUPPLIER
from shop.database import transaction
from shop.errors import Busy, Stale, VersionNeeded
from shop.http.blueprint import refuses
from shop.http.pagination import BadCursor, cursor_id, make_cursor, page_of, read_cursor
from shop.http.preconditions import IF_MATCH, expected_version, tagged
from shop.orders import errors, queries
from shop.orders.contracts import contract_between
from shop.orders.contracts import state_contract as agree
from shop.orders.order_json import part_answer
from shop.orders.parts.agreement import agree_total as agree_to_total
from shop.orders.parts.confirmation import confirm_part as confirm
from shop.orders.parts.lifecycle import move_part
from shop.orders.parts.receipt import Received
from shop.orders.parts.receipt import receive_part as receive
from shop.orders.parts.shipment import send_part
from shop.orders.parts.short_delivery import Cut, Cuts
from shop.orders.queries import OrderFilter
from shop.orders.routes.blueprint import ETAG, blueprint, finished_json
from shop.orders.schemas.orders import (
    AgreeTotalSchema,
    ConfirmPartSchema,
    ContractSchema,
    MoveSchema,
    OrderListArgsSchema,
    PartListSchema,
    PartSchema,
    ReceivePartSchema,
    SendPartSchema,
    StateContractSchema,
)
from shop.orders.states import ASSEMBLED, CANCELED, CONFIRMED, DELIVERED, REFUSED, SENT, movers_to

PARTS_CURSOR = "supplier-orders:-id"
MOVE_REFUSALS = (
    errors.SupplierOrderNotFound,
    errors.MoveNotAllowed,
    errors.MoveNotYours,
    Stale,
    Busy,
)
CONFIRM_REFUSALS = (
    errors.SellerIncomplete,
    errors.PiecesNotWhole,
    errors.VatRateUnknown,
    errors.TotalNotAgreed,
)


@blueprint.route("/supplier-orders")
@only(SUPPLIER, MANAGER, scope="orders:read")
@refuses(BadCursor)
@blueprint.arguments(OrderListArgsSchema, location="query")
@blueprint.response(200, PartListSchema)
def list_supplier_orders(args: dict[str, Any]) -> Any:
    """Parts of orders, newest first

    A supplier's own parts; all of them for a manager.
    """
    limit = args.pop("limit")
    key = read_cursor(args.pop("cursor"), scope=PARTS_CURSOR, types=[cursor_id])
    rows = queries.page_of_parts(current_caller(), OrderFilter(**args), before_id=key[0] if key else None, limit=limit)
    items, cursor = page_of(rows, limit=limit, cursor_of=lambda row: make_cursor(scope=PARTS_CURSOR, key=[row.id]))
    return finished_json({"items": [dict(row._mapping) for row in items], "next_cursor": cursor})


@blueprint.route("/supplier-orders/<id:part_id>")
@only(SUPPLIER, MANAGER, BUYER, scope="orders:read")
@refuses(errors.SupplierOrderNotFound)
@tagged
@blueprint.response(200, PartSchema, headers=ETAG)
def show_supplier_order(part_id: int) -> Any:
    """One part with its lines, history and invoices, and what can be done with it

    A supplier sees its own parts, a buyer those of the company's orders, a manager all; any other id is an unknown one.
    """
    return finished_json(part_answer(part_id, by=current_caller()))


@blueprint.route("/supplier-orders/<id:part_id>/contract")
@only(SUPPLIER, MANAGER, BUYER, scope="orders:read")
@refuses(errors.SupplierOrderNotFound)
@tagged
@blueprint.response(200, ContractSchema, headers=ETAG)
def show_contract(part_id: int) -> Any:
    """The contract between a part's supplier and its buyer

    In the words by which their documents name it, null where none was stated; and who has stated what.
    """
    return contract_between(queries.find_part(part_id, by=current_caller()))


@blueprint.route("/supplier-orders/<id:part_id>/contract", methods=["PUT"])
@only(SUPPLIER, MANAGER, scope="orders:write")
@refuses(errors.SupplierOrderNotFound, Stale)
@blueprint.doc(parameters=[IF_MATCH])
@blueprint.arguments(StateContractSchema)
@tagged
@blueprint.response(200, ContractSchema, headers=ETAG)
def state_contract(body: dict[str, Any], part_id: int) -> Any:
    """State the contract under which a part's supplier delivers to its buyer

    It is the basis in every document between the two from the next one on; what is issued already stays as it is.
    """
    version = expected_version()
    with transaction():
        part = queries.find_part(part_id, by=current_caller())
        agree(part, body["contract"], by=current_caller(), version=version)
        return contract_between(part)


@blueprint.route("/supplier-orders/<id:part_id>/confirm", methods=["POST"])
@only(*movers_to(CONFIRMED), scope="orders:write")
@refuses(*MOVE_REFUSALS, errors.CutImpossible, *CONFIRM_REFUSALS, VersionNeeded)
@blueprint.doc(parameters=[IF_MATCH])
@blueprint.arguments(ConfirmPartSchema, required=False)
@tagged
@blueprint.response(200, PartSchema, headers=ETAG)
def confirm_supplier_order(body: dict[str, Any], part_id: int) -> Any:
    """Confirm a part, whole or cut

    The invoice is numbered at once and mailed. `lines` names what can only be delivered in part or not at all, with
    the reason for the buyer; sums, stock and invoice follow. What is left of a line is a multiple of the step by which
    it was ordered, or 0. Cutting needs If-Match.
    """
    cuts = _cuts(body)
    version = expected_version(required=bool(cuts))
    with transaction():
        confirm(part_id, by=current_caller(), cuts=cuts, version=version)
        return finished_json(part_answer(part_id, by=current_caller()))


@blueprint.route("/supplier-orders/<id:part_id>/agree-total", methods=["POST"])
@only(BUYER, MANAGER, scope="orders:write")
@refuses(
    errors.SupplierOrderNotFound,
    errors.NothingToAgree,
    errors.TotalChanged,
    errors.VatRateUnknown,
    Stale,
    Busy,
)
@blueprint.doc(parameters=[IF_MATCH])
@blueprint.arguments(AgreeTotalSchema)
@tagged
@blueprint.response(200, PartSchema, headers=ETAG)
def agree_total(body: dict[str, Any], part_id: int) -> Any:
    """Agree to the total of a part with its VAT

    Only of a part placed when the VAT rate of some of its goods was unknown and the supplier's prices are without VAT:
    it is not confirmed before. `total_to_agree` of the part says what it comes to. A manager does so on the buyer's
    behalf and says how the buyer has agreed.
    """
    version = expected_version()
    with transaction():
        agree_to_total(part_id, total=body["total"], by=current_caller(), reason=body["reason"], version=version)
        return finished_json(part_answer(part_id, by=current_caller()))


@blueprint.route("/supplier-orders/<id:part_id>/assemble", methods=["POST"])
@only(*movers_to(ASSEMBLED), scope="orders:write")
@refuses(*MOVE_REFUSALS)
@blueprint.doc(parameters=[IF_MATCH])
@blueprint.arguments(MoveSchema, required=False)
@tagged
@blueprint.response(200, PartSchema, headers=ETAG)
def assemble_supplier_order(body: dict[str, Any], part_id: int) -> Any:
    """Say that a part is assembled

    From then on the buyer cannot cancel it. The step may be left out: a confirmed part can be sent at once.
    """
    return _move(part_id, ASSEMBLED, body)


@blueprint.route("/supplier-orders/<id:part_id>/send", methods=["POST"])
@only(*movers_to(SENT), scope="orders:write")
@refuses(*MOVE_REFUSALS, errors.CutImpossible, VersionNeeded)
@blueprint.doc(parameters=[IF_MATCH])
@blueprint.arguments(SendPartSchema, required=False)
@tagged
@blueprint.response(200, PartSchema, headers=ETAG)
def send_supplier_order(body: dict[str, Any], part_id: int) -> Any:
    """Say that a part is on its way, as confirmed or with less

    The goods leave the stock. `lines` names those of which fewer were shipped, with the reason for the buyer: sums
    follow, what was left out is free again, and a numbered correction to the invoice is mailed. That needs If-Match.
    The step does not bind here: ten of a dozen are ten; only pieces stay whole.
    """
    cuts = _cuts(body)
    version = expected_version(required=bool(cuts))
    with transaction():
        send_part(part_id, by=current_caller(), cuts=cuts, reason=body["reason"], version=version)
        return finished_json(part_answer(part_id, by=current_caller()))


@blueprint.route("/supplier-orders/<id:part_id>/deliver", methods=["POST"])
@only(*movers_to(DELIVERED) - {BUYER}, scope="orders:write")
@refuses(*MOVE_REFUSALS)
@blueprint.doc(parameters=[IF_MATCH])
@blueprint.arguments(MoveSchema, required=False)
@tagged
@blueprint.response(200, PartSchema, headers=ETAG)
def deliver_supplier_order(body: dict[str, Any], part_id: int) -> Any:
    """Say that a part was delivered, complete

    The part must have been sent. What came short is said by whoever received it: `POST supplier-orders/{id}/receive`.
    """
    return _move(part_id, DELIVERED, body)


@blueprint.route("/supplier-orders/<id:part_id>/cancel", methods=["POST"])
@only(*movers_to(CANCELED), scope="orders:write")
@refuses(*MOVE_REFUSALS)
@blueprint.doc(parameters=[IF_MATCH])
@blueprint.arguments(MoveSchema, required=False)
@tagged
@blueprint.response(200, PartSchema, headers=ETAG)
def cancel_supplier_order(body: dict[str, Any], part_id: int) -> Any:
    """Cancel a part

    Its stock is released, its invoice annulled and mailed stamped. A buyer can until it is assembled, supplier and
    manager until it is sent; 409 `MoveNotAllowed` names what is possible instead.
    """
    return _move(part_id, CANCELED, body)


@blueprint.route("/supplier-orders/<id:part_id>/receive", methods=["POST"])
@only(*movers_to(REFUSED), scope="orders:write")
@refuses(*MOVE_REFUSALS, errors.ReceiptImpossible, VersionNeeded)
@blueprint.doc(parameters=[IF_MATCH])
@blueprint.arguments(ReceivePartSchema, required=False)
@tagged
@blueprint.response(200, PartSchema, headers=ETAG)
def receive_supplier_order(body: dict[str, Any], part_id: int) -> Any:
    """Receive a part at the door

    Everything that was confirmed, or with `lines` what came of those that are not complete, and why (needs If-Match).
    """
    receipt = {line["line_id"]: Received(line["quantity"], line["reason"]) for line in body["lines"]}
    version = expected_version(required=bool(receipt))
    with transaction():
        receive(part_id, by=current_caller(), receipt=receipt, version=version)
        return finished_json(part_answer(part_id, by=current_caller()))


@blueprint.route("/supplier-orders/<id:part_id>/refuse", methods=["POST"])
@only(*movers_to(REFUSED), scope="orders:write")
@refuses(*MOVE_REFUSALS)
@blueprint.doc(parameters=[IF_MATCH])
@blueprint.arguments(MoveSchema, required=False)
@tagged
@blueprint.response(200, PartSchema, headers=ETAG)
def refuse_supplier_order(body: dict[str, Any], part_id: int) -> Any:
    """Refuse a part at the door

    A part that was sent and is not taken; say why. Supplier and administrator are told. It ends there; nothing is put
    back into stock by itself.
    """
    return _move(part_id, REFUSED, body)


def _cuts(body: dict[str, Any]) -> Cuts:
    return {line["line_id"]: Cut(line["quantity"], line["reason"]) for line in body["lines"]}


def _move(part_id: int, to: str, body: dict[str, Any]) -> Response:
    version = expected_version()
    with transaction():
        move_part(part_id, to=to, by=current_caller(), reason=body["reason"], version=version)
        return finished_json(part_answer(part_id, by=current_caller()))
