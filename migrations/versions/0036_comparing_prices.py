"""Prices that can be compared: with VAT, and per base unit with and without it; and which buyers deduct VAT.

What an offer's price means depends on its supplier's terms, so the rule is a function here: whoever writes many offers
calls it for all of them at once, and a trigger calls it for whoever does not, the release before included. Each change
of these terms is an event, whoever makes it (decision 0036).
"""

import time

import sqlalchemy as sa
from alembic import op

revision = "0036"
down_revision = "0035"

BATCH = 2000
COLUMNS = ("price_with_vat", "compare_price_gross", "compare_price_net", "base_unit")

FUNCTIONS = """
-- How many of which base unit one priced unit holds ("12 шт"): what tells products apart. A pack that does not say what
-- is in it, and whatever else is counted, is one piece.
CREATE OR REPLACE FUNCTION offer_pack(unit text, units_per_pack numeric) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE
        WHEN unit = 'г' THEN '0.001 кг'
        WHEN unit = 'т' THEN '1000 кг'
        WHEN unit = 'мл' THEN '0.001 л'
        WHEN unit = 'тыс. шт' THEN '1000 шт'
        WHEN unit IN ('уп', 'ящ', 'кор', 'блок', 'упаковка', 'ящик', 'коробка') AND units_per_pack > 1
            THEN trim_scale(units_per_pack)::text || ' шт'
        WHEN unit IN ('кг', 'л', 'м', 'м2', 'м3', 'пар') THEN '1 ' || unit
        ELSE '1 шт'
    END
$$;

-- On what terms of VAT a supplier's prices are.
CREATE OR REPLACE FUNCTION vat_terms(supplier_id bigint) RETURNS TABLE (includes_vat boolean, default_rate text)
LANGUAGE sql STABLE AS $$
    SELECT company.price_includes_vat, (
        SELECT entity.default_vat_rate FROM legal_entities AS entity
        WHERE entity.company_id = company.id ORDER BY entity.id LIMIT 1
    )
    FROM companies AS company WHERE company.id = $1
$$;

-- Where no rate is known each price is the highest that it can be: nothing is taken off one with VAT, and the highest
-- rate is added to one without. Many places before the division, so that what is rounded was not rounded before.
CREATE OR REPLACE FUNCTION offer_prices(
    price numeric, unit text, units_per_pack numeric, vat_rate text, includes_vat boolean, default_rate text
) RETURNS TABLE (price_with_vat numeric, compare_price_gross numeric, compare_price_net numeric, base_unit text)
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT
        round(price * (100 + on_top) / 100, 4),
        round((price * (100 + on_top))::numeric(50, 24) / (quantity * 100), 4),
        round((price * 100)::numeric(50, 24) / (quantity * (100 + inside)), 4),
        base_unit
    FROM (
        SELECT
            split_part(pack, ' ', 1)::numeric AS quantity,
            split_part(pack, ' ', 2) AS base_unit,
            CASE WHEN includes_vat THEN 0 ELSE coalesce(percent, 22) END AS on_top,
            CASE WHEN includes_vat THEN coalesce(percent, 0) ELSE 0 END AS inside
        FROM (
            SELECT
                offer_pack(unit, units_per_pack) AS pack,
                CASE coalesce(vat_rate, default_rate)
                    WHEN 'none' THEN 0 ELSE coalesce(vat_rate, default_rate)::numeric
                END AS percent
            OFFSET 0
        ) AS read
        OFFSET 0
    ) AS counted
$$;

CREATE OR REPLACE FUNCTION offers_fill_prices() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    SELECT prices.*
    INTO NEW.price_with_vat, NEW.compare_price_gross, NEW.compare_price_net, NEW.base_unit
    FROM vat_terms(NEW.supplier_id) AS terms,
        offer_prices(
            NEW.price, NEW.unit, NEW.units_per_pack, NEW.vat_rate, terms.includes_vat, terms.default_rate
        ) AS prices;
    RETURN NEW;
END
$$;

CREATE OR REPLACE TRIGGER offers_fill_new_prices
BEFORE INSERT ON offers
FOR EACH ROW WHEN (NEW.price_with_vat IS NULL)
EXECUTE FUNCTION offers_fill_prices();

CREATE OR REPLACE TRIGGER offers_fill_changed_prices
BEFORE UPDATE ON offers
FOR EACH ROW WHEN (
    NEW.price_with_vat IS NULL
    OR (OLD.supplier_id, OLD.price, OLD.unit, OLD.units_per_pack, OLD.vat_rate)
        IS DISTINCT FROM (NEW.supplier_id, NEW.price, NEW.unit, NEW.units_per_pack, NEW.vat_rate)
    AND (OLD.price_with_vat, OLD.compare_price_gross, OLD.compare_price_net, OLD.base_unit)
        IS NOT DISTINCT FROM
        (NEW.price_with_vat, NEW.compare_price_gross, NEW.compare_price_net, NEW.base_unit)
)
EXECUTE FUNCTION offers_fill_prices();

-- Of suppliers whose offers it concerns; of a default rate those that have none of their own.
CREATE OR REPLACE FUNCTION publish_vat_terms() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    is_of_company CONSTANT boolean := TG_TABLE_NAME = 'companies';
    changed_id CONSTANT bigint := (to_jsonb(NEW) ->> CASE WHEN is_of_company THEN 'id' ELSE 'company_id' END)::bigint;
BEGIN
    IF EXISTS (SELECT FROM offers WHERE supplier_id = changed_id AND (is_of_company OR vat_rate IS NULL)) THEN
        INSERT INTO outbox_events (type, payload)
        VALUES ('supplier.vat_terms_changed', jsonb_build_object('supplier_id', changed_id));
    END IF;
    RETURN NULL;
END
$$;

CREATE OR REPLACE TRIGGER companies_publish_vat_terms
AFTER UPDATE ON companies
FOR EACH ROW WHEN (OLD.price_includes_vat <> NEW.price_includes_vat)
EXECUTE FUNCTION publish_vat_terms();

CREATE OR REPLACE TRIGGER legal_entities_publish_new_vat_rate
AFTER INSERT ON legal_entities
FOR EACH ROW WHEN (NEW.default_vat_rate IS NOT NULL)
EXECUTE FUNCTION publish_vat_terms();

CREATE OR REPLACE TRIGGER legal_entities_publish_vat_rate
AFTER UPDATE ON legal_entities
FOR EACH ROW WHEN (OLD.default_vat_rate IS DISTINCT FROM NEW.default_vat_rate)
EXECUTE FUNCTION publish_vat_terms();
"""

# Whether prices include VAT is dated by who brings the offers up to it: once, when all of them are.
DATE_SUPPLIER = """
CREATE OR REPLACE TRIGGER catalog_date_supplier
BEFORE UPDATE ON companies
FOR EACH ROW WHEN ((OLD.name, OLD.status, OLD.accepts_orders) IS DISTINCT FROM (NEW.name, NEW.status, NEW.accepts_orders))
EXECUTE FUNCTION catalog_date_change();
"""
DATE_SUPPLIER_BEFORE = """
CREATE OR REPLACE TRIGGER catalog_date_supplier
BEFORE UPDATE ON companies
FOR EACH ROW WHEN (
    (OLD.name, OLD.status, OLD.accepts_orders, OLD.price_includes_vat)
        IS DISTINCT FROM (NEW.name, NEW.status, NEW.accepts_orders, NEW.price_includes_vat)
)
EXECUTE FUNCTION catalog_date_change();
"""

TRIGGERS = {
    "legal_entities_publish_vat_rate": "legal_entities",
    "legal_entities_publish_new_vat_rate": "legal_entities",
    "companies_publish_vat_terms": "companies",
    "offers_fill_changed_prices": "offers",
    "offers_fill_new_prices": "offers",
}

FILL = """
UPDATE offers SET price_with_vat = NULL
WHERE id IN (
    SELECT id FROM offers WHERE id > :after AND id <= :upto AND price_with_vat IS NULL
    ORDER BY id FOR NO KEY UPDATE SKIP LOCKED
)
"""
ARE_LEFT = "SELECT EXISTS (SELECT FROM offers WHERE price_with_vat IS NULL)"

INDEXES = {
    "ix_offers_price_with_vat": "offers (price_with_vat, id) WHERE is_listed",
    "ix_offers_compare_price_gross": "offers (base_unit, compare_price_gross, id) WHERE is_listed",
    "ix_offers_compare_price_net": "offers (base_unit, compare_price_net, id) WHERE is_listed",
}


def upgrade():
    op.execute(
        "ALTER TABLE offers"
        " ADD COLUMN IF NOT EXISTS price_with_vat numeric(18, 4),"
        " ADD COLUMN IF NOT EXISTS compare_price_gross numeric(18, 4),"
        " ADD COLUMN IF NOT EXISTS compare_price_net numeric(18, 4),"
        " ADD COLUMN IF NOT EXISTS base_unit text"
    )
    op.execute("ALTER TABLE legal_entities ADD COLUMN IF NOT EXISTS vat_deducted boolean DEFAULT false NOT NULL")
    op.execute(FUNCTIONS)
    op.execute(DATE_SUPPLIER)
    with op.get_context().autocommit_block():
        _fill()
        _make_indexes()
    _require_values()


def _fill():
    """The release before goes on writing: what it writes the trigger fills, what it has locked waits for another round."""
    connection = op.get_bind()
    last = connection.scalar(sa.text("SELECT max(id) FROM offers")) or 0
    while connection.scalar(sa.text(ARE_LEFT)):
        for after in range(0, last, BATCH):
            connection.execute(sa.text(FILL), {"after": after, "upto": after + BATCH})
        time.sleep(0.5)


def _make_indexes():
    """Dropped before: one that was interrupted stays behind, invalid. Building waits without blocking anybody."""
    op.execute("SET lock_timeout = 0")
    for name, definition in INDEXES.items():
        op.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {name}")
        op.execute(f"CREATE INDEX CONCURRENTLY {name} ON {definition}")
    op.execute("DROP INDEX CONCURRENTLY IF EXISTS ix_offers_price")
    op.execute("SET lock_timeout = '2s'")


def _require_values():
    """The valid constraint spares SET NOT NULL its scan under the strong lock."""
    with op.get_context().autocommit_block():
        op.execute("ALTER TABLE offers DROP CONSTRAINT IF EXISTS prices_filled")
        filled = " AND ".join(f"{name} IS NOT NULL" for name in COLUMNS)
        op.execute(f"ALTER TABLE offers ADD CONSTRAINT prices_filled CHECK ({filled}) NOT VALID")
        op.execute("ALTER TABLE offers VALIDATE CONSTRAINT prices_filled")
    op.execute(f"ALTER TABLE offers {', '.join(f'ALTER COLUMN {name} SET NOT NULL' for name in COLUMNS)}")
    op.execute("ALTER TABLE offers DROP CONSTRAINT prices_filled")


def downgrade():
    for name, table in TRIGGERS.items():
        op.execute(f"DROP TRIGGER {name} ON {table}")
    for name in INDEXES:
        op.drop_index(name, table_name="offers")
    op.create_index("ix_offers_price", "offers", ["price", "id"], unique=False, postgresql_where=sa.text("is_listed"))
    op.execute(DATE_SUPPLIER_BEFORE)
    op.execute("DROP FUNCTION publish_vat_terms")
    op.execute("DROP FUNCTION offers_fill_prices")
    op.execute("DROP FUNCTION offer_prices")
    op.execute("DROP FUNCTION vat_terms")
    op.execute("DROP FUNCTION offer_pack")
    op.drop_column("legal_entities", "vat_deducted")
    for name in reversed(COLUMNS):
        op.drop_column("offers", name)
