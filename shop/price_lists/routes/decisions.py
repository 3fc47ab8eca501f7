"""Decisions about a price list, and the guards that ask for them."""

from typing import Any

from flask import url_for

from shop.auth.access import current_user, only
from shop.auth.models import MANAGER, SUPPLIER
from shop.database import transaction
from shop.http.blueprint import LOCATION, refuses
from shop.price_lists import import_terms, queries
from shop.price_lists.imports import decisions
from shop.price_lists.imports import rollback as rolling_back
from shop.price_lists.imports.pipeline import PriceListNotFound
from shop.price_lists.models import PriceList
from shop.price_lists.routes.blueprint import blueprint
from shop.price_lists.schemas import (
    ApplySchema,
    ChangeGuardsSchema,
    DecideRowsSchema,
    GuardsSchema,
    PriceListSchema,
    RollBackSchema,
)


@blueprint.route("/price-lists/<id:price_list_id>/apply", methods=["POST"])
@only(SUPPLIER, MANAGER, scope="price-lists:write")
@refuses(PriceListNotFound, decisions.NothingToDecide, decisions.RowsUnknown, decisions.NoPriceToApply)
@blueprint.arguments(ApplySchema, required=False)
@blueprint.response(202, PriceListSchema)
def apply_price_list(decision: dict[str, Any], price_list_id: int) -> PriceList:
    """Apply a held list, or its quarantined rows

    The whole list, or only the rows named. Quarantined rows of a held list go on waiting, unless `with_quarantined`.
    What it changes is computed again: if that is more than you have seen, it is held again. Rows of a list that is
    applied already are the quarantined ones.
    """
    with transaction():
        user = current_user()
        return decisions.apply_list(queries.price_list_of(user, price_list_id), **decision, by=user)


@blueprint.route("/price-lists/<id:price_list_id>/discard", methods=["POST"])
@only(SUPPLIER, MANAGER, scope="price-lists:write")
@refuses(PriceListNotFound, decisions.NothingToDecide, decisions.RowsUnknown)
@blueprint.arguments(DecideRowsSchema, required=False)
@blueprint.response(200, PriceListSchema)
def discard_price_list(decision: dict[str, Any], price_list_id: int) -> PriceList:
    """Discard a list that is held or waits, or its quarantined rows

    Offers whose rows are discarded keep their old data and can be ordered again.
    """
    with transaction():
        user = current_user()
        return decisions.discard_list(queries.price_list_of(user, price_list_id), rows=decision["rows"], by=user)


@blueprint.route("/price-lists/<id:price_list_id>/withdraw", methods=["POST"])
@only(SUPPLIER, MANAGER, scope="price-lists:write")
@refuses(PriceListNotFound, decisions.NothingToDecide, decisions.RowsUnknown)
@blueprint.arguments(DecideRowsSchema, required=False)
@blueprint.response(200, PriceListSchema)
def withdraw_quarantined(decision: dict[str, Any], price_list_id: int) -> PriceList:
    """Withdraw the goods of quarantined rows

    Of a list that is applied: all that wait, or the rows named. A list that has the goods again brings them back.
    """
    with transaction():
        user = current_user()
        return decisions.withdraw_rows(queries.price_list_of(user, price_list_id), rows=decision["rows"], by=user)


@blueprint.route("/price-lists/<id:price_list_id>/rollback", methods=["POST"])
@only(SUPPLIER, MANAGER, scope="price-lists:write")
@refuses(PriceListNotFound, rolling_back.NotTheLatest)
@blueprint.arguments(RollBackSchema, required=False)
@blueprint.response(202, PriceListSchema, headers=LOCATION)
def roll_back_price_list(wanted: dict[str, Any], price_list_id: int) -> tuple[PriceList, int, dict[str, str]]:
    """Take back the list that was applied last

    A new import of source rollback gives every offer the data that it had before. Stock stays as it is, unless
    `take_stock_back`: then what the list has changed is as before, less what was shipped since.
    """
    with transaction():
        user = current_user()
        rollback = rolling_back.roll_back(queries.price_list_of(user, price_list_id), **wanted, by=user)
        return rollback, 202, {"Location": url_for("price-lists.show_price_list", price_list_id=rollback.id)}


@blueprint.route("/price-lists/guards/<id:supplier_id>", methods=["PATCH"])
@only(MANAGER, scope="price-lists:write")
@refuses(queries.SupplierNotFound)
@blueprint.arguments(ChangeGuardsSchema)
@blueprint.response(200, GuardsSchema)
def change_guards(guards: dict[str, Any], supplier_id: int) -> dict[str, Any]:
    """Set a supplier's own guards, in percent

    null goes back to the operator's threshold.
    """
    with transaction():
        supplier = queries.supplier_for(current_user(), supplier_id)
        import_terms.change_guards(supplier, guards=guards)
        return import_terms.import_terms(supplier)
