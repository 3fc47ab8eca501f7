"""One order, or one part, as clients get it: finished JSON out of one statement; the schemas document it.

Reading the same rows as objects and dumping them costs three times as much, and this is what every placing, every
move and every look at an order ends with.
"""

from typing import Any

import orjson
from sqlalchemy import TextClause, text

from shop.auth.models import BUYER, MANAGER, SUPPLIER
from shop.auth.tokens import Acting
from shop.catalog.vat_rates import sql_default_vat_rate
from shop.database import session
from shop.money import sql_money_text, sql_vat_on_top
from shop.orders.errors import OrderNotFound, SupplierOrderNotFound
from shop.orders.states import NEW, STATES, moves_from

# Only of a part placed when a line could be without a VAT rate, whose prices are without VAT (agreement.py).
DEFAULT_RATE = sql_default_vat_rate("supplier_orders.supplier_id")
TOTAL_TO_AGREE = f"""CASE WHEN supplier_orders.state = '{NEW}' AND NOT supplier_orders.price_includes_vat THEN (
    SELECT (supplier_orders.total + sum(due.vat))::text FROM (
        SELECT {sql_vat_on_top("order_lines.net", DEFAULT_RATE)} AS vat
        FROM order_lines WHERE supplier_order_id = supplier_orders.id AND vat_rate IS NULL
    ) AS due
    HAVING sum(due.vat) > 0
) END AS total_to_agree"""  # noqa: S608 - put together of constants

LINES = f"""(
    SELECT json_agg(line ORDER BY line.position) FROM (
        SELECT id, position, offer_id, name, sku, barcode, unit, unit_code,
            trim_scale(ordered_quantity) AS ordered_quantity, trim_scale(quantity) AS quantity, cut_reason,
            trim_scale(received_quantity) AS received_quantity, received_reason,
            {sql_money_text("price")} AS price, vat_rate, vat_is_default, net::text, vat::text, total::text
        FROM order_lines WHERE supplier_order_id = supplier_orders.id
    ) AS line
) AS lines"""  # noqa: S608 - put together of constants

HISTORY = """(
    SELECT coalesce(json_agg(event ORDER BY event_id), '[]') FROM (
        SELECT id AS event_id, json_build_object('supplier_order_id', supplier_order_id, 'user_id', user_id,
            'from_state', from_state, 'to_state', to_state, 'reason', reason, 'created_at', created_at) AS event
        FROM order_events WHERE {whose}
    ) AS events
) AS history"""

INVOICES = """(
    SELECT coalesce(json_agg(invoice ORDER BY invoice.id), '[]') FROM (
        SELECT invoices.id, invoices.number, invoices.kind, supplier_order_id, companies.name AS supplier, issued_on,
            invoices.total::text, annulled_at
        FROM invoices
        JOIN supplier_orders AS part ON part.id = supplier_order_id
        JOIN companies ON companies.id = part.supplier_id
        WHERE {whose}
    ) AS invoice
) AS invoices"""

PARTS = f"""(
    SELECT json_agg(part ORDER BY part.id) FROM (
        SELECT id, supplier_id, (SELECT name FROM companies WHERE companies.id = supplier_id) AS supplier, state,
            subtotal::text, delivery_fee::text, vat_total::text, total::text, {TOTAL_TO_AGREE}, {LINES}
        FROM supplier_orders WHERE order_id = orders.id
    ) AS part
) AS parts"""  # noqa: S608 - put together of constants

ORDER = text(f"""
SELECT row_to_json(answer)::text AS answer FROM (
    SELECT id, number, state, comment, client_reference, requested_delivery_on, currency,
        subtotal::text, delivery_total::text, vat_total::text, total::text, created_at, version, delivery_point,
        {PARTS},
        {HISTORY.format(whose="order_id = orders.id")},
        {INVOICES.format(whose="part.order_id = orders.id")}
    FROM orders
    WHERE id = :order_id AND (:sees_all OR company_id = :company_id)
) AS answer
""")  # noqa: S608 - put together of constants

PART = text(f"""
SELECT row_to_json(answer)::text AS answer FROM (
    SELECT supplier_orders.id, order_id, orders.number AS order_number, supplier_id, supplier.name AS supplier,
        buyer.name AS buyer, supplier_orders.state, client_reference, requested_delivery_on, currency,
        supplier_orders.subtotal::text, supplier_orders.delivery_fee::text, supplier_orders.vat_total::text,
        supplier_orders.total::text, orders.created_at, comment, delivery_point, version,
        CAST(:moves AS json) -> supplier_orders.state AS moves,
        {TOTAL_TO_AGREE}, {LINES},
        {HISTORY.format(whose="supplier_order_id = supplier_orders.id")},
        {INVOICES.format(whose="supplier_order_id = supplier_orders.id")}
    FROM supplier_orders
    JOIN orders ON orders.id = order_id
    JOIN companies AS supplier ON supplier.id = supplier_id
    JOIN companies AS buyer ON buyer.id = orders.company_id
    WHERE supplier_orders.id = :part_id
        AND (:sees_all OR :side = 'supplier' AND supplier_id = :company_id
            OR :side = 'buyer' AND orders.company_id = :company_id)
) AS answer
""")  # noqa: S608 - put together of constants


def order_answer(order_id: int, *, by: Acting) -> str:
    """Somebody else's order looks like an unknown one."""
    found = _answer(ORDER, order_id=order_id, sees_all=by.role == MANAGER, company_id=_company(by, BUYER))
    if found is None:
        raise OrderNotFound
    return found


def part_answer(part_id: int, *, by: Acting) -> str:
    """A part as its supplier works it off: what to bring where, and what this person can do with it."""
    moves = orjson.dumps({state: moves_from(state, by.role) for state in STATES}).decode()
    seen = {"sees_all": by.role == MANAGER, "side": by.role, "company_id": _company(by, BUYER, SUPPLIER)}
    found = _answer(PART, part_id=part_id, moves=moves, **seen)
    if found is None:
        raise SupplierOrderNotFound
    return found


def _answer(statement: TextClause, **values: Any) -> str | None:
    session().flush()  # plain SQL does not do it by itself
    found: str | None = session().connection().execute(statement, values).scalar()
    return found


def _company(by: Acting, *roles: str) -> int | None:
    """Whose orders a person sees; nobody's where the role has none."""
    return by.company_id if by.role in roles else None
