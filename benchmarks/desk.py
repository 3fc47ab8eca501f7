"""The managers' desk at the size of a busy operator: every list with each of its orders, filters and its search.

Asked through the app's test client, so without a web server: what is measured is the product's own time and its
statements. `rows()` answers a line per list; `main` prints them against the bars.
"""

import statistics
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from flask import Flask
from flask.testing import FlaskClient
from rich.table import Table
from sqlalchemy import event, text

from benchmarks.product import running
from benchmarks.timing import machine, terminal
from shop.admin import VIEWS
from shop.admin.access_guard import COOKIE, PREFIX
from shop.admin.base import ManagedView
from shop.database import db, now
from shop.http.caching import cache

OFFERS, ORDERS, COMPANIES, MAILS, DELIVERIES = 100_000, 50_000, 20_000, 200_000, 100_000
SUPPLIERS = 20
MOST_STATEMENTS, MOST_MS = 10, 150.0
TIMES = 3
TOKEN = "shop_s_benchmark"

# A buyer in a thousand orders often; an order has two parts of two lines; one thing in a hundred waits for somebody.
FILL = f"""
INSERT INTO companies (kind, name, status)
SELECT CASE WHEN n <= {SUPPLIERS} THEN 'supplier' ELSE 'buyer' END,
    (ARRAY['ООО', 'АО', 'ИП', 'Сеть'])[1 + n % 4] || ' «'
        || (ARRAY['Рябинка', 'Вектор', 'Север', 'Лесная', 'Маяк'])[1 + n % 5] || ' ' || n || '»',
    CASE WHEN n % 100 = 0 THEN 'pending' WHEN n % 101 = 0 THEN 'blocked' ELSE 'active' END
FROM generate_series(1, {COMPANIES}) AS n;
INSERT INTO legal_entities (company_id, full_name, short_name, inn, legal_address)
SELECT id, name, name, lpad((id * 7919)::text, 10, '7'), 'г. Москва' FROM companies;
INSERT INTO users (email, email_confirmed_at, role, company_id, is_owner, first_name, last_name)
SELECT 'person' || id || '@chain' || id % 977 || '.example', now(), kind, id, true, 'Анна', 'Петрова-' || id % 500
FROM companies ORDER BY id;
INSERT INTO access_tokens (user_id, kind, prefix, hash)
SELECT id, 'session', 'shop_s_x', sha256(convert_to('of ' || id, 'UTF8')) FROM users;
INSERT INTO users (email, email_confirmed_at, role, first_name, last_name, locale)
VALUES ('manager@bench.example', now(), 'manager', 'Мария', 'Орлова', 'ru');
INSERT INTO access_tokens (user_id, kind, prefix, hash)
SELECT id, 'session', 'shop_s_bench', sha256(convert_to('{TOKEN}', 'UTF8')) FROM users WHERE role = 'manager';
INSERT INTO categories (name) SELECT 'Категория ' || n FROM generate_series(1, 50) AS n;
INSERT INTO supplier_categories (supplier_id, external_id, name, category_id)
SELECT s, n::text, 'Раздел ' || n, n FROM generate_series(1, {SUPPLIERS}) AS s, generate_series(1, 50) AS n;
INSERT INTO products (name, category_id)
SELECT 'Товар ' || n, 1 + n % 50 FROM generate_series(1, {OFFERS} * 9 / 10) AS n;
INSERT INTO offers (
    product_id, supplier_id, external_id, sku, name, model, category_id, price, vat_rate, barcodes, parameters,
    is_listed, is_quarantined
)
SELECT 1 + n % ({OFFERS} * 9 / 10), 1 + n % {SUPPLIERS}, n::text, 'SKU-' || lpad(n::text, 7, '0'),
    'Товар ' || (ARRAY['чайник', 'молоко', 'смартфон', 'гречка', 'порошок', 'лампа', 'кабель', 'стол'])[1 + n % 8]
        || ' ' || (ARRAY['красный', 'белый', 'чёрный', 'большой', 'малый'])[1 + n % 5] || ' серия ' || n % 200,
    'brand-' || n % 300 || '/model-' || n, 1 + n % 50, (n * 7919::bigint) % 1000000 / 100.0 + 1, '22',
    ARRAY[lpad(n::text, 13, '4')], jsonb_build_object('Вес', n % 50), n % 50 <> 0, n % 1000 = 1
FROM generate_series(1, {OFFERS}) AS n;
INSERT INTO stock_levels (offer_id, kind, on_hand) SELECT id, 'exact', id % 100 FROM offers;
INSERT INTO orders (
    user_id, company_id, state, delivery_point, client_reference, requested_delivery_on, subtotal, delivery_total,
    vat_total, total, created_at
)
SELECT users.id, users.company_id, CASE WHEN n % 100 = 0 THEN 'new' WHEN n % 33 = 0 THEN 'sent' ELSE 'delivered' END,
    '{{}}', 'PO-' || n, (now() - interval '3 minutes' * ({ORDERS} - n))::date, 200, 0, 36, n % 10000 + 200,
    now() - interval '3 minutes' * ({ORDERS} - n)
FROM generate_series(1, {ORDERS}) AS n
JOIN users ON users.id = {SUPPLIERS} + 1 + CASE WHEN n % 2 = 0 THEN n % 20 ELSE n % ({COMPANIES} - {SUPPLIERS}) END;
INSERT INTO supplier_orders (order_id, supplier_id, state, subtotal, delivery_fee, delivery_vat, vat_total, total)
SELECT id, supplier_id, state, 100, 0, 0, 18, 100
FROM orders CROSS JOIN LATERAL (VALUES (1 + id % 10), (11 + id % 10)) AS part (supplier_id);
INSERT INTO order_lines (
    supplier_order_id, position, offer_id, revision, name, sku, unit, ordered_quantity, quantity, price, net, vat, total
)
SELECT id, position, 1 + (id * 2 + position) * 7 % {OFFERS}, 1, 'Товар ' || id, 'SKU-' || id, 'шт', 5,
    CASE WHEN id % 200 = 0 THEN 4 ELSE 5 END, 10, 41, 9, 50
FROM supplier_orders, generate_series(1, 2) AS position;
INSERT INTO price_lists (supplier_id, source, mode, file_name, state, rows_total, offers_changed, created_at)
SELECT 1 + n % {SUPPLIERS}, 'upload', 'full', 'price-' || n || '.yaml',
    CASE WHEN n > 9980 THEN 'held' ELSE 'applied' END, 5000, 50, now() - interval '1 hour' * (10000 - n) / 20
FROM generate_series(1, 10000) AS n;
INSERT INTO mail_messages (dedupe_key, message_id, kind, locale, recipient, context, subject, state, last_error)
SELECT n::text, n || '@bench', (ARRAY['order_placed', 'invoice', 'part_moved'])[1 + n % 3], 'ru',
    'person' || 1 + n % {COMPANIES} || '@chain' || (1 + n % {COMPANIES}) % 977 || '.example',
    jsonb_build_object('order_id', 1 + n % {ORDERS}), 'Заказ 2026-' || lpad((1 + n % {ORDERS})::text, 6, '0'),
    CASE WHEN n % 1000 = 0 THEN 'parked' ELSE 'sent' END, CASE WHEN n % 1000 = 0 THEN '550 mailbox full' END
FROM generate_series(1, {MAILS}) AS n;
INSERT INTO outbox_events (type, payload, parked_at, last_error)
SELECT 'order.placed', jsonb_build_object('order_id', n), now(), 'ValueError: no paper'
FROM generate_series(1, 500) AS n;
INSERT INTO webhooks (company_id, url, event_types)
SELECT n, 'https://erp' || n || '.example/hook', ARRAY['order.placed'] FROM generate_series(1, 500) AS n;
INSERT INTO webhook_deliveries (webhook_id, message_id, event_id, event_type, occurred_at, data, state)
SELECT 1 + n % 500, 'msg_' || n, n, 'order.placed', now(), '{{}}',
    CASE WHEN n % 1000 = 0 THEN 'failed' ELSE 'delivered' END
FROM generate_series(1, {DELIVERIES}) AS n;
INSERT INTO webhook_attempts (delivery_id, started_at, duration_ms, status, error)
SELECT id, now(), 90, CASE WHEN state = 'failed' THEN 500 ELSE 200 END, CASE WHEN state = 'failed' THEN 'refused' END
FROM webhook_deliveries;
INSERT INTO audit_entries (user_id, action, object_type, object_id, object_name, changes, reason)
SELECT (SELECT id FROM users WHERE role = 'manager'), 'order.confirm', 'orders', n::text,
    '2026-' || lpad(n::text, 6, '0'), jsonb_build_object('state', jsonb_build_array('new', 'confirmed')), ''
FROM generate_series(1, {ORDERS}) AS n;
"""

# What somebody types: part of a word that many rows have, and one that few have.
TYPED = {
    "orders": ("Рябинка", "2026-049123"),
    "price_lists": ("Вектор", "price-777"),
    "offers": ("чайник", "SKU-0077712"),
    "products": ("чайник красный", "SKU-0077712"),
    "categories": ("Категория", "Раздел 7"),
    "suppliers": ("Вектор",),
    "companies": ("Рябинка", "Маяк 777", "person7771@"),
    "users": ("Петрова", "person7771@"),
    "mails": ("Заказ", "person7771@", "2026-049123"),
    "events": ("order", "no paper"),
    "webhooks": ("erp77",),
    "deliveries": ("order", "erp77"),
    "audit": ("order", "2026-049123", "confirmed"),
}


@dataclass(frozen=True)
class Measured:
    """A list: without any question, and the question that took longest."""

    name: str
    plain_ms: float
    worst_ms: float
    worst: str
    statements: int

    @property
    def holds(self) -> bool:
        return max(self.plain_ms, self.worst_ms) < MOST_MS and self.statements <= MOST_STATEMENTS


def main() -> None:
    with running() as product:
        found = rows(product.app)
        console = terminal()
        console.print(machine(product.database))
    size = f"{OFFERS:,} offers, {ORDERS:,} orders, {COMPANIES:,} companies, {MAILS:,} mails, {DELIVERIES:,} deliveries"
    table = Table("", "as it opens", "slowest", "which", "statements", title=f"The desk's lists ({size})")
    for row in found:
        color = "green" if row.holds else "red"
        table.add_row(
            row.name, f"{row.plain_ms:.0f} ms", f"[{color}]{row.worst_ms:.0f} ms", row.worst, f"{row.statements}"
        )
    table.add_row("bar", f"< {MOST_MS:.0f} ms", f"< {MOST_MS:.0f} ms", "", f"≤ {MOST_STATEMENTS}")
    console.print(table)


def rows(app: Flask) -> list[Measured]:
    """Fills the empty database of the app, then asks every list all its questions."""
    _fill(app)
    client = app.test_client()
    client.set_cookie(COOKIE, TOKEN, path=PREFIX)
    with app.app_context():
        cache.clear()
    lists = [_measure(app, client, "first page, not cached", {"": f"{PREFIX}/"})]
    for view in VIEWS:
        if issubclass(view, ManagedView):
            lists.append(_measure(app, client, view.title, dict(_questions(view))))
    return lists


def _questions(view: type[ManagedView]) -> Iterator[tuple[str, str]]:
    """What can be asked of the list, and its address."""
    address = f"{PREFIX}/{view.slug}/"
    yield "", address
    yield "last page", f"{address}?page=199"
    sortable = [index for index, name in enumerate(view.column_list) if name in view.sorts]
    for index in sortable:
        for descending in ("", "&desc=1"):
            yield f"by {view.column_list[index]}{descending}", f"{address}?sort={index}{descending}"
    for words in TYPED[view.slug]:
        yield f"find {words}", f"{address}?search={words}"
    week_ago = (now() - timedelta(days=7)).date().isoformat()
    for filter_ in view.filters:
        values = {
            "flag": ("1",),
            "date": (week_ago,),
            "choice": tuple(value for value, _ in filter_.choices),
            "search": (*TYPED[view.slug], "Вектор"),
        }[filter_.kind]
        for value in values:
            yield f"{filter_.key} {value}", f"{address}?{filter_.key}={value}"


def _measure(app: Flask, client: FlaskClient, name: str, questions: dict[str, str]) -> Measured:
    times: dict[str, float] = {}
    most = 0
    for question, address in questions.items():
        with _counted(app) as statements:
            _get(client, address)
        most = max(most, len(statements))
        times[question] = statistics.median(_seconds(app, client, address) for _ in range(TIMES)) * 1000
    worst = max(times, key=times.__getitem__)
    return Measured(name, times[""], times[worst], worst, most)


def _seconds(app: Flask, client: FlaskClient, address: str) -> float:
    with app.app_context():
        cache.clear()
    started = time.perf_counter()
    _get(client, address)
    return time.perf_counter() - started


def _get(client: FlaskClient, address: str) -> None:
    response = client.get(address)
    if response.status_code != 200:
        raise RuntimeError(f"GET {address}: {response.status} {response.text[:500]}")


@contextmanager
def _counted(app: Flask) -> Iterator[list[str]]:
    sent: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        sent.append(statement)

    with app.app_context():
        engine = db.engine
    event.listen(engine, "before_cursor_execute", note)
    try:
        yield sent
    finally:
        event.remove(engine, "before_cursor_execute", note)


def _fill(app: Flask) -> None:
    with app.app_context(), db.engine.begin() as connection:
        connection.execute(text("SET LOCAL statement_timeout = 0"))
        driver: Any = connection.connection.driver_connection  # several statements at once
        driver.execute(FILL)
    with app.app_context(), db.engine.connect() as connection:
        connection.execution_options(isolation_level="AUTOCOMMIT").exec_driver_sql("VACUUM ANALYZE")


if __name__ == "__main__":
    main()
