"""What a staged list would change: one set-based comparison with the catalog, kept in a temporary table."""

from collections.abc import Mapping

from sqlalchemy import text

from shop.catalog.barcodes import INTERNAL
from shop.catalog.price_lists.models import FULL, STOCK_ONLY, PriceList
from shop.db import session

NEW, CHANGED, UNCHANGED, WITHDRAWN, UNKNOWN_OFFER = "new", "changed", "unchanged", "withdrawn", "unknown"


FORGET = text("DROP TABLE IF EXISTS pg_temp.price_list_changes")

# `barcodes_to_match` are those that mean the same good everywhere. `offer_id` and `product_id` of new offers are
# filled in while the list is applied.
COMPARE = text("""
CREATE TEMPORARY TABLE price_list_changes ON COMMIT DROP AS
WITH stated AS (
    SELECT row.*, mapped.category_id, TRUE AS is_listed
    FROM price_list_rows AS row
    LEFT JOIN supplier_categories AS mapped
        ON mapped.supplier_id = :supplier_id AND mapped.external_id = row.category
    WHERE row.price_list_id = :price_list_id
)
SELECT
    stated.*,
    offer.id AS offer_id,
    offer.product_id,
    FALSE AS makes_product,
    ARRAY(SELECT gtin FROM unnest(stated.barcodes) AS gtin WHERE gtin !~ :internal) AS barcodes_to_match,
    CASE
        WHEN offer.id IS NULL THEN :if_missing
        WHEN :takes_data AND (
            offer.sku, offer.name, offer.model, offer.category_id, offer.price, offer.price_rrc, offer.currency,
            offer.vat_rate, offer.unit_code, offer.unit, offer.quantity_step, offer.minimum_quantity,
            offer.units_per_pack, offer.barcodes, offer.parameters, offer.is_listed
        ) IS DISTINCT FROM (
            stated.sku, stated.name, stated.model, stated.category_id, stated.price, stated.price_rrc, stated.currency,
            stated.vat_rate, stated.unit_code, stated.unit, stated.quantity_step, stated.minimum_quantity,
            stated.units_per_pack, stated.barcodes, stated.parameters, stated.is_listed
        ) THEN 'changed'
        ELSE 'unchanged'
    END AS change
FROM stated
LEFT JOIN offers AS offer ON offer.supplier_id = :supplier_id AND offer.external_id = stated.external_id
""")

# A row that was rejected still names its offer: a slip in a price must not withdraw the good.
ADD_WITHDRAWN = text("""
INSERT INTO price_list_changes (offer_id, product_id, external_id, change)
SELECT offer.id, offer.product_id, offer.external_id, 'withdrawn'
FROM offers AS offer
WHERE offer.supplier_id = :supplier_id AND offer.is_listed
    AND NOT EXISTS (
        SELECT FROM price_list_changes AS stated WHERE stated.external_id = offer.external_id
    )
    AND NOT EXISTS (
        SELECT FROM price_list_issues AS issue
        WHERE issue.price_list_id = :price_list_id AND issue.external_id = offer.external_id
            AND issue.severity = 'error'
    )
""")

ANALYZE = text("ANALYZE price_list_changes")
COUNT = text("SELECT change, count(*) FROM price_list_changes GROUP BY change")


def compare(price_list: PriceList) -> Mapping[str, int]:
    """Fills `price_list_changes` (it lasts until the transaction ends) and counts each kind of change."""
    takes_data = price_list.mode != STOCK_ONLY
    ids = {"price_list_id": price_list.id, "supplier_id": price_list.supplier_id}
    kinds = {"takes_data": takes_data, "if_missing": NEW if takes_data else UNKNOWN_OFFER, "internal": INTERNAL}
    session().execute(FORGET)
    session().execute(COMPARE, ids | kinds)
    session().execute(ANALYZE)
    if price_list.mode == FULL:
        session().execute(ADD_WITHDRAWN, ids)
    counts = dict.fromkeys((NEW, CHANGED, UNCHANGED, WITHDRAWN, UNKNOWN_OFFER), 0)
    for change, count in session().execute(COUNT):
        counts[change] = count
    return counts
