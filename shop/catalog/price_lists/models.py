"""An import, the rows staged from its file, and what was wrong with them."""

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, LargeBinary, Text, text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from shop.db import CreatedAt, Id, Model, Quantity, UnitPrice

QUEUED, CHECKING, HELD, APPLYING = "queued", "checking", "held", "applying"
APPLIED, FAILED, DISCARDED = "applied", "failed", "discarded"
RUNNING_STATES = (CHECKING, APPLYING)
ERROR, WARNING = "error", "warning"
FULL, UPDATE, STOCK_ONLY = "full", "update", "stock_only"
MODES = (FULL, UPDATE, STOCK_ONLY)


class PriceList(Model):
    """One import of one supplier's list. `categories` are those that the file declares: its ids and their names."""

    __tablename__ = "price_lists"
    __table_args__ = (
        CheckConstraint("source IN ('upload', 'url', 'admin', 'cli', 'rollback')", name="source_known"),
        CheckConstraint("mode IN ('full', 'update', 'stock_only')", name="mode_known"),
        CheckConstraint(
            "state IN ('queued', 'checking', 'held', 'applying', 'applied', 'failed', 'discarded')", name="state_known"
        ),
        Index(
            "uq_price_lists_running",
            "supplier_id",
            unique=True,
            postgresql_where=text("state IN ('checking', 'applying')"),
        ),
        Index("ix_price_lists_supplier", "supplier_id", "id"),
    )

    id: Mapped[Id]
    supplier_id: Mapped[int] = mapped_column(ForeignKey("companies.id"))
    user_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    source: Mapped[str]
    mode: Mapped[str] = mapped_column(default=FULL)
    file_name: Mapped[str]
    sha256: Mapped[bytes] = mapped_column(LargeBinary)
    raw: Mapped[bytes] = mapped_column(LargeBinary, deferred=True)
    state: Mapped[str] = mapped_column(default=QUEUED, server_default=QUEUED)
    message: Mapped[str | None]
    categories: Mapped[dict[str, Any]] = mapped_column(default=dict, server_default="{}")
    rows_total: Mapped[int] = mapped_column(default=0, server_default="0")
    rows_done: Mapped[int] = mapped_column(default=0, server_default="0")
    rows_rejected: Mapped[int] = mapped_column(default=0, server_default="0")
    offers_new: Mapped[int] = mapped_column(default=0, server_default="0")
    offers_changed: Mapped[int] = mapped_column(default=0, server_default="0")
    offers_withdrawn: Mapped[int] = mapped_column(default=0, server_default="0")
    offers_unchanged: Mapped[int] = mapped_column(default=0, server_default="0")
    stock_changed: Mapped[int] = mapped_column(default=0, server_default="0")
    created_at: Mapped[CreatedAt]
    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]

    @property
    def is_finished(self) -> bool:
        return self.state in (APPLIED, FAILED, DISCARDED)


class PriceListIssue(Model):
    """What is wrong with one row (0 = the list as a whole): the field, a stable code, and a sentence.

    An error means that the row was not taken, a warning that it was taken without what the sentence names.
    """

    __tablename__ = "price_list_issues"
    __table_args__ = (
        CheckConstraint("severity IN ('error', 'warning')", name="severity_known"),
        Index("ix_price_list_issues_row", "price_list_id", "row", "id"),
    )

    id: Mapped[Id]
    price_list_id: Mapped[int] = mapped_column(ForeignKey("price_lists.id", ondelete="CASCADE"))
    row: Mapped[int]
    severity: Mapped[str]
    external_id: Mapped[str | None]
    field: Mapped[str]
    code: Mapped[str]
    message: Mapped[str]


class PriceListRow(Model):
    """A good of the list, read and checked, staged beside the catalog until the list is applied.

    `category` is one of the ids that the list declares. Rows that only state stock have no price.
    """

    __tablename__ = "price_list_rows"

    price_list_id: Mapped[int] = mapped_column(ForeignKey("price_lists.id", ondelete="CASCADE"), primary_key=True)
    row: Mapped[int] = mapped_column(primary_key=True)
    external_id: Mapped[str]
    sku: Mapped[str]
    name: Mapped[str]
    model: Mapped[str]
    category: Mapped[str | None]
    price: Mapped[UnitPrice | None]
    price_rrc: Mapped[UnitPrice | None]
    currency: Mapped[str]
    vat_rate: Mapped[str | None]
    unit_code: Mapped[str | None]
    unit: Mapped[str]
    quantity_step: Mapped[Quantity]
    minimum_quantity: Mapped[Quantity]
    units_per_pack: Mapped[Quantity | None]
    barcodes: Mapped[list[str]] = mapped_column(ARRAY(Text))
    parameters: Mapped[dict[str, Any]] = mapped_column(JSONB)
    match_key: Mapped[str]
    stock_kind: Mapped[str]
    stock: Mapped[Quantity]
