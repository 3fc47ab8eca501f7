"""A staged list becomes the catalog: all of it in one transaction, one statement for each kind of thing."""

from collections.abc import Mapping

from sqlalchemy import column, delete, select, table, text

from shop.auth.models import FREE, Company
from shop.catalog.price_lists.diff import CHANGED, NEW, UNCHANGED, UNKNOWN_OFFER, WITHDRAWN, compare
from shop.catalog.price_lists.models import APPLIED, STOCK_ONLY, PriceList, PriceListRow
from shop.catalog.stock import state_stock
from shop.db import now, session

changes = table("price_list_changes", column("offer_id"), column("stock_kind"), column("stock"), column("change"))

ADD_CATEGORIES = text("""
INSERT INTO categories (name)
SELECT DISTINCT ON (lower(declared.name)) declared.name
FROM price_lists AS list, jsonb_each_text(list.categories) AS declared (external_id, name)
WHERE list.id = :price_list_id
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

# Two imports that see a good for the first time would both make a product of it; the second waits here instead.
ONE_AT_A_TIME = text("SELECT pg_advisory_xact_lock(hashtext('catalog.products'))")

# By barcode, else by name and model, unless barcodes on both sides say that these are two things.
FIND_PRODUCTS = text("""
UPDATE price_list_changes AS change
SET product_id = coalesce(
    (SELECT min(barcode.product_id) FROM barcodes AS barcode WHERE barcode.gtin = ANY (change.barcodes_to_match)),
    (
        SELECT min(product.id) FROM products AS product
        WHERE product.match_key = change.match_key
            AND (
                cardinality(change.barcodes_to_match) = 0
                OR NOT EXISTS (SELECT FROM barcodes AS barcode WHERE barcode.product_id = product.id)
            )
    )
)
WHERE change.change = 'new'
""")

NUMBER_PRODUCTS = text("""
UPDATE price_list_changes AS change
SET product_id = made.id, makes_product = TRUE
FROM (
    SELECT thing, nextval(pg_get_serial_sequence('products', 'id')) AS id
    FROM (
        SELECT DISTINCT coalesce(barcodes_to_match[1], match_key) AS thing
        FROM price_list_changes
        WHERE change = 'new' AND product_id IS NULL
    ) AS things
) AS made
WHERE change.change = 'new' AND change.product_id IS NULL
    AND coalesce(change.barcodes_to_match[1], change.match_key) = made.thing
""")

ADD_PRODUCTS = text("""
INSERT INTO products (id, name, category_id, match_key)
SELECT DISTINCT ON (product_id) product_id, name, category_id, match_key
FROM price_list_changes
WHERE makes_product
ORDER BY product_id, row
""")

# A GTIN-14 stands on a case, the others on the thing itself.
ADD_BARCODES = text("""
INSERT INTO barcodes (gtin, product_id, pieces)
SELECT DISTINCT ON (gtin)
    gtin, change.product_id, CASE WHEN length(gtin) = 14 THEN coalesce(change.units_per_pack, 1) ELSE 1 END
FROM price_list_changes AS change, unnest(change.barcodes_to_match) AS gtin
WHERE change.change IN ('new', 'changed')
ORDER BY gtin, change.row
ON CONFLICT (gtin) DO NOTHING
""")

ADD_OFFERS = text("""
WITH added AS (
    INSERT INTO offers (
        product_id, supplier_id, external_id, sku, name, model, category_id, price, price_rrc, currency, vat_rate,
        unit_code, unit, quantity_step, minimum_quantity, units_per_pack, barcodes, parameters
    )
    SELECT
        product_id, :supplier_id, external_id, sku, name, model, category_id, price, price_rrc, currency, vat_rate,
        unit_code, unit, quantity_step, minimum_quantity, units_per_pack, barcodes, parameters
    FROM price_list_changes
    WHERE change = 'new'
    ORDER BY row
    RETURNING id, external_id
)
UPDATE price_list_changes AS change
SET offer_id = added.id
FROM added
WHERE change.external_id = added.external_id
""")

# An order locks the same rows in the same order; an UPDATE alone would take them as it finds them.
LOCK_OFFERS = text("""
SELECT count(*) FROM (
    SELECT offer.id FROM offers AS offer
    WHERE offer.id IN (SELECT offer_id FROM price_list_changes WHERE change IN ('changed', 'withdrawn'))
    ORDER BY offer.id
    FOR NO KEY UPDATE
) AS locked
""")

CHANGE_OFFERS = text("""
UPDATE offers AS offer
SET sku = change.sku, name = change.name, model = change.model, category_id = change.category_id,
    price = change.price, price_rrc = change.price_rrc, currency = change.currency, vat_rate = change.vat_rate,
    unit_code = change.unit_code, unit = change.unit, quantity_step = change.quantity_step,
    minimum_quantity = change.minimum_quantity, units_per_pack = change.units_per_pack, barcodes = change.barcodes,
    parameters = change.parameters, is_listed = TRUE, withdrawn_at = NULL,
    revision = offer.revision + 1, updated_at = now()
FROM price_list_changes AS change
WHERE offer.id = change.offer_id AND change.change = 'changed'
""")

WITHDRAW_OFFERS = text("""
UPDATE offers AS offer
SET is_listed = FALSE, withdrawn_at = now(), revision = offer.revision + 1, updated_at = now()
FROM price_list_changes AS change
WHERE offer.id = change.offer_id AND change.change = 'withdrawn'
""")

WRITE_REVISIONS = text("""
INSERT INTO offer_revisions (
    offer_id, revision, price_list_id, user_id, name, model, category_id, price, price_rrc, currency, vat_rate,
    unit_code, unit, quantity_step, minimum_quantity, units_per_pack, barcodes, parameters, is_listed
)
SELECT
    offer.id, offer.revision, :price_list_id, :user_id, offer.name, offer.model, offer.category_id, offer.price,
    offer.price_rrc, offer.currency, offer.vat_rate, offer.unit_code, offer.unit, offer.quantity_step,
    offer.minimum_quantity, offer.units_per_pack, offer.barcodes, offer.parameters, offer.is_listed
FROM offers AS offer
JOIN price_list_changes AS change ON change.offer_id = offer.id
WHERE change.change IN ('new', 'changed', 'withdrawn')
""")

REPORT_UNKNOWN_OFFERS = text("""
INSERT INTO price_list_issues (price_list_id, row, severity, external_id, field, code, message)
SELECT :price_list_id, row, 'error', external_id, 'id', 'id_unknown', 'No good with this id is in your catalog.'
FROM price_list_changes
WHERE change = 'unknown'
""")


def apply_price_list(price_list: PriceList) -> None:
    """Buyers see the old list until this transaction commits, then the new one, never half."""
    ids = {
        "price_list_id": price_list.id,
        "supplier_id": price_list.supplier_id,
        "user_id": price_list.user_id,
    }
    if price_list.mode != STOCK_ONLY:
        session().execute(ADD_CATEGORIES, ids)
        session().execute(MAP_CATEGORIES, ids)
    counts = compare(price_list)
    if counts[NEW]:
        _add_offers(ids)
    if counts[CHANGED] or counts[WITHDRAWN]:
        _change_offers(counts, ids)
    if counts[NEW] or counts[CHANGED] or counts[WITHDRAWN]:
        session().execute(WRITE_REVISIONS, ids)
    if counts[UNKNOWN_OFFER]:
        session().execute(REPORT_UNKNOWN_OFFERS, ids)
        price_list.rows_rejected += counts[UNKNOWN_OFFER]
    _complete(price_list, counts, stock_changed=_state_stock(price_list.supplier_id))


def _add_offers(ids: Mapping[str, int | None]) -> None:
    session().execute(ONE_AT_A_TIME)
    session().execute(FIND_PRODUCTS)
    session().execute(NUMBER_PRODUCTS)
    session().execute(ADD_PRODUCTS)
    session().execute(ADD_BARCODES)
    session().execute(ADD_OFFERS, ids)


def _change_offers(counts: Mapping[str, int], ids: Mapping[str, int | None]) -> None:
    session().execute(LOCK_OFFERS)
    if counts[CHANGED]:
        session().execute(CHANGE_OFFERS)
        if not counts[NEW]:
            session().execute(ADD_BARCODES)
    if counts[WITHDRAWN]:
        session().execute(WITHDRAW_OFFERS)


def _state_stock(supplier_id: int) -> int:
    kind, on_hand = changes.c.stock_kind.label("kind"), changes.c.stock.label("on_hand")
    stated = (
        select(changes.c.offer_id, kind, on_hand, (changes.c.change == NEW).label("is_new"))
        .where(changes.c.offer_id.is_not(None), changes.c.change != WITHDRAWN)
        .subquery("stated")
    )
    supplier = session().get_one(Company, supplier_id, populate_existing=True)
    return state_stock(stated, is_free=supplier.stock_means == FREE)


def _complete(price_list: PriceList, counts: Mapping[str, int], *, stock_changed: int) -> None:
    session().execute(delete(PriceListRow).where(PriceListRow.price_list_id == price_list.id))
    price_list.offers_new = counts[NEW]
    price_list.offers_changed = counts[CHANGED]
    price_list.offers_withdrawn = counts[WITHDRAWN]
    price_list.offers_unchanged = counts[UNCHANGED]
    price_list.stock_changed = stock_changed
    price_list.state = APPLIED
    price_list.finished_at = now()
