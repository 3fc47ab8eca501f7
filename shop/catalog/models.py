"""Categories, products, the suppliers' offers with their history, and what is in stock."""

from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import CheckConstraint, FetchedValue, ForeignKey, Index, Text, UniqueConstraint, func, text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, TSVECTOR
from sqlalchemy.orm import Mapped, mapped_column, relationship

from shop.auth.models import Company
from shop.database import ComparedPrice, CreatedAt, Id, Model, Quantity, UnitPrice

EXACT, AT_LEAST, UNKNOWN, ON_ORDER = "exact", "at_least", "unknown", "on_order"
STOCK_KINDS = (EXACT, AT_LEAST, UNKNOWN, ON_ORDER)
BOUND_KINDS = (EXACT, AT_LEAST)  # only these bound a reservation; the others await the supplier's confirmation

ONE_PIECE = "1 шт"
VAT_RATE_KNOWN = "vat_rate IN ('22', '10', '7', '5', '0', 'none')"


class Category(Model):
    """Flat, ours. Suppliers' own numbers map to it by `SupplierCategory`. A trigger dates changes of its name."""

    __tablename__ = "categories"
    __table_args__ = (Index("uq_categories_name", func.lower(text("name")), unique=True),)

    id: Mapped[Id]
    name: Mapped[str]
    offers_changed_at: Mapped[datetime | None]


class SupplierCategory(Model):
    """What a supplier's category number means."""

    __tablename__ = "supplier_categories"
    __table_args__ = (UniqueConstraint("supplier_id", "external_id"),)

    id: Mapped[Id]
    supplier_id: Mapped[int] = mapped_column(ForeignKey("companies.id"))
    external_id: Mapped[str]
    name: Mapped[str]
    category_id: Mapped[int] = mapped_column(ForeignKey("categories.id"), index=True)


class Product(Model):
    """What a thing is, whoever sells it. `match_key` is the normalized name and model by which lists find it.

    `pack` is what one priced unit holds ("12 шт", "0.5 кг"): another pack is another product. A product that a manager
    merged into another stays, so that its id and its name still lead there.
    """

    __tablename__ = "products"
    __table_args__ = (
        Index("ix_products_merged_into_id", "merged_into_id", postgresql_where=text("merged_into_id IS NOT NULL")),
    )

    id: Mapped[Id]
    name: Mapped[str]
    category_id: Mapped[int | None] = mapped_column(ForeignKey("categories.id"), index=True)
    match_key: Mapped[str | None] = mapped_column(index=True)
    pack: Mapped[str] = mapped_column(default=ONE_PIECE, server_default=ONE_PIECE)
    merged_into_id: Mapped[int | None] = mapped_column(ForeignKey("products.id"))
    created_at: Mapped[CreatedAt]


class Barcode(Model):
    """A valid GTIN-8/12/13/14 of a product, never an internal one (20–29), and how many base units it is on.

    Suppliers put a bottle's number on the crate, too, so a number means one product per pack.
    """

    __tablename__ = "barcodes"

    gtin: Mapped[str] = mapped_column(primary_key=True)
    pack: Mapped[str] = mapped_column(primary_key=True, default=ONE_PIECE, server_default=ONE_PIECE)
    product_id: Mapped[int] = mapped_column(ForeignKey("products.id"), index=True)
    pieces: Mapped[Quantity] = mapped_column(default=Decimal(1), server_default="1")


class OfferData:
    """What a supplier says of a good, besides how much there is: the columns of an offer and of its revisions."""

    name: Mapped[str]
    model: Mapped[str] = mapped_column(default="", server_default="")
    category_id: Mapped[int | None] = mapped_column(ForeignKey("categories.id"))
    price: Mapped[UnitPrice]
    price_rrc: Mapped[UnitPrice | None]
    currency: Mapped[str] = mapped_column(default="RUB", server_default="RUB")
    vat_rate: Mapped[str | None]
    unit_code: Mapped[str | None] = mapped_column(default="796", server_default="796")
    unit: Mapped[str] = mapped_column(default="шт", server_default="шт")
    quantity_step: Mapped[Quantity] = mapped_column(default=Decimal(1), server_default="1")
    minimum_quantity: Mapped[Quantity] = mapped_column(default=Decimal(1), server_default="1")
    units_per_pack: Mapped[Quantity | None]
    barcodes: Mapped[list[str]] = mapped_column(ARRAY(Text), default=list, server_default="{}")
    parameters: Mapped[dict[str, Any]] = mapped_column(JSONB, default=dict, server_default="{}")
    is_listed: Mapped[bool] = mapped_column(default=True, server_default=text("true"))


class Offer(OfferData, Model):
    """One supplier's listing of a product. Withdrawn when a list no longer has it, never deleted.

    A trigger fills `search`, `name_key` (lower case, ё as е: the order of names) and `code_key` (SKU and model without
    separators) from name, model and SKU, whoever writes them. Another one fills `price_with_vat` (of the priced unit)
    and `compare_price_…` (of one `base_unit`, with VAT and without it) where a writer does not state them.
    `supplier_category` is the number in the supplier's own list; `product_decided_by_id` is the manager who put the
    offer where it is, and lists leave it there.
    """

    __tablename__ = "offers"
    __table_args__ = (
        UniqueConstraint("supplier_id", "external_id"),
        CheckConstraint("price > 0", name="price_positive"),
        CheckConstraint("quantity_step > 0 AND minimum_quantity > 0", name="quantities_positive"),
        CheckConstraint(VAT_RATE_KNOWN, name="vat_rate_known"),
        Index("ix_offers_search", "search", postgresql_using="gin"),
        Index("ix_offers_listed", "id", postgresql_where=text("is_listed")),
        Index("ix_offers_supplier", "supplier_id", "id", postgresql_where=text("is_listed")),
        Index("ix_offers_category", "category_id", "id", postgresql_where=text("is_listed")),
        Index("ix_offers_price_with_vat", "price_with_vat", "id", postgresql_where=text("is_listed")),
        Index(
            "ix_offers_compare_price_gross",
            *("base_unit", "compare_price_gross", "id"),
            postgresql_where=text("is_listed"),
        ),
        Index(
            "ix_offers_compare_price_net", "base_unit", "compare_price_net", "id", postgresql_where=text("is_listed")
        ),
        Index("ix_offers_name_key", "name_key", "id", postgresql_where=text("is_listed")),
        Index("ix_offers_updated_at", "updated_at", "id"),
        Index("ix_offers_supplier_category", "supplier_id", "supplier_category"),
        Index("ix_offers_code_key", "code_key", postgresql_using="gin", postgresql_ops={"code_key": "gin_trgm_ops"}),
        Index("ix_offers_quarantined", "id", postgresql_where=text("is_quarantined")),
        Index(
            "ix_offers_parameters",
            "parameters",
            postgresql_using="gin",
            postgresql_ops={"parameters": "jsonb_path_ops"},
        ),
        Index("ix_offers_barcodes", "barcodes", postgresql_using="gin"),
    )

    id: Mapped[Id]
    product_id: Mapped[int] = mapped_column(ForeignKey("products.id"), index=True)
    supplier_id: Mapped[int] = mapped_column(ForeignKey("companies.id"))
    external_id: Mapped[str]
    sku: Mapped[str] = mapped_column(index=True)
    revision: Mapped[int] = mapped_column(default=1, server_default="1")
    created_at: Mapped[CreatedAt]
    updated_at: Mapped[datetime] = mapped_column(server_default=func.now())
    withdrawn_at: Mapped[datetime | None]
    is_quarantined: Mapped[bool] = mapped_column(default=False, server_default=text("false"))
    supplier_category: Mapped[str | None]
    product_decided_by_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    search: Mapped[str] = mapped_column(TSVECTOR, server_default=FetchedValue(), deferred=True)
    name_key: Mapped[str] = mapped_column(server_default=FetchedValue(), deferred=True)
    code_key: Mapped[str] = mapped_column(server_default=FetchedValue(), deferred=True)
    price_with_vat: Mapped[ComparedPrice] = mapped_column(server_default=FetchedValue(), deferred=True)
    compare_price_gross: Mapped[ComparedPrice] = mapped_column(server_default=FetchedValue(), deferred=True)
    compare_price_net: Mapped[ComparedPrice] = mapped_column(server_default=FetchedValue(), deferred=True)
    base_unit: Mapped[str] = mapped_column(server_default=FetchedValue(), deferred=True)

    supplier: Mapped[Company] = relationship()
    stock: Mapped["StockLevel"] = relationship(viewonly=True)


class OfferRevision(OfferData, Model):
    """An offer as it was from `created_at` on, and which import or user made it so. Only ever added to."""

    __tablename__ = "offer_revisions"
    __table_args__ = (UniqueConstraint("offer_id", "revision"),)

    id: Mapped[Id]
    offer_id: Mapped[int] = mapped_column(ForeignKey("offers.id"))
    revision: Mapped[int]
    sku: Mapped[str | None]
    price_list_id: Mapped[int | None] = mapped_column(index=True)  # of price_lists, unchecked: decision 0017
    user_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    created_at: Mapped[CreatedAt]


class StockLevel(Model):
    """Pieces in the supplier's warehouse, INCLUDING the `reserved` ones promised to open order lines.

    `shipped` is a running total: how much was shipped between two moments is the difference.
    """

    __tablename__ = "stock_levels"
    __table_args__ = (
        CheckConstraint("kind IN ('exact', 'at_least', 'unknown', 'on_order')", name="kind_known"),
        CheckConstraint("on_hand >= 0", name="on_hand_not_negative"),
        CheckConstraint("reserved >= 0", name="reserved_not_negative"),
        Index("ix_stock_levels_updated_at", "updated_at", "offer_id"),
    )

    offer_id: Mapped[int] = mapped_column(ForeignKey("offers.id"), primary_key=True)
    kind: Mapped[str] = mapped_column(default=EXACT, server_default=EXACT)
    on_hand: Mapped[Quantity] = mapped_column(default=Decimal(0), server_default="0")
    reserved: Mapped[Quantity] = mapped_column(default=Decimal(0), server_default="0")
    shipped: Mapped[Quantity] = mapped_column(default=Decimal(0), server_default="0")
    updated_at: Mapped[datetime] = mapped_column(server_default=func.now())


class StockChange(Model):
    """What a price list has made of an offer's stock, and what `shipped` was then, so that it can be taken back.

    Kept only of each supplier's list that can be rolled back. Whoever states the stock anew says so here.
    """

    __tablename__ = "stock_changes"

    price_list_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)  # unchecked: decision 0017
    offer_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    kind_before: Mapped[str]
    on_hand_before: Mapped[Quantity]
    kind: Mapped[str]
    on_hand: Mapped[Quantity]
    shipped: Mapped[Quantity]
    is_stated_since: Mapped[bool] = mapped_column(default=False, server_default=text("false"))


class SearchWord(Model):
    """A word (its stem) that occurs in offers, kept by a trigger: what a mistyped one may have meant."""

    __tablename__ = "search_words"

    word: Mapped[str] = mapped_column(primary_key=True)


class CatalogGeneration(Model):
    """One row, whose number is another one after every commit that changed what readers of the catalog see.

    Triggers on offers, categories and suppliers raise it, so that no writer can forget to, also not one below this
    package (blocking a company) or outside it. It grows with the clock: no number comes back after a restored backup.

    With it they keep the highest id of an offer that was committed; None: not known.
    """

    __tablename__ = "catalog_generation"
    __table_args__ = (CheckConstraint("id = 1", name="one_row"),)

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    number: Mapped[int]
    newest_offer_id: Mapped[int | None]


class CatalogChange(Model):
    """A transaction that has changed something; gone when it commits, having raised the generation.

    `newest_offer_id` is the highest id of the offers that it adds.
    """

    __tablename__ = "catalog_changes"

    transaction_id: Mapped[str] = mapped_column(primary_key=True)
    newest_offer_id: Mapped[int | None]
