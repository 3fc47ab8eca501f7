"""What a list states of stock: written down in the catalog, noted so that it can be taken back, forgotten when not."""

from collections.abc import Mapping

from sqlalchemy import delete, func, or_, select, text

from shop.auth.models import FREE, Company
from shop.catalog.models import StockChange
from shop.catalog.stock import state_stock
from shop.database import session
from shop.price_lists.imports.changes_table import CHANGED, NEW, QUARANTINED, WITHDRAWN, changes
from shop.price_lists.models import APPLIED, STOCK_ONLY, PriceList

# Also of those whose stock is what it was: a newer list has said so.
NOTE_STATED_SINCE = text("""
UPDATE stock_changes AS noted SET is_stated_since = TRUE
FROM offers AS offer, price_list_rows AS row
WHERE noted.price_list_id = :latest AND NOT noted.is_stated_since AND offer.id = noted.offer_id
    AND row.price_list_id = :price_list_id AND row.external_id = offer.external_id AND row.stock_kind IS NOT NULL
    AND (NOT :only_decided OR row.decision = 'apply')
    AND NOT EXISTS (
        SELECT FROM price_list_changes AS change WHERE change.row = row.row AND change.change = 'quarantined'
    )
""")


def latest_applied(supplier_id: int) -> int | None:
    """The list that can be rolled back. Those that changed nothing, and those of stock, do not count."""
    changed = or_(
        PriceList.offers_new > 0,
        PriceList.offers_changed > 0,
        PriceList.offers_withdrawn > 0,
        PriceList.offers_quarantined > 0,
    )
    statement = select(func.max(PriceList.id)).where(
        PriceList.supplier_id == supplier_id, PriceList.state == APPLIED, PriceList.mode != STOCK_ONLY, changed
    )
    return session().scalar(statement)


def state_stock_of(
    price_list: PriceList, counts: Mapping[str, int], *, takes_stock: bool, only_decided: bool = False
) -> None:
    """Of new offers always; of others not where a newer list has stated it already, and not of quarantined ones."""
    kind, on_hand = changes.c.stock_kind.label("kind"), changes.c.stock.label("on_hand")
    stated = select(changes.c.offer_id, kind, on_hand, (changes.c.change == NEW).label("is_new")).where(
        changes.c.offer_id.is_not(None),
        changes.c.stock_kind.is_not(None),
        changes.c.change.not_in([WITHDRAWN, QUARANTINED]) if takes_stock else changes.c.change == NEW,
    )
    supplier = session().get_one(Company, price_list.supplier_id, populate_existing=True)
    can_roll_back = price_list.mode != STOCK_ONLY and any(
        counts[change] for change in (NEW, CHANGED, WITHDRAWN, QUARANTINED)
    )
    price_list.stock_changed += state_stock(
        stated.subquery("stated"),
        is_free=supplier.stock_means == FREE,
        noted_for=price_list.id if can_roll_back else None,
    )
    latest = latest_applied(price_list.supplier_id)
    if takes_stock and latest and not (can_roll_back and latest <= price_list.id):
        ids = {"latest": latest, "price_list_id": price_list.id, "only_decided": only_decided}
        session().execute(NOTE_STATED_SINCE, ids)


def forget_older_stock_changes(price_list: PriceList) -> None:
    """Of all lists that can be rolled back no longer, now that this one is applied."""
    if latest_applied(price_list.supplier_id) == price_list.id:
        older = select(PriceList.id).where(
            PriceList.supplier_id == price_list.supplier_id, PriceList.id != price_list.id
        )
        session().execute(delete(StockChange).where(StockChange.price_list_id.in_(older)))
