"""Writing a placed order: the order, its parts, lines and history in one statement, whatever their number."""

from collections.abc import Sequence
from datetime import date
from typing import TypedDict

import orjson
from sqlalchemy import text

from shop.auth.tokens import Acting
from shop.companies.models import Contact
from shop.database import session, sql_list
from shop.orders.pricing import PricedPart

# What the buyer agreed to is copied, not linked: it stays whatever later lists say. The offers are read once more here,
# under the share lock that placing holds on them, so they are what was priced.
WRITE = text(f"""
WITH placed AS (
    INSERT INTO orders (
        user_id, company_id, delivery_point, comment, client_reference, requested_delivery_on,
        subtotal, delivery_total, vat_total, total
    )
    VALUES (
        :user_id, :company_id, CAST(:delivery_point AS jsonb), :comment, :client_reference, :requested_delivery_on,
        :subtotal, :delivery_total, :vat_total, :total
    )
    RETURNING id, user_id
), parts AS (
    INSERT INTO supplier_orders (
        order_id, supplier_id, price_includes_vat, subtotal, delivery_fee, delivery_vat, delivery_vat_rate, vat_total,
        total
    )
    SELECT placed.id, part.*
    FROM placed, unnest(
        {sql_list("supplier_ids", "bigint")}, {sql_list("include_vat", "boolean")},
        {sql_list("part_subtotals", "numeric")}, {sql_list("part_fees", "numeric")},
        {sql_list("part_fee_vats", "numeric")}, {sql_list("part_fee_rates", "text")},
        {sql_list("part_vats", "numeric")}, {sql_list("part_totals", "numeric")}
    ) AS part (
        supplier_id, price_includes_vat, subtotal, delivery_fee, delivery_vat, delivery_vat_rate, vat_total, total
    )
    ORDER BY part.supplier_id
    RETURNING id, order_id, supplier_id
), history AS (
    INSERT INTO order_events (order_id, supplier_order_id, user_id, to_state)
    SELECT placed.id, parts.id, placed.user_id, 'new' FROM placed, parts ORDER BY parts.id
), lines AS (
    INSERT INTO order_lines (
        supplier_order_id, position, offer_id, revision, name, sku, barcode, unit_code, unit, units_per_pack,
        price, vat_rate, vat_is_default, ordered_quantity, quantity, net, vat, total
    )
    SELECT parts.id, line.position, offers.id, revision, name, sku, barcodes[1], unit_code, unit, units_per_pack,
        price, line.vat_rate, offers.vat_rate IS NULL, line.quantity, line.quantity, line.net, line.vat, line.total
    FROM unnest(
        {sql_list("offer_ids", "bigint")}, {sql_list("positions", "bigint")}, {sql_list("quantities", "numeric")},
        {sql_list("vat_rates", "text")},
        {sql_list("nets", "numeric")}, {sql_list("vats", "numeric")}, {sql_list("totals", "numeric")}
    ) AS line (offer_id, position, quantity, vat_rate, net, vat, total)
    JOIN offers ON offers.id = line.offer_id
    JOIN parts ON parts.supplier_id = offers.supplier_id
    ORDER BY parts.id, line.position
)
SELECT id FROM placed
""")  # noqa: S608 - of our own words only


class Wishes(TypedDict):
    """What the buyer says beside the goods."""

    comment: str
    client_reference: str | None
    requested_delivery_on: date | None


def write_order(by: Acting, contact: Contact, parts: Sequence[PricedPart], wishes: Wishes) -> int:
    """The id of the new order."""
    values: dict[str, object] = {
        "user_id": by.id,
        "company_id": by.company_id,
        "delivery_point": orjson.dumps(contact.frozen).decode(),
        "subtotal": sum(part.subtotal for part in parts),
        "delivery_total": sum(part.delivery_fee for part in parts),
        "vat_total": sum(part.vat_total for part in parts),
        "total": sum(part.total for part in parts),
    }
    values |= wishes
    values |= _parts(parts)
    values |= _lines(parts)
    return int(session().connection().execute(WRITE, values).scalar_one())


def _parts(parts: Sequence[PricedPart]) -> dict[str, list[object]]:
    return {
        "supplier_ids": [part.supplier.id for part in parts],
        "include_vat": [part.supplier.price_includes_vat for part in parts],
        "part_subtotals": [part.subtotal for part in parts],
        "part_fees": [part.delivery_fee for part in parts],
        "part_fee_vats": [part.delivery_vat for part in parts],
        "part_fee_rates": [part.supplier.default_vat_rate for part in parts],
        "part_vats": [part.vat_total for part in parts],
        "part_totals": [part.total for part in parts],
    }


def _lines(parts: Sequence[PricedPart]) -> dict[str, list[object]]:
    numbered = [numbered for part in parts for numbered in enumerate(part.lines, start=1)]
    return {
        "positions": [position for position, _ in numbered],
        "offer_ids": [line.offer.id for _, line in numbered],
        "quantities": [line.quantity for _, line in numbered],
        "vat_rates": [line.offer.effective_vat_rate for _, line in numbered],
        "nets": [line.net for _, line in numbered],
        "vats": [line.vat for _, line in numbered],
        "totals": [line.total for _, line in numbered],
    }
