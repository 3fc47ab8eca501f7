"""The newest offer that is committed, kept with the generation; an index for the lists of one supplier.

Readers begin there: rows that an import has not committed yet stand before all others in the index by id.
"""

import sqlalchemy as sa
from alembic import op

revision = "0032"
down_revision = "0031"

# A transaction notes the highest id that it adds, and tells it when it commits. Nothing (NULL) stands for not known:
# it stays so until set below, as a transaction that began before may have noted none.
FUNCTIONS = """
CREATE OR REPLACE FUNCTION catalog_note_change() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    newest bigint;
BEGIN
    IF TG_LEVEL = 'STATEMENT' THEN
        IF NOT EXISTS (SELECT FROM changed) THEN
            RETURN NULL;
        END IF;
        IF TG_TABLE_NAME = 'offers' AND TG_OP = 'INSERT' THEN
            newest := (SELECT max(id) FROM changed);
        END IF;
    END IF;
    INSERT INTO catalog_changes AS noted (transaction_id, newest_offer_id) VALUES (pg_current_xact_id()::text, newest)
    ON CONFLICT (transaction_id) DO UPDATE SET newest_offer_id = excluded.newest_offer_id
    WHERE excluded.newest_offer_id > coalesce(noted.newest_offer_id, 0);
    RETURN NULL;
END
$$;

CREATE OR REPLACE FUNCTION catalog_raise_generation() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    clock bigint := floor(extract(epoch FROM clock_timestamp()) * 1000000);
    newest bigint;
BEGIN
    DELETE FROM catalog_changes WHERE transaction_id = NEW.transaction_id RETURNING newest_offer_id INTO newest;
    UPDATE catalog_generation SET
        number = greatest(number + 1, clock),
        newest_offer_id = newest_offer_id + greatest(newest - newest_offer_id, 0);
    IF NOT FOUND THEN
        INSERT INTO catalog_generation AS generation (id, number, newest_offer_id)
        VALUES (1, clock, (SELECT coalesce(max(id), 0) FROM offers))
        ON CONFLICT (id) DO UPDATE SET
            number = greatest(generation.number + 1, excluded.number),
            newest_offer_id = generation.newest_offer_id
                + greatest(excluded.newest_offer_id - generation.newest_offer_id, 0);
    END IF;
    RETURN NULL;
END
$$;
"""

# As a function and not a subquery: the planner asks it, and sees that nearly all offers pass. It is asked once where an
# index begins there, elsewhere for each row that passes all else.
NEWEST = """
CREATE OR REPLACE FUNCTION newest_offer_id() RETURNS bigint LANGUAGE plpgsql STABLE PARALLEL SAFE AS $$
BEGIN
    RETURN coalesce((SELECT newest_offer_id FROM catalog_generation), 9223372036854775807);
END
$$;
"""

# A pending list is read whole by each search, and a large import keeps it full.
GIN_INDEXES = ("ix_offers_search", "ix_offers_code_key", "ix_offers_parameters", "ix_offers_barcodes")
PENDING = 512  # kB

FUNCTIONS_BEFORE = """
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
"""

# Once the row is locked nobody commits who could not tell the number; the second statement sees who has.
WAIT_FOR_COMMITS = "SELECT FROM catalog_generation FOR UPDATE"
BEGIN_TO_KNOW = "UPDATE catalog_generation SET newest_offer_id = (SELECT coalesce(max(id), 0) FROM offers)"


def upgrade():
    for table in ("catalog_changes", "catalog_generation"):
        op.add_column(table, sa.Column("newest_offer_id", sa.BigInteger(), nullable=True), if_not_exists=True)
    op.execute(FUNCTIONS)
    op.execute(NEWEST)
    for name in GIN_INDEXES:
        op.execute(f"ALTER INDEX {name} SET (gin_pending_list_limit = {PENDING})")
    with op.get_context().autocommit_block():
        op.execute("SET lock_timeout = 0")  # it waits for transactions, not with locks in its hands
        op.execute("DROP INDEX CONCURRENTLY IF EXISTS ix_offers_supplier")  # what a broken run left
        # This waits for all who have written offers, and so for those whose triggers noted no id.
        op.execute("CREATE INDEX CONCURRENTLY ix_offers_supplier ON offers (supplier_id, id) WHERE is_listed")
        op.execute("SET lock_timeout = '2s'")
    op.execute(WAIT_FOR_COMMITS)
    op.execute(BEGIN_TO_KNOW)


def downgrade():
    op.execute(FUNCTIONS_BEFORE)
    op.execute("DROP FUNCTION newest_offer_id")
    for name in GIN_INDEXES:
        op.execute(f"ALTER INDEX {name} RESET (gin_pending_list_limit)")
    op.drop_index("ix_offers_supplier", "offers")
    for table in ("catalog_generation", "catalog_changes"):
        op.drop_column(table, "newest_offer_id")
