"""A staged list becomes the catalog: all of it in one transaction, one statement for each kind of thing."""

from collections.abc import Mapping
from typing import Any, cast

from sqlalchemy import text

from shop.catalog import compare_prices
from shop.database import session
from shop.price_lists.imports.change_sets import write_change_set
from shop.price_lists.imports.changes_table import CHANGED, NEW, QUARANTINED, WITHDRAWN
from shop.price_lists.imports.matching import match_products
from shop.price_lists.imports.stated_stock import state_stock_of
from shop.price_lists.models import OF_WHOLE_GOODS, STOCK_ONLY, PriceList
from shop.price_lists.reading.listed_fields import DATA

COLUMNS = ", ".join(DATA)
OF_REVISION = ", ".join(f"offer.{name}" for name in DATA)

# What is mapped already needs no category of its own name: a manager may have renamed the one that it means.
ADD_CATEGORIES = text("""
INSERT INTO categories (name)
SELECT DISTINCT ON (lower(declared.name)) declared.name
FROM price_lists AS list, jsonb_each_text(list.categories) AS declared (external_id, name)
WHERE list.id = :price_list_id
    AND NOT EXISTS (
        SELECT FROM supplier_categories AS mapped
        WHERE mapped.supplier_id = list.supplier_id AND mapped.external_id = declared.external_id
            AND mapped.name = declared.name
    )
ORDER BY lower(declared.name)
ON CONFLICT DO NOTHING
""")

# What a number means is kept while its name stays the same: somebody may have mapped it to another of our categories.
MAP_CATEGORIES = text("""
INSERT INTO supplier_categories (supplier_id, external_id, name, category_id)
SELECT list.supplier_id, declared.external_id, declared.name, category.id
FROM price_lists AS list, jsonb_each_text(list.categories) AS declared (external_id, name)
JOIN categories AS category ON lower(category.name) = lower(declared.name)
WHERE list.id = :price_list_id
ORDER BY declared.external_id
ON CONFLICT (supplier_id, external_id) DO UPDATE
SET name = excluded.name, category_id = excluded.category_id
WHERE supplier_categories.name IS DISTINCT FROM excluded.name
""")

NOTE_CATEGORIES = text("""
UPDATE price_list_changes AS change SET category_id = mapped.category_id
FROM price_lists AS list
JOIN supplier_categories AS mapped ON mapped.supplier_id = list.supplier_id
WHERE list.id = :price_list_id AND list.categories ? mapped.external_id
    AND change.category = mapped.external_id AND change.category_id IS NULL
""")

# Read once for all offers of the list.
TERMS = "WITH terms AS MATERIALIZED (SELECT * FROM vat_terms(:supplier_id))"

ADD_OFFERS = text(f"""{TERMS}
INSERT INTO offers (id, product_id, supplier_id, external_id, supplier_category, {COLUMNS}, {compare_prices.COLUMNS})
SELECT offer_id, product_id, :supplier_id, external_id, category, {COLUMNS}, prices.*
FROM price_list_changes AS change, terms, {compare_prices.sql_prices("change")} AS prices
WHERE change = 'new'
ORDER BY row
""")  # noqa: S608 - of constants

# An order locks the same rows in the same order; an UPDATE alone would take them as it finds them.
LOCK_OFFERS = text("""
SELECT count(*) FROM (
    SELECT offer.id FROM offers AS offer
    WHERE offer.id IN (SELECT offer_id FROM price_list_changes WHERE change NOT IN ('unknown', 'new'))
    ORDER BY offer.id
    FOR NO KEY UPDATE
) AS locked
""")

CHANGE_OFFERS = text(f"""{TERMS}
UPDATE offers AS offer
SET ({COLUMNS}) = ROW({", ".join(f"change.{name}" for name in DATA)}),
    ({compare_prices.COLUMNS}) = ROW(prices.*),
    product_id = CASE WHEN offer.product_decided_by_id IS NULL THEN change.product_id ELSE offer.product_id END,
    supplier_category = coalesce(change.category, offer.supplier_category),
    is_listed = change.is_listed, withdrawn_at = CASE WHEN NOT change.is_listed THEN offer.withdrawn_at END,
    is_quarantined = FALSE,
    revision = offer.revision + 1, updated_at = now()
FROM price_list_changes AS change, terms, {compare_prices.sql_prices("change")} AS prices
WHERE offer.id = change.offer_id AND change.change = 'changed'
""")  # noqa: S608 - of constants

WITHDRAW_OFFERS = text("""
UPDATE offers AS offer
SET is_listed = FALSE, withdrawn_at = now(), is_quarantined = FALSE, revision = offer.revision + 1, updated_at = now()
FROM price_list_changes AS change
WHERE offer.id = change.offer_id AND change.change = 'withdrawn'
""")

# Quarantine is no revision: what the supplier says of the good stays as it was.
QUARANTINE_OFFERS = text("""
UPDATE offers AS offer
SET is_quarantined = (change.change = 'quarantined'), updated_at = now()
FROM price_list_changes AS change
WHERE offer.id = change.offer_id AND change.change IN ('quarantined', 'unchanged')
    AND offer.is_quarantined <> (change.change = 'quarantined')
""")

WRITE_REVISIONS = text(f"""
INSERT INTO offer_revisions (offer_id, revision, price_list_id, user_id, is_listed, {COLUMNS})
SELECT offer.id, offer.revision, :price_list_id, :user_id, offer.is_listed, {OF_REVISION}
FROM offers AS offer
JOIN price_list_changes AS change ON change.offer_id = offer.id
WHERE change.change IN ('new', 'changed', 'withdrawn')
""")  # noqa: S608 - of constants

FORGET_UNKNOWN_OFFERS = text(
    "DELETE FROM price_list_issues WHERE price_list_id = :price_list_id AND code = 'id_unknown'"
)
REPORT_UNKNOWN_OFFERS = text("""
INSERT INTO price_list_issues (price_list_id, row, severity, external_id, field, code, facts, original)
SELECT :price_list_id, change.row, 'error', change.external_id, 'id', 'id_unknown', '{}',
    jsonb_strip_nulls(jsonb_build_object(
        'id', change.external_id, 'price', trim_scale(row.price)::text, 'price_rrc', trim_scale(row.price_rrc)::text,
        'quantity', CASE row.stock_kind
            WHEN 'unknown' THEN 'есть' WHEN 'on_order' THEN 'под заказ'
            WHEN 'at_least' THEN '>' || trim_scale(row.stock)::text ELSE trim_scale(row.stock)::text END
    ))
FROM price_list_changes AS change
JOIN price_list_rows AS row ON row.price_list_id = :price_list_id AND row.row = change.row
WHERE change.change = 'unknown'
""")

# Rows wait no longer than until their list is applied, quarantined ones until somebody decides or the good is stated
# again. Rows of a held list stay whatever becomes of some of them.
FORGET_APPLIED_ROWS = text("""
DELETE FROM price_list_rows AS row
WHERE row.price_list_id = :price_list_id
    AND NOT EXISTS (
        SELECT FROM price_list_changes AS change WHERE change.row = row.row AND change.change = 'quarantined'
    )
""")

# The row of a list without prices waits in the place of the one whose price was refused.
CARRY_REFUSAL_OVER = text("""
UPDATE price_list_rows AS row SET is_price_refused = TRUE
FROM price_list_changes AS change
WHERE row.price_list_id = :price_list_id AND change.row = row.row AND change.is_price_refused
    AND NOT row.is_price_refused
""")

FORGET_OLDER_QUARANTINE = text("""
DELETE FROM price_list_rows AS row
USING price_lists AS older, price_list_rows AS stated
WHERE older.supplier_id = :supplier_id AND older.id < :price_list_id AND older.state = 'applied'
    AND row.price_list_id = older.id
    AND stated.price_list_id = :price_list_id AND stated.external_id = row.external_id
""")

FORGET_WITHDRAWN_QUARANTINE = text("""
DELETE FROM price_list_rows AS row
USING price_lists AS older, price_list_changes AS change
WHERE older.supplier_id = :supplier_id AND older.id < :price_list_id AND older.state = 'applied'
    AND row.price_list_id = older.id AND change.change = 'withdrawn' AND change.external_id = row.external_id
""")


def add_categories(price_list: PriceList) -> None:
    """Those that the list declares, and what its numbers mean."""
    if _has_categories(price_list):
        ids = {"price_list_id": price_list.id}
        session().execute(ADD_CATEGORIES, ids)
        session().execute(MAP_CATEGORIES, ids)


def note_categories(price_list: PriceList) -> None:
    """In the table of changes, those that were added since the comparison."""
    if _has_categories(price_list):
        session().execute(NOTE_CATEGORIES, {"price_list_id": price_list.id})


def apply_changes(
    price_list: PriceList, counts: Mapping[str, int], *, takes_stock: bool = True, only_decided: bool = False
) -> None:
    """The table of changes goes into the catalog and, of a whole list, is written down as its change set.

    Buyers see the old list until this transaction commits, then the new one, never half.
    """
    ids = {
        "price_list_id": price_list.id,
        "supplier_id": price_list.supplier_id,
        "user_id": price_list.approved_by_id or price_list.user_id,
    }
    if counts[NEW] or counts[CHANGED]:
        match_products(price_list.supplier_id)
    if counts[NEW]:
        session().execute(ADD_OFFERS, ids)
    if price_list.mode != STOCK_ONLY:
        session().execute(LOCK_OFFERS)
        if not only_decided:
            write_change_set(price_list)
        _change_offers(counts, ids)
    state_stock_of(price_list, counts, takes_stock=takes_stock, only_decided=only_decided)


def report_unknown_offers(price_list: PriceList) -> None:
    """In place of what was reported when the list was compared before."""
    if price_list.mode in OF_WHOLE_GOODS:
        return
    ids = {"price_list_id": price_list.id}
    forgotten, reported = (session().execute(each, ids) for each in (FORGET_UNKNOWN_OFFERS, REPORT_UNKNOWN_OFFERS))
    price_list.rows_rejected += cast(Any, reported).rowcount - cast(Any, forgotten).rowcount


def forget_rows_applied(price_list: PriceList, counts: Mapping[str, int]) -> None:
    ids = {"price_list_id": price_list.id, "supplier_id": price_list.supplier_id}
    if price_list.mode != STOCK_ONLY:
        if counts[QUARANTINED]:
            session().execute(CARRY_REFUSAL_OVER, ids)
        session().execute(FORGET_OLDER_QUARANTINE, ids)
        session().execute(FORGET_WITHDRAWN_QUARANTINE, ids)
    session().execute(FORGET_APPLIED_ROWS, ids)


def _has_categories(price_list: PriceList) -> bool:
    return price_list.mode in OF_WHOLE_GOODS and bool(price_list.categories)


def _change_offers(counts: Mapping[str, int], ids: Mapping[str, int | None]) -> None:
    if counts[CHANGED]:
        session().execute(CHANGE_OFFERS, ids)
    if counts[WITHDRAWN]:
        session().execute(WITHDRAW_OFFERS)
    session().execute(QUARANTINE_OFFERS)
    if counts[NEW] or counts[CHANGED] or counts[WITHDRAWN]:
        session().execute(WRITE_REVISIONS, ids)
