"""Baskets, orders with their parts, lines and history, and the documents made of them."""

from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import CheckConstraint, Computed, ForeignKey, Index, LargeBinary, UniqueConstraint, func, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column, relationship

from shop.auth.models import STAYS, Company, User
from shop.catalog.models import Offer
from shop.database import CreatedAt, Id, Model, Quantity, Sum, UnitPrice
from shop.orders.states import NEW, STATES

STATE_KNOWN = f"state IN {STATES}"
INVOICE, CORRECTION = "invoice", "correction"
ORDER_YEAR = "extract(year from created_at AT TIME ZONE 'UTC')::text"
ORDER_NUMBER = f"{ORDER_YEAR} || '-' || lpad(id::text, greatest(6, length(id::text)), '0')"


class Basket(Model):
    """One per user; what it holds is not reserved."""

    __tablename__ = "baskets"

    id: Mapped[Id]
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), unique=True, info={STAYS: True})


class BasketLine(Model):
    """An offer and how much of it; `price_seen` per `unit_seen` is what the buyer has agreed to."""

    __tablename__ = "basket_lines"
    __table_args__ = (CheckConstraint("quantity > 0", name="quantity_positive"),)

    basket_id: Mapped[int] = mapped_column(ForeignKey("baskets.id", ondelete="CASCADE"), primary_key=True)
    offer_id: Mapped[int] = mapped_column(ForeignKey("offers.id"), primary_key=True)
    quantity: Mapped[Quantity]
    price_seen: Mapped[UnitPrice]
    unit_seen: Mapped[str]
    added_at: Mapped[datetime] = mapped_column(server_default=func.now())

    offer: Mapped[Offer] = relationship()


class Order(Model):
    """What a buyer ordered in one go, with the address as it was. Its state follows from its parts and is stored."""

    __tablename__ = "orders"
    __table_args__ = (
        CheckConstraint(STATE_KNOWN, name="state_known"),
        Index("ix_orders_user", "user_id", "id"),
        Index("ix_orders_company", "company_id", "id"),
        Index("ix_orders_state", "state", "id"),
        Index("ix_orders_company_state", "company_id", "state", "id"),
        Index(
            "ix_orders_client_reference",
            "client_reference",
            "company_id",
            "id",
            postgresql_where=text("client_reference IS NOT NULL"),
        ),
        Index("ix_orders_created_at", "created_at"),
    )

    id: Mapped[Id]
    number: Mapped[str] = mapped_column(Computed(ORDER_NUMBER, persisted=True), unique=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    company_id: Mapped[int] = mapped_column(ForeignKey("companies.id"))
    state: Mapped[str] = mapped_column(default=NEW, server_default=NEW)
    delivery_point: Mapped[dict[str, Any]] = mapped_column(JSONB)
    comment: Mapped[str] = mapped_column(default="", server_default="")
    client_reference: Mapped[str | None]
    requested_delivery_on: Mapped[date | None]
    currency: Mapped[str] = mapped_column(default="RUB", server_default="RUB")
    subtotal: Mapped[Sum]
    delivery_total: Mapped[Sum]
    vat_total: Mapped[Sum]
    total: Mapped[Sum]
    version: Mapped[int] = mapped_column(default=1, server_default="1")
    created_at: Mapped[CreatedAt]

    user: Mapped[User] = relationship()
    company: Mapped[Company] = relationship()
    parts: Mapped[list["SupplierOrder"]] = relationship(back_populates="order", order_by="SupplierOrder.id")


class SupplierOrder(Model):
    """The part of an order that one supplier fulfils."""

    __tablename__ = "supplier_orders"
    __table_args__ = (
        CheckConstraint(STATE_KNOWN, name="state_known"),
        UniqueConstraint("order_id", "supplier_id"),
        Index("ix_supplier_orders_supplier", "supplier_id", "id"),
        Index("ix_supplier_orders_state", "state", "id"),
        Index("ix_supplier_orders_supplier_state", "supplier_id", "state", "id"),
    )

    id: Mapped[Id]
    order_id: Mapped[int] = mapped_column(ForeignKey("orders.id"))
    supplier_id: Mapped[int] = mapped_column(ForeignKey("companies.id"))
    state: Mapped[str] = mapped_column(default=NEW, server_default=NEW)
    price_includes_vat: Mapped[bool] = mapped_column(default=True, server_default=text("true"))
    subtotal: Mapped[Sum]
    delivery_fee: Mapped[Sum]
    delivery_vat: Mapped[Sum]
    delivery_vat_rate: Mapped[str | None]
    vat_total: Mapped[Sum]
    total: Mapped[Sum]

    order: Mapped[Order] = relationship(back_populates="parts")
    supplier: Mapped[Company] = relationship()
    lines: Mapped[list["OrderLine"]] = relationship(back_populates="part", order_by="OrderLine.position")

    @property
    def lacks_vat_rate(self) -> bool:
        """Only parts placed before rates were frozen with every line; a confirmed one is as its invoice says."""
        is_without = self.delivery_fee and self.delivery_vat_rate is None
        return bool(is_without) or any(line.vat_rate is None for line in self.lines)


class OrderLine(Model):
    """A good as it was ordered: name, SKU, unit, price and VAT stay whatever later lists say.

    `quantity` is what the supplier delivers: as ordered, or less where he cut it, with the reason; the sums follow it.
    `received_quantity` is what the buyer found at the door. `vat_is_default`: the list stated no VAT rate, so that the
    seller's own was taken.
    """

    __tablename__ = "order_lines"
    __table_args__ = (
        UniqueConstraint("supplier_order_id", "position"),
        CheckConstraint("quantity BETWEEN 0 AND ordered_quantity AND ordered_quantity > 0", name="quantity_possible"),
    )

    id: Mapped[Id]
    supplier_order_id: Mapped[int] = mapped_column(ForeignKey("supplier_orders.id"))
    position: Mapped[int]
    offer_id: Mapped[int] = mapped_column(ForeignKey("offers.id"), index=True)
    revision: Mapped[int]
    name: Mapped[str]
    sku: Mapped[str]
    barcode: Mapped[str | None]
    unit_code: Mapped[str | None]
    unit: Mapped[str]
    units_per_pack: Mapped[Quantity | None]
    ordered_quantity: Mapped[Quantity]
    quantity: Mapped[Quantity]
    cut_reason: Mapped[str | None]
    received_quantity: Mapped[Quantity | None]
    received_reason: Mapped[str | None]
    price: Mapped[UnitPrice]
    vat_rate: Mapped[str | None]
    vat_is_default: Mapped[bool] = mapped_column(default=False, server_default=text("false"))
    net: Mapped[Sum]
    vat: Mapped[Sum]
    total: Mapped[Sum]

    part: Mapped[SupplierOrder] = relationship(back_populates="lines")

    @property
    def is_cut(self) -> bool:
        return self.quantity < self.ordered_quantity

    @property
    def is_short(self) -> bool:
        """Less was received than delivered."""
        return self.received_quantity is not None and self.received_quantity < self.quantity


class OrderEvent(Model):
    """One line of an order's history: who moved what from where to where, when and why."""

    __tablename__ = "order_events"
    __table_args__ = (Index("ix_order_events_order", "order_id", "id"),)

    id: Mapped[Id]
    order_id: Mapped[int] = mapped_column(ForeignKey("orders.id"))
    supplier_order_id: Mapped[int | None] = mapped_column(ForeignKey("supplier_orders.id"))
    user_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    from_state: Mapped[str | None]
    to_state: Mapped[str]
    reason: Mapped[str] = mapped_column(default="", server_default="")
    created_at: Mapped[CreatedAt]


class Contract(Model):
    """Under which a supplier delivers to a buyer, in the words that their documents name it by."""

    __tablename__ = "contracts"

    supplier_id: Mapped[int] = mapped_column(ForeignKey("companies.id"), primary_key=True)
    buyer_id: Mapped[int] = mapped_column(ForeignKey("companies.id"), primary_key=True)
    words: Mapped[str]


class ContractStatement(Model):
    """Who said when under which contract a supplier delivers to a buyer; no words where there is none any more."""

    __tablename__ = "contract_statements"
    __table_args__ = (Index("ix_contract_statements_between", "supplier_id", "buyer_id", "id"),)

    id: Mapped[Id]
    supplier_id: Mapped[int] = mapped_column(ForeignKey("companies.id"))
    buyer_id: Mapped[int] = mapped_column(ForeignKey("companies.id"))
    words: Mapped[str | None]
    user_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    created_at: Mapped[CreatedAt]


class InvoiceCounter(Model):
    """The last number given, per legal entity, kind and year. Locked last of all, for a moment."""

    __tablename__ = "invoice_counters"

    legal_entity_id: Mapped[int] = mapped_column(ForeignKey("legal_entities.id"), primary_key=True)
    kind: Mapped[str] = mapped_column(primary_key=True)
    year: Mapped[int] = mapped_column(primary_key=True)
    last_number: Mapped[int] = mapped_column(default=0, server_default="0")


class Invoice(Model):
    """A numbered document about one part. `data` is frozen; `paper`, its PDF, is made of it once (stored_pdf.py)."""

    __tablename__ = "invoices"
    __table_args__ = (
        CheckConstraint("kind IN ('invoice', 'correction')", name="kind_known"),
        UniqueConstraint("legal_entity_id", "kind", "year", "sequence"),
        UniqueConstraint("kind", "supplier_order_id"),
    )

    id: Mapped[Id]
    number: Mapped[str]
    kind: Mapped[str] = mapped_column(default=INVOICE, server_default=INVOICE)
    supplier_order_id: Mapped[int] = mapped_column(ForeignKey("supplier_orders.id"), index=True)
    legal_entity_id: Mapped[int] = mapped_column(ForeignKey("legal_entities.id"))
    year: Mapped[int]
    sequence: Mapped[int]
    issued_on: Mapped[date]
    total: Mapped[Sum]
    data: Mapped[dict[str, Any]] = mapped_column(JSONB, deferred=True)
    paper: Mapped[bytes | None] = mapped_column(LargeBinary, deferred=True)
    annulled_at: Mapped[datetime | None]
    annulled_reason: Mapped[str | None]
    created_at: Mapped[CreatedAt]

    part: Mapped[SupplierOrder] = relationship()

    @property
    def document(self) -> dict[str, Any]:
        """What its PDF is made of: the frozen data, and the stamp once it is annulled."""
        if self.annulled_at is None:
            return self.data
        annulled_on = self.annulled_at.astimezone(ZoneInfo(self.data["time_zone"])).date()
        return self.data | {"annulled": {"on": annulled_on.isoformat(), "reason": self.annulled_reason}}
