"""An import, the rows staged from its file, and what was wrong with them."""

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, LargeBinary, Text, text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from shop.database import CreatedAt, Id, Model, Quantity, UnitPrice
from shop.price_lists.row_issues import issue_text
from shop.spreadsheets.headings import CATEGORY

QUEUED, CHECKING, HELD, APPLYING = "queued", "checking", "held", "applying"
APPLIED, FAILED, DISCARDED = "applied", "failed", "discarded"
RUNNING_STATES = (CHECKING, APPLYING)
UNFINISHED_STATES = (QUEUED, *RUNNING_STATES)
STATES = (QUEUED, CHECKING, HELD, APPLYING, APPLIED, FAILED, DISCARDED)
SOURCES = ("upload", "url", "admin", "cli", "rollback")
ERROR, WARNING = "error", "warning"
FULL, UPDATE, PRICES_AND_STOCK, STOCK_ONLY = "full", "update", "prices_and_stock", "stock_only"
MODES = (FULL, UPDATE, PRICES_AND_STOCK, STOCK_ONLY)
OF_WHOLE_GOODS = (FULL, UPDATE)  # the modes that take all that a list says of a good, and new goods
APPLY, DISCARD, QUARANTINE = "apply", "discard", "quarantine"  # of a row; the last one is the guards' decision


class PriceList(Model):
    """One import of one supplier's list. `categories` are those that the file declares: its ids and their names.

    There is no file before it was fetched from `url`, and none where a list is rolled back. `layout` is what the
    supplier says of a table's columns. `reasons` are codes with facts, why it waits or ended as it did, and `message`
    says the same in English (reasons.py). A list found running `attempts` times was each time left by a dead worker.

    `had` are the fields that the list states (listed_fields.py; None of lists from before they were noted).
    `is_dry_run` ends when somebody applies it. Who approves a list may have it take its quarantined rows, too; a
    rollback may take stock back, except of `stock_left` offers, whose stock was stated since.
    """

    __tablename__ = "price_lists"
    __table_args__ = (
        CheckConstraint(f"source IN {SOURCES}", name="source_known"),
        CheckConstraint(f"mode IN {MODES}", name="mode_known"),
        CheckConstraint(f"state IN {STATES}", name="state_known"),
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
    sha256: Mapped[bytes | None] = mapped_column(LargeBinary)
    raw: Mapped[bytes | None] = mapped_column(LargeBinary, deferred=True)
    format: Mapped[str | None]
    shop: Mapped[str] = mapped_column(default="", server_default="")
    had: Mapped[list[str] | None] = mapped_column(ARRAY(Text))
    is_dry_run: Mapped[bool] = mapped_column(default=False, server_default=text("false"))
    layout: Mapped[dict[str, Any]] = mapped_column(default=dict, server_default="{}")
    url: Mapped[str | None]
    etag: Mapped[str | None]
    last_modified: Mapped[str | None]
    rolls_back_id: Mapped[int | None] = mapped_column(ForeignKey("price_lists.id"))
    attempts: Mapped[int] = mapped_column(default=0, server_default="0")
    approved_at: Mapped[datetime | None]
    approved_by_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    takes_quarantined: Mapped[bool] = mapped_column(default=False, server_default=text("false"))
    takes_stock_back: Mapped[bool] = mapped_column(default=False, server_default=text("false"))
    discarded_by_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    state: Mapped[str] = mapped_column(default=QUEUED, server_default=QUEUED)
    reasons: Mapped[list[dict[str, Any]]] = mapped_column(JSONB, default=list, server_default="[]")
    message: Mapped[str | None]
    categories: Mapped[dict[str, Any]] = mapped_column(default=dict, server_default="{}")
    rows_total: Mapped[int] = mapped_column(default=0, server_default="0")
    rows_done: Mapped[int] = mapped_column(default=0, server_default="0")
    rows_rejected: Mapped[int] = mapped_column(default=0, server_default="0")
    offers_new: Mapped[int] = mapped_column(default=0, server_default="0")
    offers_changed: Mapped[int] = mapped_column(default=0, server_default="0")
    offers_withdrawn: Mapped[int] = mapped_column(default=0, server_default="0")
    offers_unchanged: Mapped[int] = mapped_column(default=0, server_default="0")
    offers_quarantined: Mapped[int] = mapped_column(default=0, server_default="0")
    stock_changed: Mapped[int] = mapped_column(default=0, server_default="0")
    stock_left: Mapped[int] = mapped_column(default=0, server_default="0")
    created_at: Mapped[CreatedAt]
    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]

    @property
    def is_finished(self) -> bool:
        return self.state in (APPLIED, FAILED, DISCARDED)


# Not so of lists that were to be fetched and had not changed: they end applied, too, and say nothing of the catalog.
STATES_SOMETHING = PriceList.sha256.is_not(None) | PriceList.rolls_back_id.is_not(None)


class PriceListIssue(Model):
    """What is wrong with one row (0 = the list as a whole): the field, a stable code, and facts (row_issues.py).

    An error means that the row was not taken, a warning that it was taken without what its sentence names. Rows from
    before 0039 have no facts, and their English sentence as `kept_message`.
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
    facts: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    kept_message: Mapped[str] = mapped_column("message", default="", server_default="")
    original: Mapped[dict[str, Any] | None]

    @property
    def message(self) -> str:
        """In English, for programs."""
        return issue_text(self, "en")


class PriceListRow(Model):
    """A good of the list, read and checked, staged beside the catalog until the list is applied or discarded.

    It holds what the good says and nothing in place of what it leaves out: listed_fields.py decides that.
    `category` is one of the ids that the list declares. A good whose price was refused is kept with its id and name
    alone. Of an applied list the quarantined rows stay until somebody decides (`decision`) or a newer list states the
    same good.
    """

    __tablename__ = "price_list_rows"

    price_list_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)  # of price_lists, unchecked: 0017
    row: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    external_id: Mapped[str]
    sku: Mapped[str | None]
    name: Mapped[str | None]
    model: Mapped[str | None]
    category: Mapped[str | None]
    price: Mapped[UnitPrice | None]
    price_rrc: Mapped[UnitPrice | None]
    currency: Mapped[str | None]
    vat_rate: Mapped[str | None]
    unit_code: Mapped[str | None]
    unit: Mapped[str | None]
    quantity_step: Mapped[Quantity | None]
    minimum_quantity: Mapped[Quantity | None]
    units_per_pack: Mapped[Quantity | None]
    barcodes: Mapped[list[str] | None] = mapped_column(ARRAY(Text))
    parameters: Mapped[dict[str, Any]] = mapped_column(JSONB)
    match_key: Mapped[str | None]
    stock_kind: Mapped[str | None]
    stock: Mapped[Quantity | None]
    is_price_refused: Mapped[bool] = mapped_column(default=False, server_default=text("false"))
    decision: Mapped[str | None]


class ChangeSetLine(Model):
    """What the list does, or would do, to one offer; kept so that it can be read afterwards.

    `fields` are those that change, each with its value before and after. `reasons` are why a change is quarantined.
    """

    __tablename__ = "change_set_lines"
    __table_args__ = (
        CheckConstraint("change IN ('new', 'changed', 'withdrawn', 'quarantined', 'discarded')", name="change_known"),
    )

    price_list_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)  # of price_lists, unchecked: 0017
    position: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    change: Mapped[str]
    row: Mapped[int | None]
    offer_id: Mapped[int | None]
    external_id: Mapped[str]
    name: Mapped[str]
    price: Mapped[UnitPrice | None]
    fields: Mapped[dict[str, Any] | None]
    reasons: Mapped[list[str] | None] = mapped_column(ARRAY(Text))


class ImportTerms(Model):
    """How one supplier's lists are taken: what was chosen last, when its address is fetched, and its own guards.

    `mode` is that of lists from an address, `upload_mode` that of files: a file of nothing but stock that is sent at
    noon does not make the nightly list one of stock.
    """

    __tablename__ = "import_terms"
    __table_args__ = (
        CheckConstraint(f"mode IN {MODES}", name="mode_known"),
        CheckConstraint(f"upload_mode IN {MODES}", name="upload_mode_known"),
        CheckConstraint("interval_hours BETWEEN 1 AND 168", name="interval_sensible"),
        Index("ix_import_terms_due", "next_fetch_at", postgresql_where=text("next_fetch_at IS NOT NULL")),
    )

    supplier_id: Mapped[int] = mapped_column(ForeignKey("companies.id"), primary_key=True, autoincrement=False)
    mode: Mapped[str] = mapped_column(default=FULL, server_default=FULL)
    upload_mode: Mapped[str] = mapped_column(default=FULL, server_default=FULL)
    columns: Mapped[dict[str, Any]] = mapped_column(default=dict, server_default="{}")
    headings: Mapped[str] = mapped_column(default=CATEGORY, server_default=CATEGORY)
    interval_hours: Mapped[int | None]
    next_fetch_at: Mapped[datetime | None]
    guard_price_percent: Mapped[int | None]
    guard_median_percent: Mapped[int | None]
    guard_withdrawn_percent: Mapped[int | None]
