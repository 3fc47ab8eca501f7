"""Products at the desk: rival offers side by side, and what a manager decides: these are one thing, those are not."""

from typing import Any

from sqlalchemy import ColumnElement, Select, func, select
from werkzeug import Response
from wtforms import Form

from shop.admin.access_guard import manager
from shop.admin.base import ManagedView, expose
from shop.admin.filters import Filter, contains
from shop.admin.formats import linked, money, number, shown
from shop.admin.forms import LookUp
from shop.admin.inputs import loaded, marked_rows, typed_id
from shop.admin.offers import found_by_words, select_for_desk, stock_left
from shop.catalog.compare_prices import cheapest_first
from shop.catalog.models import Category, Offer, Product
from shop.catalog.packs import base_unit
from shop.catalog.products import ONE_AT_A_TIME, ProductNotFound, merge_products, split_product
from shop.catalog.schemas import MergeProductsSchema, SplitProductSchema
from shop.database import session
from shop.translations import t

MOST_RIVALS = 200
MOST_FOUND = 1000


class MergeForm(Form):  # type: ignore[misc]
    product_id = LookUp("Product")


def _of_offers(column: Any) -> Any:
    return select(column).where(Offer.product_id == Product.id, Offer.is_listed).scalar_subquery()


def _of_several_suppliers() -> ColumnElement[bool]:
    several = select(Offer.product_id).where(Offer.is_listed).group_by(Offer.product_id)
    return Product.id.in_(several.having(func.min(Offer.supplier_id) < func.max(Offer.supplier_id)))


def _found(typed: str) -> ColumnElement[bool]:
    """By their offers: a product has no words of its own that none of them has."""
    newest = select(Offer.product_id).where(found_by_words(typed)).order_by(Offer.id.desc()).limit(MOST_FOUND)
    return Product.id.in_(newest)


class ProductsView(ManagedView):
    model = Product
    title, group, slug = "Products", "Catalog", "products"
    details = "desk/product.html"
    column_list = ("name", "category", "pack", "offers", "lowest", "highest")
    column_labels = {
        "offers": "Offers",
        "lowest": "price|With VAT, from",
        "highest": "price|With VAT, to",
        "pack": "Priced by",
    }
    column_formatters = {
        "name": linked(lambda row: f"/admin/products/{row.id}/"),
        "offers": shown(number),
        "lowest": shown(money),
        "highest": shown(money),
    }
    numeric = ("offers", "lowest", "highest")
    searched = (Product.name,)
    filters = (
        contains("category", "Category", Category.name),
        Filter("rivals", "Offered by several suppliers", lambda _: _of_several_suppliers(), "flag"),
    )
    empty = "No products yet. They come with the suppliers' price lists."

    def statement(self) -> Select[*tuple[Any, ...]]:
        return (
            select(
                Product.id,
                Product.name,
                Category.name.label("category"),
                Product.pack,
                _of_offers(func.count()).label("offers"),
                _of_offers(func.min(Offer.price_with_vat)).label("lowest"),
                _of_offers(func.max(Offer.price_with_vat)).label("highest"),
            )
            .outerjoin(Category, Category.id == Product.category_id)
            .where(Product.merged_into_id.is_(None))
        )

    def searching(self, text: str) -> ColumnElement[bool]:
        return _found(text)

    def look_ups(self) -> dict[str, Select[*tuple[Any, ...]]]:
        offers = _of_offers(func.count())
        text = func.concat(Product.name, " · ", Product.pack, " · ", t("offers: {count}", count=""), offers)
        return {"product_id": select(Product.id, text.label("text")).where(Product.merged_into_id.is_(None))}

    def looking_up(self, wanted: Select[*tuple[Any, ...]], text: str) -> Select[*tuple[Any, ...]]:
        return wanted.where(_found(text)) if text else wanted.where(Product.id < 0)

    def find(self, id_: int) -> Product:
        """What it was merged into, where it was."""
        found = session().get(Product, id_)
        if found is not None and found.merged_into_id is not None:
            found = session().get(Product, found.merged_into_id)
        if found is None:
            raise ProductNotFound(product_id=id_)
        return found

    def page_facts(self, product: Product) -> dict[str, Any]:
        statement = select_for_desk().add_columns(Offer.units_per_pack, Offer.barcodes, Offer.model)
        statement = statement.add_columns(Offer.compare_price_gross, Offer.base_unit)
        order = (~Offer.is_listed, *cheapest_first(base_unit(product.pack), with_vat=True))
        rivals = statement.where(Offer.product_id == product.id).order_by(*order)
        return {
            "offers": session().execute(rivals.limit(MOST_RIVALS)).all(),
            "category": session().scalar(select(Category.name).where(Category.id == product.category_id)),
            "unit": base_unit(product.pack),
            "stock_left": lambda row: stock_left(self, None, row, "available"),
            "merge_form": MergeForm(),
        }

    @expose("/<id:id_>/merge", methods=("POST",))
    def merge(self, id_: int) -> Response:
        """This one becomes part of the one that was chosen."""
        product, to = self.find(id_), id_
        with self.acting("product.merge", done=t("They are one product now.")) as trail:
            wanted = loaded(MergeProductsSchema(), {"product_id": typed_id("product_id")})
            session().execute(ONE_AT_A_TIME)  # as imports: the turn first, then rows
            other = session().get(Product, wanted["product_id"])
            for thing in (product, other) if other is not None and other is not product else (product,):
                trail.add(thing)
            to = merge_products(wanted["product_id"], other_id=product.id, by=manager())
        return self.back(self.page_of(to))

    @expose("/<id:id_>/split", methods=("POST",))
    def split(self, id_: int) -> Response:
        product, to = self.find(id_), id_
        with self.acting("product.split", done=t("What you marked is a product of its own now.")) as trail:
            wanted = loaded(SplitProductSchema(), {"offer_ids": marked_rows()})
            session().execute(ONE_AT_A_TIME)
            trail.add(product)
            to = split_product(product.id, offer_ids=wanted["offer_ids"], by=manager())
            trail.add_new(session().get_one(Product, to))
        return self.back(self.page_of(to))
