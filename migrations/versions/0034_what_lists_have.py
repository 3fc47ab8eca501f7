"""Price lists say which fields they have; they may be tried, take prices and stock alone, and give stock back.

Rows no longer fill in what their good leaves out. `shipped` counts from now on: only what was shipped since a list was
applied is ever asked for. Columns and constraints of constants: nothing is rewritten, every lock is held for a moment.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0034"
down_revision = "0033"

STATED = (
    *("sku", "name", "model", "currency", "unit", "quantity_step", "minimum_quantity", "barcodes", "match_key"),
    *("stock_kind", "stock"),
)
MODES = (("price_lists", "mode"), ("import_terms", "mode"), ("import_terms", "upload_mode"))
FLAGS = (
    *(("price_lists", name) for name in ("is_dry_run", "takes_quarantined", "takes_stock_back")),
    ("price_list_rows", "is_price_refused"),
)


def upgrade():
    for table, name in FLAGS:
        op.add_column(table, sa.Column(name, sa.Boolean(), server_default=sa.text("false"), nullable=False))
    op.add_column("price_lists", sa.Column("had", postgresql.ARRAY(sa.Text()), nullable=True))
    op.add_column("price_lists", sa.Column("stock_left", sa.BigInteger(), server_default="0", nullable=False))
    op.add_column(
        "stock_levels",
        sa.Column("shipped", sa.Numeric(precision=14, scale=3), server_default="0", nullable=False),
    )
    op.execute("ALTER TABLE price_list_rows " + ", ".join(f"ALTER COLUMN {name} DROP NOT NULL" for name in STATED))
    for table, name in MODES:
        _know_modes(table, name, "'full', 'update', 'prices_and_stock', 'stock_only'")
    op.create_table(
        "stock_changes",
        sa.Column("price_list_id", sa.BigInteger(), nullable=False),
        sa.Column("offer_id", sa.BigInteger(), nullable=False),
        sa.Column("kind_before", sa.Text(), nullable=False),
        sa.Column("on_hand_before", sa.Numeric(precision=14, scale=3), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("on_hand", sa.Numeric(precision=14, scale=3), nullable=False),
        sa.Column("shipped", sa.Numeric(precision=14, scale=3), nullable=False),
        sa.Column("is_stated_since", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.PrimaryKeyConstraint("price_list_id", "offer_id", name=op.f("pk_stock_changes")),
    )


def downgrade():
    """Lists of the new mode become those that change least; rows that wait lose what they cannot say any more."""
    op.drop_table("stock_changes")
    for table, name in MODES:
        op.execute(f"UPDATE {table} SET {name} = 'update' WHERE {name} = 'prices_and_stock'")
        _know_modes(table, name, "'full', 'update', 'stock_only'")
    op.execute(f"DELETE FROM price_list_rows WHERE num_nulls({', '.join(STATED)}) > 0")
    op.execute("ALTER TABLE price_list_rows " + ", ".join(f"ALTER COLUMN {name} SET NOT NULL" for name in STATED))
    op.drop_column("stock_levels", "shipped")
    for name in ("stock_left", "had"):
        op.drop_column("price_lists", name)
    for table, name in FLAGS:
        op.drop_column(table, name)


def _know_modes(table, name, modes):
    constraint = op.f(f"ck_{table}_{name}_known")
    op.execute(f"ALTER TABLE {table} DROP CONSTRAINT IF EXISTS {constraint}")
    op.execute(f"ALTER TABLE {table} ADD CONSTRAINT {constraint} CHECK ({name} IN ({modes})) NOT VALID")
    op.execute(f"ALTER TABLE {table} VALIDATE CONSTRAINT {constraint}")
