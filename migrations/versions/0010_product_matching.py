"""Products know their pack, what they were merged into, and which offers a manager has put where they are."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"

BATCH = 5000

# A category that a supplier alone has mapped to ours tells which of its own categories an offer came from.
FILL_OFFERS = """
UPDATE offers SET supplier_category = mapped.external_id
FROM (
    SELECT supplier_id, category_id, min(external_id) AS external_id
    FROM supplier_categories GROUP BY supplier_id, category_id HAVING count(*) = 1
) AS mapped
WHERE mapped.supplier_id = offers.supplier_id AND mapped.category_id = offers.category_id
    AND offers.supplier_category IS NULL AND offers.id > :after AND offers.id <= :upto
"""

# As shop.catalog.packs had it when this was written.
FILL_PACKS = """
UPDATE products SET pack = found.pack
FROM (
    SELECT product_id, min(CASE
        WHEN unit = 'г' THEN '0.001 кг' WHEN unit = 'т' THEN '1000 кг'
        WHEN unit = 'мл' THEN '0.001 л' WHEN unit = 'тыс. шт' THEN '1000 шт'
        WHEN unit IN ('уп', 'ящ', 'кор', 'блок', 'упаковка', 'ящик', 'коробка') AND units_per_pack > 1
            THEN trim_scale(units_per_pack)::text || ' шт'
        WHEN unit IN ('кг', 'л', 'м', 'м2', 'м3', 'пар') THEN '1 ' || unit
        ELSE '1 шт'
    END) AS pack
    FROM offers
    GROUP BY product_id
) AS found
WHERE found.product_id = products.id AND products.pack <> found.pack
"""


def upgrade():
    op.execute("ALTER TABLE products ADD COLUMN IF NOT EXISTS pack text NOT NULL DEFAULT '1 шт'")
    op.execute("ALTER TABLE products ADD COLUMN IF NOT EXISTS merged_into_id bigint")
    op.execute("ALTER TABLE barcodes ADD COLUMN IF NOT EXISTS pack text NOT NULL DEFAULT '1 шт'")
    op.execute("ALTER TABLE offers ADD COLUMN IF NOT EXISTS supplier_category text")
    op.execute("ALTER TABLE offers ADD COLUMN IF NOT EXISTS product_decided_by_id bigint")
    _add_reference("products", "merged_into_id", "products")
    _add_reference("offers", "product_decided_by_id", "users")
    with op.get_context().autocommit_block():
        _fill()
        _make_indexes()
    op.execute("ALTER TABLE barcodes DROP CONSTRAINT pk_barcodes")
    op.execute("ALTER TABLE barcodes ADD CONSTRAINT pk_barcodes PRIMARY KEY USING INDEX pk_barcodes_by_pack")


def _add_reference(table, column, target):
    name = f"fk_{table}_{column}_{target}"
    op.execute(f"ALTER TABLE {table} DROP CONSTRAINT IF EXISTS {name}")
    op.execute(f"ALTER TABLE {table} ADD CONSTRAINT {name} FOREIGN KEY ({column}) REFERENCES {target} (id) NOT VALID")
    with op.get_context().autocommit_block():
        op.execute(f"ALTER TABLE {table} VALIDATE CONSTRAINT {name}")


def _fill():
    connection = op.get_bind()
    last = connection.scalar(sa.text("SELECT max(id) FROM offers")) or 0
    for after in range(0, last, BATCH):
        connection.execute(sa.text(FILL_OFFERS), {"after": after, "upto": after + BATCH})
    connection.execute(sa.text(FILL_PACKS))
    connection.execute(
        sa.text("UPDATE barcodes SET pack = product.pack FROM products AS product WHERE product.id = product_id")
    )


def _make_indexes():
    op.execute("SET lock_timeout = 0")
    op.execute("DROP INDEX CONCURRENTLY IF EXISTS pk_barcodes_by_pack")
    op.execute("CREATE UNIQUE INDEX CONCURRENTLY pk_barcodes_by_pack ON barcodes (gtin, pack)")
    op.execute("DROP INDEX CONCURRENTLY IF EXISTS ix_offers_supplier_category")
    op.execute(
        "CREATE INDEX CONCURRENTLY ix_offers_supplier_category ON offers (supplier_id, supplier_category)"
    )
    op.execute("DROP INDEX CONCURRENTLY IF EXISTS ix_products_merged_into_id")
    op.execute(
        "CREATE INDEX CONCURRENTLY ix_products_merged_into_id ON products (merged_into_id)"
        " WHERE merged_into_id IS NOT NULL"
    )
    op.execute("SET lock_timeout = '2s'")


def downgrade():
    op.execute("DELETE FROM barcodes WHERE pack <> '1 шт'")
    op.drop_constraint("pk_barcodes", "barcodes")
    op.create_primary_key("pk_barcodes", "barcodes", ["gtin"])
    op.drop_index("ix_products_merged_into_id")
    op.drop_index("ix_offers_supplier_category")
    op.drop_column("offers", "product_decided_by_id")
    op.drop_column("offers", "supplier_category")
    op.drop_column("barcodes", "pack")
    op.drop_column("products", "merged_into_id")
    op.drop_column("products", "pack")
