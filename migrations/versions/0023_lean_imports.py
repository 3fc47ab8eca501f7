"""Imports of 100,000 goods check less: each word of new offers once, and not 100,000 times that their list exists.

The words were looked at once for every offer that they occur in. About the list see decision 0017.
"""

from alembic import op

revision = "0023"
down_revision = "0022"

# MATERIALIZED: else the planner would move the conditions to where each word occurs 100,000 times.
NOTE_WORDS = """
CREATE OR REPLACE FUNCTION offers_note_words() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        WITH seen AS MATERIALIZED (
            SELECT DISTINCT unnest(tsvector_to_array(search)) AS word FROM changed
        )
        INSERT INTO search_words (word)
        SELECT word FROM seen
        WHERE word ~ '^[[:alpha:]]{3,40}$' AND NOT EXISTS (SELECT FROM search_words AS known WHERE known.word = seen.word)
        ORDER BY word
        ON CONFLICT DO NOTHING;
    ELSE
        WITH seen AS MATERIALIZED (
            SELECT DISTINCT unnest(tsvector_to_array(changed.search)) AS word
            FROM changed JOIN before USING (id)
            WHERE changed.search <> before.search
        )
        INSERT INTO search_words (word)
        SELECT word FROM seen
        WHERE word ~ '^[[:alpha:]]{3,40}$' AND NOT EXISTS (SELECT FROM search_words AS known WHERE known.word = seen.word)
        ORDER BY word
        ON CONFLICT DO NOTHING;
    END IF;
    RETURN NULL;
END
$$;
"""

NOTE_WORDS_BEFORE = """
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
"""

UNCHECKED = {"price_list_rows": "CASCADE", "change_set_lines": "CASCADE", "offer_revisions": None}


def upgrade():
    op.execute(NOTE_WORDS)
    for table in UNCHECKED:
        op.execute(f"ALTER TABLE {table} DROP CONSTRAINT IF EXISTS fk_{table}_price_list_id_price_lists")


def downgrade():
    for table, rule in UNCHECKED.items():
        name = f"fk_{table}_price_list_id_price_lists"
        op.create_foreign_key(name, table, "price_lists", ["price_list_id"], ["id"], ondelete=rule)
    op.execute(NOTE_WORDS_BEFORE)
