"""Which product an imported offer belongs to: by barcode, else by name and model, and where in doubt to one of its own.

Works on the table of changes of a list being applied. Another pack is another product. Two things
must not become one by their names alone where barcodes differ, where several products would do, or where the supplier
itself lists both. Rows of one list that bear the same number are one thing, unless they disagree on what else it bears.
Offers that a manager has put somewhere stay there.
"""

from typing import Any, cast

from sqlalchemy import text

from shop.catalog.barcodes import INTERNAL
from shop.catalog.packs import sql_pack
from shop.catalog.products import ONE_AT_A_TIME
from shop.database import session

FORGET = text("DROP TABLE IF EXISTS pg_temp.product_matches")

# New offers, and known ones whose barcodes, pack or name are no longer the same: they may be another thing now. A name
# that the product bears, too, is none: two suppliers write it in two ways, and one of them takes over the other's.
COLLECT = text(f"""
CREATE TEMPORARY TABLE product_matches ON COMMIT DROP AS
SELECT
    found.*,
    CAST(NULL AS bigint) AS product_id,
    FALSE AS makes_product,
    FALSE AS is_doubtful,
    CAST(NULL AS text) AS thing,
    count(*) OVER (PARTITION BY match_key, pack) AS namesakes
FROM (
    SELECT
        change.row, change.change, change.offer_id, change.name, change.category_id, change.match_key,
        change.units_per_pack, change.barcodes_to_match AS gtins, {sql_pack("change")} AS pack,
        product.id AS present_id, product.pack AS present_pack,
        ARRAY(SELECT gtin FROM unnest(offer.barcodes) AS gtin WHERE gtin !~ :internal) AS present_gtins,
        (change.name, change.model) IS DISTINCT FROM (offer.name, offer.model)
            AND change.match_key IS DISTINCT FROM product.match_key AS is_renamed
    FROM price_list_changes AS change
    LEFT JOIN offers AS offer ON offer.id = change.offer_id
    LEFT JOIN products AS product ON product.id = offer.product_id
    WHERE change.change = 'new' OR change.change = 'changed' AND offer.product_decided_by_id IS NULL
) AS found
WHERE change = 'new' OR pack <> present_pack OR is_renamed OR NOT (gtins <@ present_gtins AND present_gtins <@ gtins)
""")  # noqa: S608 - made of constants

# How many rows a step finds cannot always be foreseen: by an index each is looked up, not compared with all others.
# Where a whole list is renamed, each of its rows asks where another one went.
INDEX = text("""
CREATE INDEX ON product_matches (row);
CREATE INDEX ON product_matches (thing, pack) WHERE thing IS NOT NULL;
CREATE INDEX ON product_matches (offer_id);
CREATE INDEX ON price_list_changes (offer_id) WHERE change = 'withdrawn'
""")
ANALYZE = text("ANALYZE product_matches")
COUNT = text("SELECT count(*) FROM product_matches")

BY_BARCODE = text("""
UPDATE product_matches AS match
SET product_id = CASE WHEN found.products = 1 THEN found.product_id END, is_doubtful = found.products > 1
FROM (
    SELECT wanted.row, min(barcode.product_id) AS product_id, count(DISTINCT barcode.product_id) AS products
    FROM product_matches AS wanted
    JOIN barcodes AS barcode ON barcode.gtin = ANY (wanted.gtins) AND barcode.pack = wanted.pack
    GROUP BY wanted.row
) AS found
WHERE found.row = match.row
""")

AS_BEFORE = text("""
UPDATE product_matches
SET product_id = present_id
WHERE product_id IS NULL AND NOT is_doubtful AND pack = present_pack
    AND (gtins && present_gtins OR NOT is_renamed AND (cardinality(gtins) = 0 OR cardinality(present_gtins) = 0))
""")

# `thing` is the least of all the numbers on the rows that share one. Where no row bears all of them, [A, B] and [B, C],
# the list contradicts itself about the number that they share: it says nothing then.
LINK = text("""
WITH held AS (
    SELECT row, pack, gtins, gtin FROM product_matches, unnest(gtins) AS gtin WHERE NOT is_doubtful
),
shared AS (
    SELECT gtin, pack FROM held GROUP BY gtin, pack HAVING count(*) > 1
),
judged AS (
    SELECT gtin, pack, min(other) AS thing, count(DISTINCT other) > max(cardinality(gtins)) AS is_contested
    FROM shared JOIN held USING (gtin, pack), unnest(held.gtins) AS other
    GROUP BY gtin, pack
),
told AS (
    SELECT row, min(thing) FILTER (WHERE NOT is_contested) AS thing,
        coalesce(array_agg(gtin) FILTER (WHERE is_contested), '{}') AS contested
    FROM judged JOIN held USING (gtin, pack)
    GROUP BY row
)
UPDATE product_matches AS match
SET thing = told.thing, gtins = ARRAY(SELECT gtin FROM unnest(match.gtins) AS gtin WHERE gtin <> ALL (told.contested))
FROM told
WHERE told.row = match.row
""")

BY_TWIN = text("""
UPDATE product_matches AS match
SET product_id = CASE WHEN found.products = 1 THEN found.product_id END, is_doubtful = found.products > 1
FROM (
    SELECT thing, pack, min(product_id) AS product_id, count(DISTINCT product_id) AS products
    FROM product_matches
    WHERE thing IS NOT NULL AND product_id IS NOT NULL
    GROUP BY thing, pack
) AS found
WHERE found.thing = match.thing AND found.pack = match.pack AND match.product_id IS NULL
""")

# Conditions in a CASE: each in a HAVING is taken to leave few rows, of which six were foreseen where 200,000 came.
BY_NAME = text("""
UPDATE product_matches AS match
SET product_id = found.product_id
FROM (
    SELECT wanted.row, CASE
        WHEN count(DISTINCT product.id) = 1
            AND (
                cardinality(wanted.gtins) = 0
                OR NOT EXISTS (SELECT FROM barcodes AS barcode WHERE barcode.product_id = min(product.id))
            )
            AND NOT EXISTS (
                SELECT FROM offers AS own
                WHERE own.product_id = min(product.id) AND own.supplier_id = :supplier_id AND own.is_listed
                    AND NOT EXISTS (
                        SELECT FROM product_matches AS leaving
                        WHERE leaving.offer_id = own.id AND leaving.product_id IS DISTINCT FROM own.product_id
                    )
                    AND NOT EXISTS (
                        SELECT FROM price_list_changes AS gone
                        WHERE gone.offer_id = own.id AND gone.change = 'withdrawn'
                    )
            )
        THEN min(product.id) END AS product_id
    FROM product_matches AS wanted
    JOIN products AS named ON named.match_key = wanted.match_key
    JOIN products AS product ON product.id = coalesce(named.merged_into_id, named.id) AND product.pack = wanted.pack
    WHERE wanted.product_id IS NULL AND NOT wanted.is_doubtful AND wanted.namesakes = 1
    GROUP BY wanted.row, wanted.gtins
) AS found
WHERE found.row = match.row AND found.product_id IS NOT NULL
""")

# Rows that share no barcode are a thing of its own each. One text key names a thing: joining by equality of one
# expression is what lets 100,000 of them be numbered in a second.
THING = "CASE WHEN is_doubtful OR thing IS NULL THEN 'row ' || row ELSE thing || ' ' || pack END"

NUMBER_PRODUCTS = text(f"""
UPDATE product_matches AS match
SET product_id = made.id, makes_product = TRUE
FROM (
    SELECT key, nextval(pg_get_serial_sequence('products', 'id')) AS id
    FROM (SELECT DISTINCT {THING} AS key FROM product_matches WHERE product_id IS NULL) AS things
) AS made
WHERE match.product_id IS NULL AND made.key = {THING}
""")  # noqa: S608 - made of constants

ADD_PRODUCTS = text("""
INSERT INTO products (id, name, category_id, match_key, pack)
SELECT DISTINCT ON (product_id) product_id, name, category_id, match_key, pack
FROM product_matches
WHERE makes_product
ORDER BY product_id, row
""")

# A GTIN-14 stands on a case, the others on the thing itself.
ADD_BARCODES = text("""
INSERT INTO barcodes (gtin, pack, product_id, pieces)
SELECT DISTINCT ON (gtin, match.pack)
    gtin, match.pack, match.product_id, CASE WHEN length(gtin) = 14 THEN coalesce(match.units_per_pack, 1) ELSE 1 END
FROM product_matches AS match, unnest(match.gtins) AS gtin
WHERE NOT match.is_doubtful
ORDER BY gtin, match.pack, match.row
ON CONFLICT (gtin, pack) DO NOTHING
""")

TELL = text("""
UPDATE price_list_changes AS change
SET product_id = match.product_id, offer_id = match.offer_id
FROM (
    SELECT row, product_id, coalesce(offer_id, nextval(pg_get_serial_sequence('offers', 'id'))) AS offer_id
    FROM (SELECT row, product_id, offer_id FROM product_matches ORDER BY row) AS ordered
) AS match
WHERE match.row = change.row
""")


def match_products(supplier_id: int) -> None:
    """Fills product_id of the list's new offers and of those that are another thing now, making what nobody had.

    Known offers move when they change, under the lock on their rows: a manager may be faster.
    """
    session().execute(FORGET)
    session().execute(COLLECT, {"internal": INTERNAL})
    if not cast(int, session().scalar(COUNT)):
        return
    session().execute(INDEX)
    session().execute(ANALYZE)
    session().execute(ONE_AT_A_TIME)
    for step, values in _STEPS:
        session().execute(step, {"supplier_id": supplier_id} if values else None)


_STEPS: tuple[tuple[Any, bool], ...] = (
    (BY_BARCODE, False),
    (AS_BEFORE, False),
    (LINK, False),
    (BY_TWIN, False),
    (BY_NAME, True),
    (BY_TWIN, False),
    (NUMBER_PRODUCTS, False),
    (ADD_PRODUCTS, False),
    (ADD_BARCODES, False),
    (TELL, False),
)
