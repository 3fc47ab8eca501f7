"""Categories at the desk: renamed, and which of them the suppliers' own categories mean."""

from typing import Any

from flask import flash, request
from sqlalchemy import ColumnElement, Select, exists, func, select
from werkzeug import Response
from wtforms import Form

from shop.admin.access_guard import manager
from shop.admin.base import ManagedView, expose
from shop.admin.bulk import Bulk
from shop.admin.filters import Filter
from shop.admin.formats import linked, number, shown
from shop.admin.forms import LookUp
from shop.admin.inputs import loaded, marked_rows, typed_id
from shop.auth.models import Company
from shop.catalog.categories import CategoryNotFound, map_supplier_category, rename_category
from shop.catalog.models import Category, Offer, SupplierCategory
from shop.catalog.schemas import MapSupplierCategorySchema, RenameCategorySchema
from shop.database import session
from shop.translations import t

MOST_MAPPINGS = 200


class MapForm(Form):  # type: ignore[misc]
    category_id = LookUp("Category")


LISTED = (
    select(Offer.category_id, func.count().label("offers"))
    .where(Offer.is_listed)
    .group_by(Offer.category_id)
    .subquery("listed")
)
MAPPED = (
    select(SupplierCategory.category_id, func.count().label("mappings"))
    .group_by(SupplierCategory.category_id)
    .subquery("mapped")
)
OFFERS, MAPPINGS = func.coalesce(LISTED.c.offers, 0), func.coalesce(MAPPED.c.mappings, 0)


def _called_by_supplier(text: str) -> ColumnElement[bool]:
    """The supplier's own name of it, or the supplier's name."""
    mine = (SupplierCategory.category_id == Category.id, SupplierCategory.supplier_id == Company.id)
    named = SupplierCategory.name.icontains(text, autoescape=True) | Company.name.icontains(text, autoescape=True)
    return exists().where(*mine, named).correlate(Category.__table__)


class CategoriesView(ManagedView):
    model = Category
    title, group, slug = "Categories", "Catalog", "categories"
    details = "desk/category.html"
    column_list = ("name", "offers", "mappings")
    column_labels = {"offers": "Offers", "mappings": "Suppliers' categories"}
    column_formatters = {
        "name": linked(lambda row: f"/admin/categories/{row.id}/"),
        "offers": shown(number),
        "mappings": shown(number),
    }
    numeric = ("offers", "mappings")
    sorts = {"name": Category.name, "offers": OFFERS, "mappings": MAPPINGS}
    searched = (Category.name,)
    filters = (Filter("supplier", "Supplier, or its name for it", _called_by_supplier),)
    empty = "No categories yet. They come with the suppliers' price lists."

    def statement(self) -> Select[*tuple[Any, ...]]:
        return (
            select(Category.id, Category.name, OFFERS.label("offers"), MAPPINGS.label("mappings"))
            .outerjoin(LISTED, LISTED.c.category_id == Category.id)
            .outerjoin(MAPPED, MAPPED.c.category_id == Category.id)
        )

    def ordered(
        self, statement: Select[*tuple[Any, ...]], column: str | None, descending: bool | None
    ) -> Select[*tuple[Any, ...]]:
        return super().ordered(statement, column or "name", descending)

    def look_ups(self) -> dict[str, Select[*tuple[Any, ...]]]:
        return {"category_id": select(Category.id, Category.name.label("text"))}

    def find(self, id_: int) -> Category:
        found = session().get(Category, id_)
        if found is None:
            raise CategoryNotFound(category_id=id_)
        return found

    def page_facts(self, category: Category) -> dict[str, Any]:
        inside = (
            select(func.count())
            .where(Offer.supplier_id == SupplierCategory.supplier_id)
            .where(Offer.supplier_category == SupplierCategory.external_id)
            .scalar_subquery()
        )
        mappings = (
            select(SupplierCategory.id, SupplierCategory.external_id, SupplierCategory.name)
            .add_columns(SupplierCategory.supplier_id, Company.name.label("supplier"), inside.label("offers"))
            .join(Company, Company.id == SupplierCategory.supplier_id)
            .where(SupplierCategory.category_id == category.id)
            .order_by(Company.name, SupplierCategory.name, SupplierCategory.id)
        )
        return {
            "offers": session().scalar(select(func.count()).where(Offer.category_id == category.id, Offer.is_listed)),
            "mappings": session().execute(mappings.limit(MOST_MAPPINGS)).all(),
            "map_form": MapForm(),
        }

    @expose("/<id:id_>/rename", methods=("POST",))
    def rename(self, id_: int) -> Response:
        category = self.find(id_)
        with self.acting("category.rename", category, done=t("Renamed.")):
            given = loaded(RenameCategorySchema(), {"name": request.form.get("name", "")})
            rename_category(category.id, name=given["name"], by=manager())
        return self.back(self.page_of(id_))

    @expose("/<id:id_>/map", methods=("POST",))
    def map(self, id_: int) -> Response:
        """The suppliers' categories that were marked mean another one from now on."""
        ids, wanted = marked_rows(), typed_id("category_id")
        self.find(id_)
        if not ids or wanted is None:
            flash(t("Mark at least one row first.") if not ids else t("Choose the category from the list."), "error")
            return self.back(self.page_of(id_))
        Bulk("map", "Moved", lambda mapped, _: _map(mapped, wanted), "supplier_category.map").run(ids, _mapping)
        return self.back(self.page_of(id_))


def _mapping(id_: int) -> SupplierCategory:
    found = session().get(SupplierCategory, id_)
    if found is None:
        raise CategoryNotFound
    return found


def _map(mapped: SupplierCategory, category_id: int) -> None:
    given = loaded(MapSupplierCategorySchema(), {"category_id": category_id})
    map_supplier_category(mapped.id, category_id=given["category_id"], by=manager())
