"""Baskets: filling, changing, and the quick order."""

from collections.abc import Sequence
from typing import Any

from shop.auth.access import current_caller, only
from shop.auth.models import BUYER
from shop.auth.tokens import Acting
from shop.database import transaction
from shop.errors import Busy
from shop.http.blueprint import refuses
from shop.http.throttling import per_upload
from shop.orders import errors, queries
from shop.orders.basket import additions, contents, order_files, quick_order
from shop.orders.basket.additions import LineResult, Wanted
from shop.orders.basket.basket_json import basket_view, result_view
from shop.orders.basket.quick_order import QuickOrder
from shop.orders.routes.blueprint import blueprint, finished_json
from shop.orders.schemas.baskets import (
    AddLinesSchema,
    AddPastOrderSchema,
    BasketSchema,
    ChangeLineSchema,
    QuickOrderFileSchema,
    QuickOrderReportSchema,
    QuickOrderSchema,
)
from shop.orders.schemas.orders import NoFieldsSchema


@blueprint.route("/basket")
@only(BUYER, scope="orders:read")
@blueprint.response(200, BasketSchema)
def show_basket() -> Any:
    """One's basket

    With today's prices, per supplier what is missing to the minimum and to free delivery, and per line what has
    changed since it was put in.
    """
    return finished_json(basket_view(contents.basket_lines(current_caller())))


@blueprint.route("/basket/lines", methods=["POST"])
@only(BUYER, scope="orders:write")
@refuses(additions.LinesRefused, additions.BasketFull, Busy)
@blueprint.arguments(AddLinesSchema)
@blueprint.response(200, BasketSchema, description="All lines were added")
@blueprint.alt_response(207, schema=BasketSchema, success=True, description="Some were added; see results")
def add_basket_lines(body: dict[str, Any]) -> Any:
    """Put goods into the basket

    By offer, or by SKU. `results` has an entry for each line, in their order. A good that is there already gets the
    new quantity. When none of the lines can be ordered, the answer is 422.
    """
    with transaction():
        filled = additions.add_lines(current_caller(), [Wanted(**line) for line in body["lines"]])
        return finished_json(basket_view(filled.lines, filled.results)), _status(filled.results)


@blueprint.route("/basket/lines/<id:offer_id>", methods=["PATCH"])
@only(BUYER, scope="orders:write")
@refuses(errors.NotInBasket, errors.QuantityNotMultiple)
@blueprint.arguments(ChangeLineSchema)
@blueprint.response(200, BasketSchema)
def change_basket_line(body: dict[str, Any], offer_id: int) -> Any:
    """Change a quantity in the basket

    It has to be a multiple of the offer's step and reach its minimum; 422 `QuantityNotMultiple` names the nearest ones.
    """
    with transaction():
        contents.change_line(current_caller(), offer_id, quantity=body["quantity"])
        return finished_json(basket_view(contents.basket_lines(current_caller())))


@blueprint.route("/basket/lines/<id:offer_id>", methods=["DELETE"])
@only(BUYER, scope="orders:write")
@refuses(errors.NotInBasket)
@blueprint.response(200, BasketSchema)
def remove_basket_line(offer_id: int) -> Any:
    """Take a good out of the basket

    The answer is the basket without it, with the sums and what is missing to minimum orders now.
    """
    with transaction():
        contents.remove_line(current_caller(), offer_id)
        return finished_json(basket_view(contents.basket_lines(current_caller())))


@blueprint.route("/basket", methods=["DELETE"])
@only(BUYER, scope="orders:write")
@blueprint.response(204)
def empty_basket() -> None:
    """Empty the basket

    All its lines go; nothing was reserved for them. An empty one stays empty.
    """
    with transaction():
        contents.empty_basket(current_caller())


@blueprint.route("/basket/acknowledge", methods=["POST"])
@only(BUYER, scope="orders:write")
@blueprint.arguments(NoFieldsSchema, required=False)
@blueprint.response(200, BasketSchema)
def acknowledge_basket(body: dict[str, Any]) -> Any:
    """Agree to the basket's present prices and units

    `is_changed` is false afterwards. What was withdrawn or is short stays refused: take it out, or less of it.
    """
    with transaction():
        contents.acknowledge_changes(current_caller())
        return finished_json(basket_view(contents.basket_lines(current_caller())))


@blueprint.route("/basket/past-orders", methods=["POST"])
@only(BUYER, scope="orders:write")
@refuses(errors.OrderNotFound, additions.LinesRefused, additions.BasketFull, Busy)
@blueprint.arguments(AddPastOrderSchema)
@blueprint.response(200, BasketSchema, description="All lines were added")
@blueprint.alt_response(207, schema=BasketSchema, success=True, description="Some were added; see results")
def add_past_order(body: dict[str, Any]) -> Any:
    """Put a past order's goods into the basket

    As far as they can be ordered now, at today's prices.
    """
    with transaction():
        order = queries.find_order(body["order_id"], by=current_caller())
        filled = additions.add_past_order(current_caller(), order)
        return finished_json(basket_view(filled.lines, filled.results)), _status(filled.results)


@blueprint.route("/basket/quick-order", methods=["POST"])
@only(BUYER, scope="orders:write")
@refuses(order_files.UnreadableQuickOrder, additions.BasketFull, Busy)
@blueprint.arguments(QuickOrderSchema)
@blueprint.response(200, QuickOrderReportSchema)
def quick_order_text(body: dict[str, Any]) -> Any:
    """Put lines of "SKU quantity" into the basket

    As pasted from a sheet or a mail: a blank, tab, semicolon or comma between the two; more columns need a heading that
    names them. The report has an entry for each row that wants something.
    """
    order = quick_order.read_quick_order(body["text"], supplier_id=body["supplier_id"])
    with transaction():
        return finished_json(_fill(current_caller(), order))


@blueprint.route("/basket/quick-order/file", methods=["POST"])
@only(BUYER, scope="orders:write")
@per_upload
@refuses(order_files.UnreadableQuickOrder, additions.BasketFull, Busy)
@blueprint.arguments(QuickOrderFileSchema, location="files")
@blueprint.response(200, QuickOrderReportSchema)
def quick_order_file(form: dict[str, Any]) -> Any:
    """Put the lines of a text, CSV or XLSX file into the basket

    A heading names the columns, as in price lists; without one they are SKU and quantity. The report has an entry for
    each row that wants something.
    """
    order = quick_order.read_quick_order(form["file"].read(), supplier_id=form["supplier_id"])
    with transaction():
        return finished_json(_fill(current_caller(), order))


def _status(results: Sequence[LineResult]) -> int:
    return 207 if any(result.refusal for result in results) else 200


def _fill(user: Acting, order: QuickOrder) -> dict[str, Any]:
    """Adds what can be added; rows that cannot be read stand in the report between those that can."""
    readable = [row for row in order.lines if row.wanted is not None]
    filled = additions.try_lines(user, [row.wanted for row in readable if row.wanted])
    results = iter(filled.results)
    report = [
        {
            "row": row.row,
            "text": row.text,
            "problem": row.problem or None,
            "result": result_view(next(results)) if row.wanted else None,
        }
        for row in order.lines
    ]
    return {"rows": report, "skipped": order.skipped, "basket": basket_view(filled.lines)}
