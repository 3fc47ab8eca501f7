"""When what offers show of their supplier and of their category was last changed: kept by triggers, as the generation.

Null: never since the offers came. They have moments of their own for everything else.
"""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"

FUNCTIONS = """
CREATE OR REPLACE FUNCTION catalog_date_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.offers_changed_at := now();
    RETURN NEW;
END
$$;

CREATE OR REPLACE TRIGGER catalog_date_supplier
BEFORE UPDATE ON companies
FOR EACH ROW WHEN (
    (OLD.name, OLD.status, OLD.accepts_orders, OLD.price_includes_vat)
        IS DISTINCT FROM (NEW.name, NEW.status, NEW.accepts_orders, NEW.price_includes_vat)
)
EXECUTE FUNCTION catalog_date_change();

CREATE OR REPLACE TRIGGER catalog_date_category
BEFORE UPDATE ON categories
FOR EACH ROW WHEN (OLD.name IS DISTINCT FROM NEW.name)
EXECUTE FUNCTION catalog_date_change();
"""

TRIGGERS = {"catalog_date_supplier": "companies", "catalog_date_category": "categories"}


def upgrade():
    for table in TRIGGERS.values():
        op.add_column(table, sa.Column("offers_changed_at", sa.DateTime(timezone=True), nullable=True))
    op.execute(FUNCTIONS)


def downgrade():
    for name, table in TRIGGERS.items():
        op.execute(f"DROP TRIGGER {name} ON {table}")
        op.drop_column(table, "offers_changed_at")
    op.execute("DROP FUNCTION catalog_date_change")
