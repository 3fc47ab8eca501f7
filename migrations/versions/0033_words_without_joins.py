"""Noting words joins nothing, and search columns are filled again only where their text is another one.

A trigger's function is planned for the first tables that it sees, in each connection: "changed JOIN before" after some
small lists became a nested loop, also of 200,000 rows with 200,000. Custom plans (plan_cache_mode) are no remedy: they
believe in the same first sizes. So the function reads each table once. What stands in old versions was noted with them.
"""

from alembic import op

revision = "0033"
down_revision = "0032"

# MATERIALIZED: else the planner would look at the letters of each word wherever it occurs, not once.
NOTE_WORDS = """
CREATE OR REPLACE FUNCTION offers_note_words() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        WITH seen AS MATERIALIZED (
            SELECT DISTINCT unnest(tsvector_to_array(search)) AS word FROM changed
        )
        INSERT INTO search_words (word)
        SELECT word FROM seen WHERE word ~ '^[[:alpha:]]{3,40}$' ORDER BY word
        ON CONFLICT DO NOTHING;
    ELSE
        WITH seen AS MATERIALIZED (
            SELECT unnest(tsvector_to_array(search)) AS word FROM changed
            EXCEPT
            SELECT unnest(tsvector_to_array(search)) FROM before
        )
        INSERT INTO search_words (word)
        SELECT word FROM seen WHERE word ~ '^[[:alpha:]]{3,40}$' ORDER BY word
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

FILL_WHERE_OTHER = """
CREATE OR REPLACE TRIGGER offers_fill_search
BEFORE INSERT ON offers
FOR EACH ROW EXECUTE FUNCTION offers_fill_search();

CREATE OR REPLACE TRIGGER offers_fill_search_again
BEFORE UPDATE OF name, model, sku ON offers
FOR EACH ROW WHEN ((OLD.name, OLD.model, OLD.sku) IS DISTINCT FROM (NEW.name, NEW.model, NEW.sku))
EXECUTE FUNCTION offers_fill_search();
"""

FILL_ALWAYS = """
CREATE OR REPLACE TRIGGER offers_fill_search
BEFORE INSERT OR UPDATE OF name, model, sku ON offers
FOR EACH ROW EXECUTE FUNCTION offers_fill_search();

DROP TRIGGER offers_fill_search_again ON offers;
"""


def upgrade():
    op.execute(NOTE_WORDS)
    op.execute(FILL_WHERE_OTHER)


def downgrade():
    op.execute(FILL_ALWAYS)
    op.execute(NOTE_WORDS_BEFORE)
