"""Offers at the desk, to be read: what a supplier says of a good, how much there is, and how both came to be."""

from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Select, case, func, select
from sqlalchemy.orm import joinedload

from shop.admin.base import ManagedView
from shop.admin.change_sets import difference, field_name, value_of
from shop.admin.dashboard_queries import recently_ordered
from shop.admin.filters import Filter, choice, contains, flag
from shop.admin.formats import badge, linked, money, number, shown
from shop.auth.models import Company, User
from shop.catalog.models import EXACT, Category, Offer, OfferRevision, Product, StockLevel
from shop.catalog.offers import IS_NOT_BEYOND, OfferNotFound
from shop.catalog.search.search_terms import Words, has_barcode
from shop.catalog.stock import AVAILABLE, available_stock
from shop.database import now, session
from shop.price_lists.models import APPLIED, HELD, PriceList, PriceListRow
from shop.translations import t

LISTED, WITHDRAWN, QUARANTINED = "listed", "withdrawn", "quarantined"
STATES = (LISTED, QUARANTINED, WITHDRAWN)
OFFER_STATE = case((~Offer.is_listed, WITHDRAWN), (Offer.is_quarantined, QUARANTINED), else_=LISTED)
MOST_REVISIONS = 100
COMPARED = (
    "price", "price_rrc", "name", "model", "sku", "category", "vat_rate", "unit", "quantity_step", "minimum_quantity",
    "units_per_pack", "is_listed",
)  # fmt: skip


def select_for_desk() -> Select[*tuple[Any, ...]]:
    """Whoever offers it, whether listed or not."""
    return (
        select(
            Offer.id,
            Offer.name,
            Offer.sku,
            Company.name.label("supplier"),
            Category.name.label("category"),
            Offer.price,
            Offer.unit,
            func.coalesce(StockLevel.kind, EXACT).label("stock_kind"),
            AVAILABLE.label("available"),
            OFFER_STATE.label("state"),
            Offer.updated_at,
        )
        .join(Company, Company.id == Offer.supplier_id)
        .outerjoin(Category, Category.id == Offer.category_id)
        .outerjoin(StockLevel, StockLevel.offer_id == Offer.id)
    )


def found_by_words(typed: str) -> ColumnElement[bool]:
    """By the indexes of the catalog's own search: words, SKU, model, barcode."""
    return Words(typed).match()


def stock_left(_view: Any, _context: Any, row: Any, _name: str) -> Any:
    """How much can be promised, in the words of what the supplier says of it."""
    if row.stock_kind in ("unknown", "on_order"):
        return t(f"stock|{row.stock_kind}")
    prefix = "≥\u00a0" if row.stock_kind == "at_least" else ""
    return f"{prefix}{number(row.available)}\u00a0{row.unit}"


class OffersView(ManagedView):
    model = Offer
    title, group, slug = "Offers", "Catalog", "offers"
    details = "desk/offer.html"
    column_list = ("name", "sku", "supplier", "category", "price", "available", "state", "updated_at")
    column_labels = {"sku": "SKU", "available": "Left", "updated_at": "Last change"}
    column_formatters = {
        "name": linked(lambda row: f"/admin/offers/{row.id}/"),
        "price": shown(money),
        "available": stock_left,
        "state": shown(badge),
    }
    numeric = ("price", "available")
    sorts = {"updated_at": Offer.updated_at}  # the other columns have no index over all offers, withdrawn ones too
    searched = (Offer.name, Offer.sku)
    filters = (
        choice("state", "State", OFFER_STATE, [(state, f"state|{state}") for state in STATES]),
        contains("supplier", "Supplier", Company.name),
        contains("category", "Category", Category.name),
        Filter("sku", "SKU", lambda sku: Offer.sku == sku),
        Filter("barcode", "Barcode", has_barcode),
        flag("quarantined", "In quarantine", Offer.is_quarantined & Offer.is_listed),
        Filter("sold_out", "Sold out though ordered", lambda _: Offer.id.in_(_sold_out()), "flag"),
    )
    exported = (
        "name", "sku", "supplier", "category", "price", "unit", "stock_kind", "available", "state", "updated_at",
    )  # fmt: skip
    empty = "No offers yet. They come with the suppliers' price lists."

    def statement(self) -> Select[*tuple[Any, ...]]:
        return select_for_desk().where(IS_NOT_BEYOND)

    def searching(self, text: str) -> ColumnElement[bool]:
        return found_by_words(text)

    def find(self, id_: int) -> Offer:
        found = session().get(Offer, id_, options=[joinedload(Offer.supplier), joinedload(Offer.stock)])
        if found is None:
            raise OfferNotFound(offer_id=id_)
        return found

    def page_facts(self, offer: Offer) -> dict[str, Any]:
        names = select(Product.name, Category.name.label("category")).outerjoin(
            Category, Category.id == offer.category_id
        )
        return {
            "value_of": value_of,
            "available": offer.stock and available_stock(offer.stock.on_hand, offer.stock.reserved, offer.unit),
            "state": session().scalar(select(OFFER_STATE).where(Offer.id == offer.id)),
            "named": session().execute(names.where(Product.id == offer.product_id)).one(),
            "waits_in": _waits_in(offer) if offer.is_quarantined else None,
            "history": list(_history(offer)),
        }


def _sold_out() -> Select[*tuple[Any, ...]]:
    return recently_ordered(now()).with_only_columns(Offer.id)


def _waits_in(offer: Offer) -> int | None:
    """The list whose row of this offer waits for a decision."""
    statement = (
        select(PriceList.id)
        .join(PriceListRow, PriceListRow.price_list_id == PriceList.id)
        .where(
            PriceList.supplier_id == offer.supplier_id,
            PriceList.state.in_((HELD, APPLIED)),
            PriceListRow.external_id == offer.external_id,
            PriceListRow.decision.is_(None),
        )
    )
    return session().scalar(statement.order_by(PriceList.id.desc()).limit(1))


def _history(offer: Offer) -> Iterator[dict[str, Any]]:
    """The newest first, each with what it changed of the one before."""
    statement = (
        select(OfferRevision, Category.name.label("category"), PriceList.id, PriceList.file_name, User.email)
        .outerjoin(Category, Category.id == OfferRevision.category_id)
        .outerjoin(PriceList, PriceList.id == OfferRevision.price_list_id)
        .outerjoin(User, User.id == OfferRevision.user_id)
        .where(OfferRevision.offer_id == offer.id)
        .order_by(OfferRevision.revision.desc())
        .limit(MOST_REVISIONS + 1)
    )
    rows = session().execute(statement).all()
    for row, before in zip(rows[:MOST_REVISIONS], [*rows[1:], None], strict=False):
        yield {
            "at": row.OfferRevision.created_at,
            "price": row.OfferRevision.price,
            "changes": _changes(before, row) if before else [],
            "price_list_id": row.id,
            "file_name": row.file_name,
            "who": row.email,
        }


def _changes(before: Any, after: Any) -> Sequence[Any]:
    pairs = [(name, _of(before, name), _of(after, name)) for name in COMPARED]
    return [
        difference(field_name(name), value_of(name, old), value_of(name, new)) for name, old, new in pairs if old != new
    ]


def _of(row: Any, name: str) -> Any:
    return row.category if name == "category" else getattr(row.OfferRevision, name)
