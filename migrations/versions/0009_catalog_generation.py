"""The catalog's generation: one number, raised by triggers when a transaction that changed what readers see commits.

The statements of an import only note that something changed; the number's row is locked by the deferred trigger, that
is while committing, so that a long import keeps nobody else waiting.
"""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"

FUNCTIONS = """
CREATE OR REPLACE FUNCTION catalog_note_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_LEVEL = 'STATEMENT' THEN
        IF NOT EXISTS (SELECT FROM changed) THEN
            RETURN NULL;
        END IF;
    END IF;
    INSERT INTO catalog_changes (transaction_id) VALUES (pg_current_xact_id()::text) ON CONFLICT DO NOTHING;
    RETURN NULL;
END
$$;

CREATE OR REPLACE FUNCTION catalog_raise_generation() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO catalog_generation AS generation (id, number)
    VALUES (1, floor(extract(epoch FROM clock_timestamp()) * 1000000))
    ON CONFLICT (id) DO UPDATE SET number = greatest(generation.number + 1, excluded.number);
    DELETE FROM catalog_changes WHERE transaction_id = NEW.transaction_id;
    RETURN NULL;
END
$$;

CREATE OR REPLACE TRIGGER catalog_note_new_offers
AFTER INSERT ON offers REFERENCING NEW TABLE AS changed
FOR EACH STATEMENT EXECUTE FUNCTION catalog_note_change();

CREATE OR REPLACE TRIGGER catalog_note_changed_offers
AFTER UPDATE ON offers REFERENCING NEW TABLE AS changed
FOR EACH STATEMENT EXECUTE FUNCTION catalog_note_change();

CREATE OR REPLACE TRIGGER catalog_note_categories
AFTER UPDATE ON categories REFERENCING NEW TABLE AS changed
FOR EACH STATEMENT EXECUTE FUNCTION catalog_note_change();

CREATE OR REPLACE TRIGGER catalog_note_new_categories
AFTER INSERT ON categories REFERENCING NEW TABLE AS changed
FOR EACH STATEMENT EXECUTE FUNCTION catalog_note_change();

CREATE OR REPLACE TRIGGER catalog_note_new_suppliers
AFTER INSERT ON companies
FOR EACH ROW WHEN (NEW.kind = 'supplier') EXECUTE FUNCTION catalog_note_change();

CREATE OR REPLACE TRIGGER catalog_note_changed_suppliers
AFTER UPDATE ON companies
FOR EACH ROW WHEN ('supplier' IN (OLD.kind, NEW.kind) AND OLD.* IS DISTINCT FROM NEW.*)
EXECUTE FUNCTION catalog_note_change();

DROP TRIGGER IF EXISTS catalog_raise_generation ON catalog_changes;
CREATE CONSTRAINT TRIGGER catalog_raise_generation
AFTER INSERT ON catalog_changes DEFERRABLE INITIALLY DEFERRED
FOR EACH ROW EXECUTE FUNCTION catalog_raise_generation();
"""

TRIGGERS = {
    "catalog_note_new_offers": "offers",
    "catalog_note_changed_offers": "offers",
    "catalog_note_categories": "categories",
    "catalog_note_new_categories": "categories",
    "catalog_note_new_suppliers": "companies",
    "catalog_note_changed_suppliers": "companies",
}


def upgrade():
    op.create_table(
        "catalog_generation",
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("id = 1", name=op.f("ck_catalog_generation_one_row")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_catalog_generation")),
    )
    op.create_table(
        "catalog_changes",
        sa.Column("transaction_id", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("transaction_id", name=op.f("pk_catalog_changes")),
    )
    op.execute("INSERT INTO catalog_generation (id, number) VALUES (1, 1)")
    op.execute(FUNCTIONS)


def downgrade():
    for name, table in TRIGGERS.items():
        op.execute(f"DROP TRIGGER {name} ON {table}")
    op.drop_table("catalog_changes")
    op.drop_table("catalog_generation")
    op.execute("DROP FUNCTION catalog_raise_generation")
    op.execute("DROP FUNCTION catalog_note_change")
