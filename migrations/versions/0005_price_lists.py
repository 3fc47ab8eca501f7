"""Price lists."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0005"
down_revision = "0004"


def upgrade():
    op.create_table(
        "price_lists",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("supplier_id", sa.BigInteger(), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=True),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("mode", sa.Text(), nullable=False),
        sa.Column("file_name", sa.Text(), nullable=False),
        sa.Column("sha256", sa.LargeBinary(), nullable=False),
        sa.Column("raw", sa.LargeBinary(), nullable=False),
        sa.Column("state", sa.Text(), server_default="queued", nullable=False),
        sa.Column("message", sa.Text(), nullable=True),
        sa.Column("categories", postgresql.JSONB(), server_default="{}", nullable=False),
        sa.Column("rows_total", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("rows_done", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("rows_rejected", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("offers_new", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("offers_changed", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("offers_withdrawn", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("offers_unchanged", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("stock_changed", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("mode IN ('full', 'update', 'stock_only')", name=op.f("ck_price_lists_mode_known")),
        sa.CheckConstraint(
            "source IN ('upload', 'url', 'admin', 'cli', 'rollback')", name=op.f("ck_price_lists_source_known")
        ),
        sa.CheckConstraint(
            "state IN ('queued', 'checking', 'held', 'applying', 'applied', 'failed', 'discarded')",
            name=op.f("ck_price_lists_state_known"),
        ),
        sa.ForeignKeyConstraint(["supplier_id"], ["companies.id"], name=op.f("fk_price_lists_supplier_id_companies")),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_price_lists_user_id_users")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_price_lists")),
    )
    op.create_index("ix_price_lists_supplier", "price_lists", ["supplier_id", "id"], unique=False)
    op.create_index(
        "uq_price_lists_running",
        "price_lists",
        ["supplier_id"],
        unique=True,
        postgresql_where=sa.text("state IN ('checking', 'applying')"),
    )
    op.create_table(
        "offer_revisions",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("offer_id", sa.BigInteger(), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("price_list_id", sa.BigInteger(), nullable=True),
        sa.Column("user_id", sa.BigInteger(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("model", sa.Text(), server_default="", nullable=False),
        sa.Column("category_id", sa.BigInteger(), nullable=True),
        sa.Column("price", sa.Numeric(precision=14, scale=4), nullable=False),
        sa.Column("price_rrc", sa.Numeric(precision=14, scale=4), nullable=True),
        sa.Column("currency", sa.Text(), server_default="RUB", nullable=False),
        sa.Column("vat_rate", sa.Text(), nullable=True),
        sa.Column("unit_code", sa.Text(), server_default="796", nullable=True),
        sa.Column("unit", sa.Text(), server_default="шт", nullable=False),
        sa.Column("quantity_step", sa.Numeric(precision=14, scale=3), server_default="1", nullable=False),
        sa.Column("minimum_quantity", sa.Numeric(precision=14, scale=3), server_default="1", nullable=False),
        sa.Column("units_per_pack", sa.Numeric(precision=14, scale=3), nullable=True),
        sa.Column("barcodes", postgresql.ARRAY(sa.Text()), server_default="{}", nullable=False),
        sa.Column("parameters", postgresql.JSONB(), server_default="{}", nullable=False),
        sa.Column("is_listed", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.ForeignKeyConstraint(
            ["category_id"], ["categories.id"], name=op.f("fk_offer_revisions_category_id_categories")
        ),
        sa.ForeignKeyConstraint(["offer_id"], ["offers.id"], name=op.f("fk_offer_revisions_offer_id_offers")),
        sa.ForeignKeyConstraint(
            ["price_list_id"], ["price_lists.id"], name=op.f("fk_offer_revisions_price_list_id_price_lists")
        ),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_offer_revisions_user_id_users")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_offer_revisions")),
        sa.UniqueConstraint("offer_id", "revision", name=op.f("uq_offer_revisions_offer_id_revision")),
    )
    op.create_index(op.f("ix_offer_revisions_price_list_id"), "offer_revisions", ["price_list_id"], unique=False)
    op.create_table(
        "price_list_issues",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("price_list_id", sa.BigInteger(), nullable=False),
        sa.Column("row", sa.BigInteger(), nullable=False),
        sa.Column("severity", sa.Text(), nullable=False),
        sa.Column("external_id", sa.Text(), nullable=True),
        sa.Column("field", sa.Text(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.CheckConstraint("severity IN ('error', 'warning')", name=op.f("ck_price_list_issues_severity_known")),
        sa.ForeignKeyConstraint(
            ["price_list_id"],
            ["price_lists.id"],
            name=op.f("fk_price_list_issues_price_list_id_price_lists"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_price_list_issues")),
    )
    op.create_index("ix_price_list_issues_row", "price_list_issues", ["price_list_id", "row", "id"], unique=False)
    op.create_table(
        "price_list_rows",
        sa.Column("price_list_id", sa.BigInteger(), nullable=False),
        sa.Column("row", sa.BigInteger(), nullable=False),
        sa.Column("external_id", sa.Text(), nullable=False),
        sa.Column("sku", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("model", sa.Text(), nullable=False),
        sa.Column("category", sa.Text(), nullable=True),
        sa.Column("price", sa.Numeric(precision=14, scale=4), nullable=True),
        sa.Column("price_rrc", sa.Numeric(precision=14, scale=4), nullable=True),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("vat_rate", sa.Text(), nullable=True),
        sa.Column("unit_code", sa.Text(), nullable=True),
        sa.Column("unit", sa.Text(), nullable=False),
        sa.Column("quantity_step", sa.Numeric(precision=14, scale=3), nullable=False),
        sa.Column("minimum_quantity", sa.Numeric(precision=14, scale=3), nullable=False),
        sa.Column("units_per_pack", sa.Numeric(precision=14, scale=3), nullable=True),
        sa.Column("barcodes", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("parameters", postgresql.JSONB(), nullable=False),
        sa.Column("match_key", sa.Text(), nullable=False),
        sa.Column("stock_kind", sa.Text(), nullable=False),
        sa.Column("stock", sa.Numeric(precision=14, scale=3), nullable=False),
        sa.ForeignKeyConstraint(
            ["price_list_id"],
            ["price_lists.id"],
            name=op.f("fk_price_list_rows_price_list_id_price_lists"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("price_list_id", "row", name=op.f("pk_price_list_rows")),
    )


def downgrade():
    op.drop_table("price_list_rows")
    op.drop_index("ix_price_list_issues_row", table_name="price_list_issues")
    op.drop_table("price_list_issues")
    op.drop_index(op.f("ix_offer_revisions_price_list_id"), table_name="offer_revisions")
    op.drop_table("offer_revisions")
    op.drop_index(
        "uq_price_lists_running",
        table_name="price_lists",
        postgresql_where=sa.text("state IN ('checking', 'applying')"),
    )
    op.drop_index("ix_price_lists_supplier", table_name="price_lists")
    op.drop_table("price_lists")
