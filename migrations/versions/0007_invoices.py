"""Invoices."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0007"
down_revision = "0006"


def upgrade():
    op.create_table(
        "invoice_counters",
        sa.Column("legal_entity_id", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("year", sa.BigInteger(), nullable=False),
        sa.Column("last_number", sa.BigInteger(), server_default="0", nullable=False),
        sa.ForeignKeyConstraint(
            ["legal_entity_id"], ["legal_entities.id"], name=op.f("fk_invoice_counters_legal_entity_id_legal_entities")
        ),
        sa.PrimaryKeyConstraint("legal_entity_id", "kind", "year", name=op.f("pk_invoice_counters")),
    )
    op.create_table(
        "invoices",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), server_default="invoice", nullable=False),
        sa.Column("supplier_order_id", sa.BigInteger(), nullable=False),
        sa.Column("legal_entity_id", sa.BigInteger(), nullable=False),
        sa.Column("year", sa.BigInteger(), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("issued_on", sa.Date(), nullable=False),
        sa.Column("total", sa.Numeric(precision=14, scale=2), nullable=False),
        sa.Column("data", postgresql.JSONB(), nullable=False),
        sa.Column("annulled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("annulled_reason", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("kind IN ('invoice', 'correction')", name=op.f("ck_invoices_kind_known")),
        sa.ForeignKeyConstraint(
            ["legal_entity_id"], ["legal_entities.id"], name=op.f("fk_invoices_legal_entity_id_legal_entities")
        ),
        sa.ForeignKeyConstraint(
            ["supplier_order_id"], ["supplier_orders.id"], name=op.f("fk_invoices_supplier_order_id_supplier_orders")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_invoices")),
        sa.UniqueConstraint("kind", "supplier_order_id", name=op.f("uq_invoices_kind_supplier_order_id")),
        sa.UniqueConstraint(
            "legal_entity_id", "kind", "year", "sequence", name=op.f("uq_invoices_legal_entity_id_kind_year_sequence")
        ),
    )
    op.create_index(op.f("ix_invoices_supplier_order_id"), "invoices", ["supplier_order_id"], unique=False)


def downgrade():
    op.drop_index(op.f("ix_invoices_supplier_order_id"), table_name="invoices")
    op.drop_table("invoices")
    op.drop_table("invoice_counters")
