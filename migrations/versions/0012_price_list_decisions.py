"""Price lists: change sets, decisions, addresses, and how each supplier's lists are taken."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0012"
down_revision = "0011"


def upgrade():
    # Constant defaults and nullable columns: nothing is rewritten, every lock is held for a moment.
    op.add_column(
        "offers", sa.Column("is_quarantined", sa.Boolean(), server_default=sa.text("false"), nullable=False)
    )
    op.add_column("offer_revisions", sa.Column("sku", sa.Text(), nullable=True))
    for name in ("format", "url", "etag", "last_modified"):
        op.add_column("price_lists", sa.Column(name, sa.Text(), nullable=True))
    op.add_column("price_lists", sa.Column("shop", sa.Text(), server_default="", nullable=False))
    op.add_column("price_lists", sa.Column("layout", postgresql.JSONB(), server_default="{}", nullable=False))
    for name in ("attempts", "offers_quarantined"):
        op.add_column("price_lists", sa.Column(name, sa.BigInteger(), server_default="0", nullable=False))
    op.add_column("price_lists", sa.Column("approved_at", sa.DateTime(timezone=True), nullable=True))
    for name, table in (("rolls_back_id", "price_lists"), ("approved_by_id", "users")):
        op.add_column("price_lists", sa.Column(name, sa.BigInteger(), nullable=True))
        constraint = op.f(f"fk_price_lists_{name}_{table}")
        op.create_foreign_key(constraint, "price_lists", table, [name], ["id"], postgresql_not_valid=True)
        op.execute(f"ALTER TABLE price_lists VALIDATE CONSTRAINT {constraint}")
    op.alter_column("price_lists", "sha256", nullable=True)
    op.alter_column("price_lists", "raw", nullable=True)
    # Read in slices, which is quick only where it is not compressed.
    op.execute("ALTER TABLE price_lists ALTER COLUMN raw SET STORAGE EXTERNAL")
    op.add_column("price_list_issues", sa.Column("original", postgresql.JSONB(), nullable=True))
    op.add_column("price_list_rows", sa.Column("decision", sa.Text(), nullable=True))
    op.create_table(
        "change_set_lines",
        sa.Column("price_list_id", sa.BigInteger(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("change", sa.Text(), nullable=False),
        sa.Column("row", sa.BigInteger(), nullable=True),
        sa.Column("offer_id", sa.BigInteger(), nullable=True),
        sa.Column("external_id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("price", sa.Numeric(precision=14, scale=4), nullable=True),
        sa.Column("fields", postgresql.JSONB(), nullable=True),
        sa.Column("reasons", postgresql.ARRAY(sa.Text()), nullable=True),
        sa.CheckConstraint(
            "change IN ('new', 'changed', 'withdrawn', 'quarantined', 'discarded')", name=op.f("ck_change_set_lines_change_known")
        ),
        sa.ForeignKeyConstraint(
            ["price_list_id"],
            ["price_lists.id"],
            name=op.f("fk_change_set_lines_price_list_id_price_lists"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("price_list_id", "position", name=op.f("pk_change_set_lines")),
    )
    op.create_table(
        "import_terms",
        sa.Column("supplier_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("mode", sa.Text(), server_default="full", nullable=False),
        sa.Column("columns", postgresql.JSONB(), server_default="{}", nullable=False),
        sa.Column("headings", sa.Text(), server_default="category", nullable=False),
        sa.Column("interval_hours", sa.BigInteger(), nullable=True),
        sa.Column("next_fetch_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("guard_price_percent", sa.BigInteger(), nullable=True),
        sa.Column("guard_median_percent", sa.BigInteger(), nullable=True),
        sa.Column("guard_withdrawn_percent", sa.BigInteger(), nullable=True),
        sa.CheckConstraint("interval_hours BETWEEN 1 AND 168", name=op.f("ck_import_terms_interval_sensible")),
        sa.CheckConstraint("mode IN ('full', 'update', 'stock_only')", name=op.f("ck_import_terms_mode_known")),
        sa.ForeignKeyConstraint(
            ["supplier_id"], ["companies.id"], name=op.f("fk_import_terms_supplier_id_companies")
        ),
        sa.PrimaryKeyConstraint("supplier_id", name=op.f("pk_import_terms")),
    )
    op.create_index(
        "ix_import_terms_due",
        "import_terms",
        ["next_fetch_at"],
        unique=False,
        postgresql_where=sa.text("next_fetch_at IS NOT NULL"),
    )


def downgrade():
    op.drop_table("import_terms")
    op.drop_table("change_set_lines")
    op.drop_column("price_list_rows", "decision")
    op.drop_column("price_list_issues", "original")
    op.execute("UPDATE price_lists SET raw = coalesce(raw, ''), sha256 = coalesce(sha256, '')")
    op.alter_column("price_lists", "raw", nullable=False)
    op.alter_column("price_lists", "sha256", nullable=False)
    for name in (
        *("format", "url", "etag", "last_modified", "shop", "layout", "attempts", "offers_quarantined", "approved_at"),
        *("rolls_back_id", "approved_by_id"),
    ):
        op.drop_column("price_lists", name)
    op.drop_column("offer_revisions", "sku")
    op.drop_column("offers", "is_quarantined")
