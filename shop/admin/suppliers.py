"""Suppliers at the desk: on what terms they trade, when their lists come, and what their lists are guarded by."""

from typing import Any

from flask import request
from sqlalchemy import ColumnElement, Select, exists, func, select
from werkzeug import Response

from shop.admin.access_guard import manager
from shop.admin.base import ManagedView, expose
from shop.admin.filters import Filter, beginning, choice, flag
from shop.admin.formats import badge, linked, money, number, shown, zone
from shop.admin.inputs import loaded, typed_number
from shop.auth.models import ACTIVE, BLOCKED, PENDING, SUPPLIER, Company
from shop.catalog.models import Offer
from shop.config import current_settings
from shop.database import now, session
from shop.price_lists.import_terms import GUARDS, change_guards, change_supplier, import_terms, terms_for
from shop.price_lists.models import PriceList
from shop.price_lists.queries import SupplierNotFound
from shop.price_lists.schemas import ChangeGuardsSchema, ChangeTermsSchema
from shop.translations import t

LAST_LISTS = 10
GUARD_WORDS = dict(
    zip(
        GUARDS,
        (
            "Price of an offer moves by more than, %",
            "Median of prices moves by more than, %",
            "Offers withdrawn are more than, %",
        ),
        strict=True,
    )
)
SUMS = ("delivery_fee", "free_delivery_from", "minimum_order")
SWITCHES = ("accepts_orders", "price_includes_vat")


def _last_list(column: Any) -> Any:
    latest = select(column).where(PriceList.supplier_id == Company.id).order_by(PriceList.id.desc())
    return latest.limit(1).scalar_subquery()


def _misses_a_list() -> ColumnElement[bool]:
    """Takes orders, and has not sent today what it has."""
    today = beginning(now().astimezone(zone()).date())
    came = exists().where(PriceList.supplier_id == Company.id, PriceList.created_at >= today)
    return (Company.status == ACTIVE) & Company.accepts_orders & ~came.correlate(Company.__table__)


class SuppliersView(ManagedView):
    model = Company
    title, group, slug = "Suppliers", "Catalog", "suppliers"
    details = "desk/supplier.html"
    column_list = (
        "name", "status", "accepts_orders", "offers", "last_list_at", "last_list_state", "minimum_order",
        "delivery_fee", "free_delivery_from",
    )  # fmt: skip
    column_labels = {
        "status": "State",
        "accepts_orders": "Takes orders",
        "offers": "Offers",
        "last_list_at": "Last list",
        "last_list_state": "Its state",
        "minimum_order": "Minimum order",
        "delivery_fee": "Delivery",
        "free_delivery_from": "Free from",
    }
    column_formatters = {
        "name": linked(lambda row: f"/admin/suppliers/{row.id}/"),
        "status": shown(badge),
        "offers": shown(number),
        "last_list_state": shown(badge),
        **dict.fromkeys(SUMS, shown(money)),
    }
    numeric = ("offers", *SUMS)
    sorts = {"name": Company.name, "last_list_at": _last_list(PriceList.created_at)}
    searched = (Company.name,)
    filters = (
        choice("status", "State", Company.status, [(each, f"state|{each}") for each in (ACTIVE, PENDING, BLOCKED)]),
        flag("closed", "Takes no orders", ~Company.accepts_orders),
        Filter("missing", "No price list today", lambda _: _misses_a_list(), "flag"),
    )
    empty = "No suppliers yet. They appear here as soon as one registers."

    def statement(self) -> Select[*tuple[Any, ...]]:
        offers = select(Offer.supplier_id, func.count().label("offers")).where(Offer.is_listed)
        counted = offers.group_by(Offer.supplier_id).subquery()
        columns = [getattr(Company, name) for name in ("id", "name", "status", "accepts_orders", *SUMS)]
        return (
            select(
                *columns,
                func.coalesce(counted.c.offers, 0).label("offers"),
                _last_list(PriceList.created_at).label("last_list_at"),
                _last_list(PriceList.state).label("last_list_state"),
            )
            .outerjoin(counted, counted.c.supplier_id == Company.id)
            .where(Company.kind == SUPPLIER)
        )

    def find(self, id_: int) -> Company:
        found = session().get(Company, id_)
        if found is None or found.kind != SUPPLIER:
            raise SupplierNotFound(supplier_id=id_)
        return found

    def page_facts(self, supplier: Company) -> dict[str, Any]:
        settings = current_settings()
        lists = select(PriceList).where(PriceList.supplier_id == supplier.id).order_by(PriceList.id.desc())
        listed = select(func.count()).where(Offer.supplier_id == supplier.id, Offer.is_listed)
        return {
            "offers": session().scalar(listed),
            "lists": session().scalars(lists.limit(LAST_LISTS)).all(),
            "terms": import_terms(supplier),
            "guards": [(name, t(f"guard|{words}"), getattr(settings, name)) for name, words in GUARD_WORDS.items()],
        }

    @expose("/<id:id_>/terms", methods=("POST",))
    def change_terms(self, id_: int) -> Response:
        supplier = self.find(id_)
        with self.acting("supplier.change_terms", supplier, done=t("Saved. It holds for orders placed from now on.")):
            change_supplier(supplier, terms=loaded(ChangeTermsSchema(), _terms()), by=manager())
        return self.back(self.page_of(id_))

    @expose("/<id:id_>/guards", methods=("POST",))
    def change_guards(self, id_: int) -> Response:
        supplier = self.find(id_)
        with self.acting("supplier.change_guards", supplier, done=t("Saved. It holds for the next list.")) as trail:
            trail.add(terms_for(supplier))
            change_guards(supplier, guards=loaded(ChangeGuardsSchema(), _guards()))
        return self.back(self.page_of(id_))


def _terms() -> dict[str, Any]:
    """A switch that is off sends nothing, so the form says with `form` that its switches were there."""
    terms: dict[str, Any] = {name: typed_number(name) for name in SUMS if name in request.form}
    if request.form.get("form") == "terms":
        terms |= {name: name in request.form for name in SWITCHES}
    return terms


def _guards() -> dict[str, Any]:
    """Nothing typed goes back to the operator's threshold."""
    typed = {name: typed_number(name) for name in GUARDS if name in request.form}
    return {
        name: int(text) if text and text.isascii() and text.isdigit() and len(text) < 12 else text
        for name, text in typed.items()
    }
