"""Taking back the supplier's latest applied list: every offer that it changed becomes what it was.

Stock stays, unless who takes the list back says otherwise.
"""

from sqlalchemy import delete, text

from shop.auth.models import User
from shop.catalog.barcodes import INTERNAL
from shop.catalog.events import PriceListReceived
from shop.catalog.stock import take_stock_back
from shop.database import session
from shop.errors import Conflict
from shop.outbox.events import publish
from shop.price_lists.imports.apply import apply_changes
from shop.price_lists.imports.changes_table import CHANGED, complete_changes, count_changes, make_changes
from shop.price_lists.imports.outcome import complete
from shop.price_lists.imports.stated_stock import latest_applied
from shop.price_lists.models import UPDATE, PriceList, PriceListRow
from shop.price_lists.reading.listed_fields import DATA
from shop.price_lists.reasons import WHY_FAILED

BEFORE = ", ".join(f"before.{name}" for name in DATA if name != "sku")
NOW = ", ".join(f"offer.{name}" for name in DATA if name != "sku")
OTHERS = ", ".join(name for name in DATA if name != "sku")

# What each offer was before the list touched it for the first time; new offers were nothing. Revisions from before
# they remembered the SKU leave it as it is.
GATHER = f"""
WITH made AS (
    SELECT offer_id, min(revision) AS revision FROM offer_revisions
    WHERE price_list_id = :rolls_back_id GROUP BY offer_id
),
wanted AS (
    SELECT
        row_number() OVER (ORDER BY offer.id) AS row, offer.id AS offer_id, offer.product_id, offer.external_id,
        coalesce(before.sku, offer.sku) AS sku, {BEFORE}, offer.name AS name_now,
        CASE WHEN before.is_listed OR before.offer_id IS NOT NULL AND NOT offer.is_listed
            THEN 'changed' ELSE 'withdrawn' END AS change,
        coalesce(before.is_listed, FALSE) AS is_listed,
        offer.is_listed AS was_listed,
        coalesce(before.sku, offer.sku) IS DISTINCT FROM offer.sku
            OR ({BEFORE}, coalesce(before.is_listed, FALSE)) IS DISTINCT FROM ({NOW}, offer.is_listed) AS is_other
    FROM made
    JOIN offers AS offer ON offer.id = made.offer_id
    LEFT JOIN offer_revisions AS before
        ON before.offer_id = made.offer_id AND before.revision = made.revision - 1
)
SELECT
    row, offer_id, product_id, external_id, sku, {OTHERS.replace("name,", "coalesce(name, name_now) AS name,", 1)},
    change, is_listed, is_other, FALSE AS is_price_refused,
    ARRAY(SELECT gtin FROM unnest(barcodes) AS gtin WHERE gtin !~ :internal) AS barcodes_to_match
FROM wanted
WHERE (change = 'changed' AND is_other) OR (change = 'withdrawn' AND was_listed)
"""  # noqa: S608 - of constants

NOT_OF_A_ROLLBACK = ("category", "match_key", "stock_kind", "stock", "reasons", "is_refused_here")

RELEASE_QUARANTINED = text("""
UPDATE offers AS offer SET is_quarantined = FALSE, updated_at = now()
FROM price_list_rows AS row
WHERE row.price_list_id = :rolls_back_id AND offer.supplier_id = :supplier_id
    AND offer.external_id = row.external_id AND offer.is_quarantined
""")


class NotTheLatest(Conflict):
    code = "NotTheLatest"
    message = WHY_FAILED["NotTheLatest"]


def roll_back(price_list: PriceList, *, take_stock_back: bool = False, by: User) -> PriceList:
    """Queues an import of source rollback."""
    if latest_applied(price_list.supplier_id) != price_list.id:
        raise NotTheLatest(price_list_id=price_list.id)
    rollback = PriceList(
        supplier_id=price_list.supplier_id,
        user_id=by.id,
        source="rollback",
        mode=UPDATE,
        file_name=price_list.file_name,
        rolls_back_id=price_list.id,
        takes_stock_back=take_stock_back,
    )
    session().add(rollback)
    session().flush()
    publish(PriceListReceived(price_list_id=rollback.id))
    return rollback


def settle_rollback(rollback: PriceList) -> None:
    """Refuses where another list was applied since it was asked for."""
    if rollback.rolls_back_id is None or latest_applied(rollback.supplier_id) != rollback.rolls_back_id:
        raise NotTheLatest(price_list_id=rollback.rolls_back_id)
    values = {"rolls_back_id": rollback.rolls_back_id, "internal": INTERNAL}
    make_changes(GATHER, values, lacking=NOT_OF_A_ROLLBACK)
    complete_changes()
    counts = count_changes()
    ids = {"rolls_back_id": rollback.rolls_back_id, "supplier_id": rollback.supplier_id}
    session().execute(RELEASE_QUARANTINED, ids)
    session().execute(delete(PriceListRow).where(PriceListRow.price_list_id == rollback.rolls_back_id))
    apply_changes(rollback, counts, takes_stock=False)
    if rollback.takes_stock_back:
        rollback.stock_changed, rollback.stock_left = take_stock_back(rollback.rolls_back_id)
    rollback.rows_total = rollback.rows_done = counts[CHANGED]
    complete(rollback, counts)
