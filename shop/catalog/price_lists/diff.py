"""What a staged list would change: one set-based comparison with the catalog, kept in a temporary table."""

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import text

from shop.auth.models import FREE, Company
from shop.catalog.barcodes import INTERNAL
from shop.catalog.packs import sql_pack
from shop.catalog.price_lists.models import FULL, STOCK_ONLY, PriceList
from shop.db import session

NEW, CHANGED, UNCHANGED, WITHDRAWN, UNKNOWN_OFFER = "new", "changed", "unchanged", "withdrawn", "unknown"
QUARANTINED = "quarantined"
KINDS = (NEW, CHANGED, UNCHANGED, WITHDRAWN, UNKNOWN_OFFER, QUARANTINED)

# What a list says of a good besides its stock.
DATA = (
    *("sku", "name", "model", "category_id", "price", "price_rrc", "currency", "vat_rate", "unit_code", "unit"),
    *("quantity_step", "minimum_quantity", "units_per_pack", "barcodes", "parameters"),
)


def columns_of(table: str) -> str:
    return ", ".join(f"{table}.{name}" for name in DATA)


FORGET = text("DROP TABLE IF EXISTS pg_temp.price_list_changes")

# Rows that change nothing are counted and left out: the second import of a list has hardly any others. A category that
# nobody has mapped under this number and name is the one of that name, as applying would map it, or one that the list
# would add: a held list has none of its own in the catalog. (Of rows decided later, a newer list may have said what the
# number means.)
# `barcodes_to_match` are those that mean the same good everywhere. `offer_id` and `product_id` of new offers are
# filled in while the list is applied.
COMPARE = f"""
CREATE TEMPORARY TABLE price_list_changes ON COMMIT DROP AS
WITH known AS (
    SELECT declared.external_id, coalesce(mapped.category_id, category.id) AS category_id
    FROM price_lists AS list
    CROSS JOIN jsonb_each_text(list.categories) AS declared (external_id, name)
    LEFT JOIN supplier_categories AS mapped
        ON mapped.supplier_id = :supplier_id AND mapped.external_id = declared.external_id
        AND (mapped.name = declared.name OR :only_decided)
    LEFT JOIN categories AS category ON lower(category.name) = lower(declared.name)
    WHERE list.id = :price_list_id
),
stated AS (
    SELECT row.*, known.category_id, TRUE AS is_listed
    FROM price_list_rows AS row
    LEFT JOIN known ON known.external_id = row.category
    WHERE row.price_list_id = :price_list_id AND row.decision IS DISTINCT FROM 'discard'
        AND (NOT :only_decided OR row.decision = 'apply')
),
compared AS (
    SELECT
        stated.*,
        offer.id AS offer_id,
        offer.product_id,
        FALSE AS makes_product,
        offer.is_quarantined AS was_quarantined,
        ARRAY(SELECT gtin FROM unnest(stated.barcodes) AS gtin WHERE gtin !~ :internal) AS barcodes_to_match,
        CASE
            WHEN offer.id IS NULL THEN :if_missing
            WHEN :takes_data AND ({columns_of("offer")}, offer.is_listed)
                IS DISTINCT FROM ({columns_of("stated")}, stated.is_listed)
                OR stated.category IS NOT NULL AND stated.category_id IS NULL THEN 'changed'
            ELSE 'unchanged'
        END AS change,
        CASE WHEN :takes_data AND offer.id IS NOT NULL THEN array_remove(ARRAY[
            CASE WHEN abs(stated.price - offer.price) * 100 > :price_percent * offer.price THEN 'price' END,
            CASE WHEN stated.unit IS DISTINCT FROM offer.unit THEN 'unit' END,
            CASE WHEN stated.units_per_pack <> offer.units_per_pack
                OR stated.unit = offer.unit AND {sql_pack("stated")} <> {sql_pack("offer")} THEN 'units_per_pack' END,
            CASE WHEN stated.vat_rate IS DISTINCT FROM offer.vat_rate AND offer.vat_rate IS NOT NULL
                THEN 'vat_rate' END
        ], NULL) END AS reasons,
        level.offer_id IS NULL OR level.kind <> stated.stock_kind OR stated.stock <> CASE
            WHEN :is_free AND stated.stock_kind IN ('exact', 'at_least')
            THEN greatest(level.on_hand - level.reserved, 0) ELSE level.on_hand
        END AS has_other_stock
    FROM stated
    LEFT JOIN offers AS offer ON offer.supplier_id = :supplier_id AND offer.external_id = stated.external_id
    LEFT JOIN stock_levels AS level ON level.offer_id = offer.id
)
SELECT * FROM compared
WHERE change <> 'unchanged' OR has_other_stock OR was_quarantined
"""  # noqa: S608 - of constants

# A row that was rejected still names its offer, and so does one taken for a heading: a slip in a price must not
# withdraw the good.
ADD_WITHDRAWN = text("""
INSERT INTO price_list_changes (offer_id, product_id, external_id, name, change)
SELECT offer.id, offer.product_id, offer.external_id, offer.name, 'withdrawn'
FROM offers AS offer
WHERE offer.supplier_id = :supplier_id AND offer.is_listed
    AND NOT EXISTS (
        SELECT FROM price_list_rows AS row
        WHERE row.price_list_id = :price_list_id AND row.external_id = offer.external_id
    )
    AND NOT EXISTS (
        SELECT FROM price_list_issues AS issue
        WHERE issue.price_list_id = :price_list_id AND issue.external_id = offer.external_id
            AND (issue.severity = 'error' OR issue.code = 'taken_as_heading')
    )
""")

# When each row has its change: who takes 200,000 quarantined rows for a single one joins them by nested loops.
ANALYZE = text("ANALYZE price_list_changes (row, change, offer_id, external_id)")
QUARANTINE = text("""
UPDATE price_list_changes SET change = 'quarantined'
WHERE change = 'changed' AND cardinality(reasons) > 0 AND decision IS DISTINCT FROM 'apply'
""")
COUNT = text("SELECT change, count(*) FROM price_list_changes GROUP BY change")
COUNT_STATED = text("""
SELECT count(*) FROM price_list_rows AS row
WHERE row.price_list_id = :price_list_id AND row.decision IS DISTINCT FROM 'discard'
    AND (NOT :only_decided OR row.decision = 'apply')
""")


@dataclass(frozen=True)
class Guards:
    """Percentages beyond which a change waits for a person."""

    price_percent: int
    median_percent: int
    withdrawn_percent: int


def compare(price_list: PriceList, guards: Guards, *, only_decided: bool = False) -> dict[str, int]:
    """Fills `price_list_changes` (it lasts until the transaction ends) and counts each kind of change.

    `only_decided` looks at the rows alone that somebody has decided to apply, and withdraws nothing.
    """
    takes_data = price_list.mode != STOCK_ONLY
    supplier = session().get_one(Company, price_list.supplier_id, populate_existing=True)
    ids = {"price_list_id": price_list.id, "supplier_id": price_list.supplier_id, "only_decided": only_decided}
    kinds = {
        "takes_data": takes_data,
        "if_missing": NEW if takes_data else UNKNOWN_OFFER,
        "internal": INTERNAL,
        "price_percent": guards.price_percent,
        "is_free": supplier.stock_means == FREE,
    }
    session().execute(FORGET)
    session().execute(text(COMPARE), ids | kinds)
    if price_list.mode == FULL and not only_decided:
        session().execute(ADD_WITHDRAWN, ids)
    session().execute(QUARANTINE)
    session().execute(ANALYZE)
    return _counts(ids)


def _counts(ids: Mapping[str, object]) -> dict[str, int]:
    counts = dict.fromkeys(KINDS, 0)
    for change, count in session().execute(COUNT):
        counts[change] = count
    stated = session().execute(COUNT_STATED, ids).scalar_one()
    counts[UNCHANGED] = stated - sum(counts[kind] for kind in (NEW, CHANGED, UNKNOWN_OFFER, QUARANTINED))
    return counts
