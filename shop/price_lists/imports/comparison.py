"""What a staged list would change: one set-based comparison with the catalog, kept in a temporary table."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from sqlalchemy import text

from shop.auth.models import FREE, Company
from shop.catalog.barcodes import INTERNAL
from shop.catalog.packs import sql_pack
from shop.catalog.stock import sql_free_stock
from shop.database import session
from shop.price_lists.imports.changes_table import (
    CHANGED,
    NEW,
    QUARANTINED,
    UNCHANGED,
    UNKNOWN_OFFER,
    complete_changes,
    count_changes,
    make_changes,
)
from shop.price_lists.models import FULL, OF_WHOLE_GOODS, PriceList
from shop.price_lists.reading.listed_fields import fields_of, parameters_of, resolved, taken_by

# A category that nobody has mapped under this number and name is the one of that name, as applying would map it, or one
# that the list would add: a held list has none of its own in the catalog. (Of rows decided later, a newer list may have
# said what the number means.)
KNOWN = """
known AS (
    SELECT declared.external_id, coalesce(mapped.category_id, category.id) AS category_id
    FROM price_lists AS list
    CROSS JOIN jsonb_each_text(list.categories) AS declared (external_id, name)
    LEFT JOIN supplier_categories AS mapped
        ON mapped.supplier_id = :supplier_id AND mapped.external_id = declared.external_id
        AND (mapped.name = declared.name OR :only_decided)
    LEFT JOIN categories AS category ON lower(category.name) = lower(declared.name)
    WHERE list.id = :price_list_id
)"""

# A list without prices says nothing of those that were refused before it.
STILL_REFUSED = """EXISTS (
    SELECT FROM price_lists AS older JOIN price_list_rows AS waiting ON waiting.price_list_id = older.id
    WHERE older.supplier_id = :supplier_id AND older.id < :price_list_id AND older.state = 'applied'
        AND waiting.external_id = row.external_id AND waiting.is_price_refused
)"""

# Guards look at what the row says, also where its mode does not take it.
REASONS = """
CASE WHEN {is_refused} THEN ARRAY['price_refused']
WHEN offer.id IS NOT NULL THEN array_remove(ARRAY[
    CASE WHEN abs({price} - offer.price) * 100 > :price_percent * offer.price THEN 'price' END,
    CASE WHEN guarded.unit IS DISTINCT FROM offer.unit THEN 'unit' END,
    CASE WHEN guarded.units_per_pack <> offer.units_per_pack
        OR guarded.unit = offer.unit AND {pack} <> {pack_before} THEN 'units_per_pack' END,
    CASE WHEN guarded.vat_rate IS DISTINCT FROM offer.vat_rate AND offer.vat_rate IS NOT NULL
        THEN 'vat_rate' END
], NULL) END"""

# Rows that change nothing are counted and left out: the second import of a list has hardly any others.
COMPARE = """
WITH {known},
stated AS (
    SELECT
        row.row, row.external_id, row.category, row.decision,
        row.is_price_refused AS is_refused_here, {is_refused} AS is_price_refused,
        offer.id AS offer_id, offer.product_id, offer.is_quarantined AS was_quarantined,
        {columns}, {is_listed} AS is_listed,
        CASE WHEN row.name = {name} AND coalesce(row.model, '') = {model} THEN row.match_key END AS match_key,
        {stock_kind} AS stock_kind, {stock} AS stock,
        offer.id IS NOT NULL AND {is_other} AS is_other,
        {reasons} AS reasons,
        row.stock_kind IS NOT NULL AND (
            level.offer_id IS NULL OR level.kind <> row.stock_kind
            OR row.stock <> CASE WHEN :is_free THEN {free_stock} ELSE level.on_hand END
        ) AS has_other_stock
    FROM price_list_rows AS row
    LEFT JOIN offers AS offer ON offer.supplier_id = :supplier_id AND offer.external_id = row.external_id
    LEFT JOIN stock_levels AS level ON level.offer_id = offer.id
    LEFT JOIN known ON known.external_id = row.category
    CROSS JOIN LATERAL (
        SELECT {guarded_unit} AS unit, {guarded_pack} AS units_per_pack, {guarded_vat_rate} AS vat_rate
    ) AS guarded
    WHERE row.price_list_id = :price_list_id AND row.decision IS DISTINCT FROM 'discard'
        AND (NOT :only_decided OR row.decision = 'apply')
        AND (NOT row.is_price_refused OR offer.is_listed)
),
compared AS (
    SELECT
        stated.*,
        ARRAY(SELECT gtin FROM unnest(stated.barcodes) AS gtin WHERE gtin !~ :internal) AS barcodes_to_match,
        CASE
            WHEN offer_id IS NULL THEN :if_missing
            WHEN is_price_refused OR cardinality(reasons) > 0 AND decision IS DISTINCT FROM 'apply' THEN 'quarantined'
            WHEN is_other THEN 'changed'
            ELSE 'unchanged'
        END AS change
    FROM stated
)
SELECT * FROM compared
WHERE change <> 'unchanged' OR has_other_stock OR was_quarantined
"""

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

COUNT_STATED = text("""
SELECT count(*) FROM price_list_rows AS row
WHERE row.price_list_id = :price_list_id AND row.decision IS DISTINCT FROM 'discard'
    AND (NOT :only_decided OR row.decision = 'apply') AND NOT row.is_price_refused
""")
COUNT_REFUSED = text("SELECT count(*) FROM price_list_changes WHERE is_refused_here")


@dataclass(frozen=True)
class Guards:
    """Percentages beyond which a change waits for a person."""

    price_percent: int
    median_percent: int
    withdrawn_percent: int


def compare(price_list: PriceList, guards: Guards, *, only_decided: bool = False) -> dict[str, int]:
    """Fills the table of changes and counts each kind.

    `only_decided` looks at the rows alone that somebody has decided to apply, and withdraws nothing.
    """
    supplier = session().get_one(Company, price_list.supplier_id, populate_existing=True)
    ids = {"price_list_id": price_list.id, "supplier_id": price_list.supplier_id, "only_decided": only_decided}
    values = {
        "if_missing": NEW if price_list.mode in OF_WHOLE_GOODS else UNKNOWN_OFFER,
        "internal": INTERNAL,
        "price_percent": guards.price_percent,
        "is_free": supplier.stock_means == FREE,
        "had_parameters": parameters_of(price_list.had or ()),
    }
    make_changes(compare_statement(price_list.mode, price_list.had), ids | values)
    if price_list.mode == FULL and not only_decided:
        session().execute(ADD_WITHDRAWN, ids)
    complete_changes()
    return _counts(ids)


def compare_statement(mode: str, had: Collection[str] | None) -> str:
    columns, taken, makes_offers = resolved(mode, had), taken_by(mode), mode in OF_WHOLE_GOODS
    is_listed = "TRUE" if makes_offers else "offer.is_listed"
    before = ", ".join(("offer.is_listed", *(f"offer.{name}" for name in taken)))
    after = ", ".join((is_listed, *(columns[name] for name in taken)))
    adds_category = "row.category IS NOT NULL AND known.category_id IS NULL" if makes_offers else "FALSE"
    is_refused = "row.is_price_refused"
    if taken and "price" not in fields_of(had):
        is_refused = f"offer.is_quarantined AND {STILL_REFUSED}"
    facts = {name: columns[name] for name in ("name", "model", "price")} | {"is_refused": is_refused}
    packs = {"pack": sql_pack("guarded"), "pack_before": sql_pack("offer")}
    return COMPARE.format(
        known=KNOWN,
        columns=", ".join(f"{value} AS {name}" for name, value in columns.items()),
        is_listed=is_listed,
        is_other=f"(({before}) IS DISTINCT FROM ({after}) OR {adds_category})",
        reasons=REASONS.format(**facts, **packs) if taken else "CAST(NULL AS text[])",
        stock_kind=_stated_of_new("stock_kind", "'unknown'") if makes_offers else "row.stock_kind",
        stock=_stated_of_new("stock", "0") if makes_offers else "row.stock",
        **{f"guarded_{name}": value for name, value in _guarded(mode, columns).items()},
        free_stock=sql_free_stock("level"),
        **facts,
    )


def _stated_of_new(column: str, default: str) -> str:
    return f"coalesce(row.{column}, CASE WHEN offer.id IS NULL THEN {default} END)"


def _guarded(mode: str, columns: Mapping[str, str]) -> dict[str, str]:
    """What the guards look at besides the price; where the mode does not take it, what the row says all the same."""
    names = {"unit": "unit", "pack": "units_per_pack", "vat_rate": "vat_rate"}
    if mode in OF_WHOLE_GOODS:
        return {key: columns[name] for key, name in names.items()}
    return {key: f"coalesce(row.{name}, offer.{name})" for key, name in names.items()}


def _counts(ids: Mapping[str, object]) -> dict[str, int]:
    """Rows whose price was refused are not among those that the list states: they were counted as rejected."""
    counts = count_changes()
    stated = session().execute(COUNT_STATED, ids).scalar_one() + session().execute(COUNT_REFUSED).scalar_one()
    counts[UNCHANGED] = stated - sum(counts[kind] for kind in (NEW, CHANGED, UNKNOWN_OFFER, QUARANTINED))
    return counts
