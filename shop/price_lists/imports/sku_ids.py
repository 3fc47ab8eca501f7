"""Tables without a column for the id: their goods go by the SKU, whatever id a richer list has given them."""

from typing import Any, cast

from sqlalchemy import text

from shop.database import session

# Goods whose SKU is nobody's id. Where the list has the good under its own id, too, that row is meant.
CANDIDATES = """
SELECT row.row, row.external_id AS sku, offer.external_id
FROM price_list_rows AS row
JOIN price_lists AS list ON list.id = row.price_list_id
JOIN offers AS offer ON offer.supplier_id = list.supplier_id AND offer.sku = row.external_id
WHERE row.price_list_id = :price_list_id
    AND NOT EXISTS (
        SELECT FROM offers AS named
        WHERE named.supplier_id = list.supplier_id AND named.external_id = row.external_id
    )
    AND NOT EXISTS (
        SELECT FROM price_list_rows AS other
        WHERE other.price_list_id = row.price_list_id AND other.external_id = offer.external_id
    )
"""
FIND = text(f"CREATE TEMPORARY TABLE goods_by_sku ON COMMIT DROP AS {CANDIDATES}")
IDENTIFY = text("""
UPDATE price_list_rows AS row SET external_id = found.external_id
FROM (SELECT row, min(external_id) AS external_id FROM goods_by_sku GROUP BY row HAVING count(*) = 1) AS found
WHERE row.price_list_id = :price_list_id AND row.row = found.row
""")
# An issue for each good that may be meant: none of them is withdrawn.
REPORT = text("""
INSERT INTO price_list_issues (price_list_id, row, severity, external_id, field, code, facts, original)
SELECT :price_list_id, row, 'error', external_id, 'sku', 'sku_ambiguous',
    '{}', jsonb_build_object('sku', sku)
FROM goods_by_sku WHERE row IN (SELECT row FROM goods_by_sku GROUP BY row HAVING count(*) > 1)
""")
REJECT = text("""
DELETE FROM price_list_rows
WHERE price_list_id = :price_list_id
    AND row IN (SELECT row FROM goods_by_sku GROUP BY row HAVING count(*) > 1)
""")
IDENTIFY_ISSUES = text("""
UPDATE price_list_issues AS issue SET external_id = offer.external_id
FROM price_lists AS list, offers AS offer
WHERE issue.price_list_id = :price_list_id AND list.id = issue.price_list_id
    AND offer.supplier_id = list.supplier_id AND offer.sku = issue.external_id
    AND NOT EXISTS (
        SELECT FROM offers AS named
        WHERE named.supplier_id = list.supplier_id AND named.external_id = issue.external_id
    )
""")


def identify_by_sku(price_list_id: int) -> int:
    """How many rows are rejected because several goods have their SKU."""
    ids = {"price_list_id": price_list_id}
    session().execute(IDENTIFY_ISSUES, ids)
    session().execute(FIND, ids)
    session().execute(IDENTIFY, ids)
    session().execute(REPORT, ids)
    return cast(int, cast(Any, session().execute(REJECT, ids)).rowcount)
