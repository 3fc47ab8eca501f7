"""Search columns kept by a trigger, the words for spelling, and an index for every order and filter.

The generated column `search` becomes an ordinary one (no rewrite of the table) and is filled in batches.
"""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"

BATCH = 5000

FUNCTIONS = """
CREATE OR REPLACE FUNCTION offers_fill_search() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.name_key := lower(translate(NEW.name, 'Ёё', 'Ее'));
    NEW.code_key := lower(translate(NEW.sku || '|' || NEW.model, 'Ёё-/._,+ ', 'Ее'));
    NEW.search :=
        setweight(to_tsvector('russian', translate(NEW.name, 'Ёё-/._,+', 'Ее      ')), 'A')
        || setweight(to_tsvector('russian', translate(NEW.model || ' ' || NEW.sku, 'Ёё-/._,+', 'Ее      ')), 'B');
    RETURN NEW;
END
$$;

CREATE OR REPLACE FUNCTION offers_note_words() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        INSERT INTO search_words (word)
        SELECT DISTINCT lexeme
        FROM changed, unnest(changed.search)
        WHERE lexeme ~ '^[[:alpha:]]{3,40}$'
            AND NOT EXISTS (SELECT FROM search_words WHERE word = lexeme)
        ORDER BY lexeme
        ON CONFLICT DO NOTHING;
    ELSE
        INSERT INTO search_words (word)
        SELECT DISTINCT lexeme
        FROM changed JOIN before USING (id), unnest(changed.search)
        WHERE changed.search <> before.search
            AND lexeme ~ '^[[:alpha:]]{3,40}$'
            AND NOT EXISTS (SELECT FROM search_words WHERE word = lexeme)
        ORDER BY lexeme
        ON CONFLICT DO NOTHING;
    END IF;
    RETURN NULL;
END
$$;

CREATE OR REPLACE TRIGGER offers_fill_search
BEFORE INSERT OR UPDATE OF name, model, sku ON offers
FOR EACH ROW EXECUTE FUNCTION offers_fill_search();

CREATE OR REPLACE TRIGGER offers_note_words_new
AFTER INSERT ON offers REFERENCING NEW TABLE AS changed
FOR EACH STATEMENT EXECUTE FUNCTION offers_note_words();

CREATE OR REPLACE TRIGGER offers_note_words_changed
AFTER UPDATE ON offers REFERENCING NEW TABLE AS changed OLD TABLE AS before
FOR EACH STATEMENT EXECUTE FUNCTION offers_note_words();
"""

FILL = "UPDATE offers SET name = name WHERE id > :after AND id <= :upto AND name_key IS NULL"

NOTE_ALL_WORDS = """
INSERT INTO search_words (word)
SELECT DISTINCT lexeme FROM offers, unnest(search) WHERE lexeme ~ '^[[:alpha:]]{3,40}$'
ON CONFLICT DO NOTHING
"""

INDEXES = {
    "ix_offers_name_key": "offers (name_key, id) WHERE is_listed",
    "ix_offers_code_key": "offers USING gin (code_key gin_trgm_ops)",
    "ix_offers_parameters": "offers USING gin (parameters jsonb_path_ops)",
    "ix_offers_updated_at": "offers (updated_at, id)",
    "ix_stock_levels_updated_at": "stock_levels (updated_at, offer_id)",
}


def upgrade():
    op.execute("CREATE EXTENSION IF NOT EXISTS pg_trgm")
    op.execute("CREATE EXTENSION IF NOT EXISTS fuzzystrmatch")
    op.create_table(
        "search_words",
        sa.Column("word", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("word", name=op.f("pk_search_words")),
        if_not_exists=True,
    )
    op.execute("ALTER TABLE offers ALTER COLUMN search DROP EXPRESSION IF EXISTS")
    op.execute("ALTER TABLE offers ADD COLUMN IF NOT EXISTS name_key text, ADD COLUMN IF NOT EXISTS code_key text")
    op.execute(FUNCTIONS)
    with op.get_context().autocommit_block():
        _fill()
        _make_indexes()
    _require_values()


def _fill():
    connection = op.get_bind()
    last = connection.scalar(sa.text("SELECT max(id) FROM offers")) or 0
    for after in range(0, last, BATCH):
        connection.execute(sa.text(FILL), {"after": after, "upto": after + BATCH})
    connection.execute(sa.text(NOTE_ALL_WORDS))


def _make_indexes():
    """Dropped before: one that was interrupted stays behind, invalid. Building waits without blocking anybody."""
    op.execute("SET lock_timeout = 0")
    for name, definition in INDEXES.items():
        op.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {name}")
        op.execute(f"CREATE INDEX CONCURRENTLY {name} ON {definition}")
    op.execute("DROP INDEX CONCURRENTLY IF EXISTS ix_offers_name")
    op.execute("SET lock_timeout = '2s'")


def _require_values():
    """The valid constraint spares SET NOT NULL its scan under the strong lock."""
    with op.get_context().autocommit_block():
        op.execute("ALTER TABLE offers DROP CONSTRAINT IF EXISTS search_filled")
        op.execute(
            "ALTER TABLE offers ADD CONSTRAINT search_filled"
            " CHECK (name_key IS NOT NULL AND code_key IS NOT NULL) NOT VALID"
        )
        op.execute("ALTER TABLE offers VALIDATE CONSTRAINT search_filled")
    op.execute("ALTER TABLE offers ALTER COLUMN name_key SET NOT NULL, ALTER COLUMN code_key SET NOT NULL")
    op.execute("ALTER TABLE offers DROP CONSTRAINT search_filled")


def downgrade():
    for name in ("offers_note_words_changed", "offers_note_words_new", "offers_fill_search"):
        op.execute(f"DROP TRIGGER {name} ON offers")
    op.execute("DROP FUNCTION offers_note_words")
    op.execute("DROP FUNCTION offers_fill_search")
    for name in INDEXES:
        op.drop_index(name)
    op.drop_column("offers", "code_key")
    op.drop_column("offers", "name_key")
    op.drop_column("offers", "search")
    op.drop_table("search_words")
    op.execute(
        "ALTER TABLE offers ADD COLUMN search tsvector NOT NULL GENERATED ALWAYS AS"
        " (to_tsvector('russian', name || ' ' || model || ' ' || sku)) STORED"
    )
    op.create_index("ix_offers_search", "offers", ["search"], unique=False, postgresql_using="gin")
    op.create_index("ix_offers_name", "offers", ["name", "id"], unique=False, postgresql_where=sa.text("is_listed"))
