"""Catalog."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0004"
down_revision = "0003"


def upgrade():
    op.create_table(
        "categories",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_categories")),
    )
    op.create_index("uq_categories_name", "categories", [sa.literal_column("lower(name)")], unique=True)
    op.create_table(
        "products",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("category_id", sa.BigInteger(), nullable=True),
        sa.Column("match_key", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(["category_id"], ["categories.id"], name=op.f("fk_products_category_id_categories")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_products")),
    )
    op.create_index(op.f("ix_products_category_id"), "products", ["category_id"], unique=False)
    op.create_index(op.f("ix_products_match_key"), "products", ["match_key"], unique=False)
    op.create_table(
        "supplier_categories",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("supplier_id", sa.BigInteger(), nullable=False),
        sa.Column("external_id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("category_id", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["category_id"], ["categories.id"], name=op.f("fk_supplier_categories_category_id_categories")
        ),
        sa.ForeignKeyConstraint(
            ["supplier_id"], ["companies.id"], name=op.f("fk_supplier_categories_supplier_id_companies")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_supplier_categories")),
        sa.UniqueConstraint("supplier_id", "external_id", name=op.f("uq_supplier_categories_supplier_id_external_id")),
    )
    op.create_index(op.f("ix_supplier_categories_category_id"), "supplier_categories", ["category_id"], unique=False)
    op.create_table(
        "barcodes",
        sa.Column("gtin", sa.Text(), nullable=False),
        sa.Column("product_id", sa.BigInteger(), nullable=False),
        sa.Column("pieces", sa.Numeric(precision=14, scale=3), server_default="1", nullable=False),
        sa.ForeignKeyConstraint(["product_id"], ["products.id"], name=op.f("fk_barcodes_product_id_products")),
        sa.PrimaryKeyConstraint("gtin", name=op.f("pk_barcodes")),
    )
    op.create_index(op.f("ix_barcodes_product_id"), "barcodes", ["product_id"], unique=False)
    op.create_table(
        "offers",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("product_id", sa.BigInteger(), nullable=False),
        sa.Column("supplier_id", sa.BigInteger(), nullable=False),
        sa.Column("external_id", sa.Text(), nullable=False),
        sa.Column("sku", sa.Text(), nullable=False),
        sa.Column("revision", sa.BigInteger(), server_default="1", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("withdrawn_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "search",
            postgresql.TSVECTOR(),
            sa.Computed("to_tsvector('russian', name || ' ' || model || ' ' || sku)", persisted=True),
            nullable=False,
        ),
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
        sa.CheckConstraint("vat_rate IN ('22', '10', '7', '5', '0', 'none')", name=op.f("ck_offers_vat_rate_known")),
        sa.CheckConstraint("price > 0", name=op.f("ck_offers_price_positive")),
        sa.CheckConstraint("quantity_step > 0 AND minimum_quantity > 0", name=op.f("ck_offers_quantities_positive")),
        sa.ForeignKeyConstraint(["category_id"], ["categories.id"], name=op.f("fk_offers_category_id_categories")),
        sa.ForeignKeyConstraint(["product_id"], ["products.id"], name=op.f("fk_offers_product_id_products")),
        sa.ForeignKeyConstraint(["supplier_id"], ["companies.id"], name=op.f("fk_offers_supplier_id_companies")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_offers")),
        sa.UniqueConstraint("supplier_id", "external_id", name=op.f("uq_offers_supplier_id_external_id")),
    )
    op.create_index("ix_offers_barcodes", "offers", ["barcodes"], unique=False, postgresql_using="gin")
    op.create_index(
        "ix_offers_category", "offers", ["category_id", "id"], unique=False, postgresql_where=sa.text("is_listed")
    )
    op.create_index("ix_offers_listed", "offers", ["id"], unique=False, postgresql_where=sa.text("is_listed"))
    op.create_index("ix_offers_name", "offers", ["name", "id"], unique=False, postgresql_where=sa.text("is_listed"))
    op.create_index("ix_offers_price", "offers", ["price", "id"], unique=False, postgresql_where=sa.text("is_listed"))
    op.create_index(op.f("ix_offers_product_id"), "offers", ["product_id"], unique=False)
    op.create_index("ix_offers_search", "offers", ["search"], unique=False, postgresql_using="gin")
    op.create_index(op.f("ix_offers_sku"), "offers", ["sku"], unique=False)
    op.create_table(
        "stock_levels",
        sa.Column("offer_id", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.Text(), server_default="exact", nullable=False),
        sa.Column("on_hand", sa.Numeric(precision=14, scale=3), server_default="0", nullable=False),
        sa.Column("reserved", sa.Numeric(precision=14, scale=3), server_default="0", nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint(
            "kind IN ('exact', 'at_least', 'unknown', 'on_order')", name=op.f("ck_stock_levels_kind_known")
        ),
        sa.CheckConstraint("on_hand >= 0", name=op.f("ck_stock_levels_on_hand_not_negative")),
        sa.CheckConstraint("reserved >= 0", name=op.f("ck_stock_levels_reserved_not_negative")),
        sa.ForeignKeyConstraint(["offer_id"], ["offers.id"], name=op.f("fk_stock_levels_offer_id_offers")),
        sa.PrimaryKeyConstraint("offer_id", name=op.f("pk_stock_levels")),
    )


def downgrade():
    op.drop_table("stock_levels")
    op.drop_index(op.f("ix_offers_sku"), table_name="offers")
    op.drop_index("ix_offers_search", table_name="offers", postgresql_using="gin")
    op.drop_index(op.f("ix_offers_product_id"), table_name="offers")
    op.drop_index("ix_offers_price", table_name="offers", postgresql_where=sa.text("is_listed"))
    op.drop_index("ix_offers_name", table_name="offers", postgresql_where=sa.text("is_listed"))
    op.drop_index("ix_offers_listed", table_name="offers", postgresql_where=sa.text("is_listed"))
    op.drop_index("ix_offers_category", table_name="offers", postgresql_where=sa.text("is_listed"))
    op.drop_index("ix_offers_barcodes", table_name="offers", postgresql_using="gin")
    op.drop_table("offers")
    op.drop_index(op.f("ix_barcodes_product_id"), table_name="barcodes")
    op.drop_table("barcodes")
    op.drop_index(op.f("ix_supplier_categories_category_id"), table_name="supplier_categories")
    op.drop_table("supplier_categories")
    op.drop_index(op.f("ix_products_match_key"), table_name="products")
    op.drop_index(op.f("ix_products_category_id"), table_name="products")
    op.drop_table("products")
    op.drop_index("uq_categories_name", table_name="categories")
    op.drop_table("categories")
