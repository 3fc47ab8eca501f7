"""Reading the catalog at 1,000 and at 100,000 offers: pages, search, facets, the export, and how all of it grows.

How it grows is measured through the app's test client, without a web server and without the throttle, next to a bare
route on the same data; how fast it is, by HTTP.
"""

import statistics
import time
from typing import Any

import orjson
from flask import Flask, Response
from flask.testing import FlaskClient
from sqlalchemy import event, text

from benchmarks.catalog_web import WRITE, measure_web
from benchmarks.product import running
from benchmarks.summary import note
from shop.auth.access import public
from shop.database import db
from shop.database.fast_read import statement_sent

SMALL, LARGE = 1_000, 100_000
PAGE = 40
DEEP = 1_000  # the page that must cost what the first one does
SECONDS = 1.0
OFFERS = "/api/v1/catalog/offers"

FILL = """
INSERT INTO companies (kind, name, status)
SELECT 'supplier', 'ООО Поставщик ' || n, 'active' FROM generate_series(1, 20) AS n
WHERE NOT EXISTS (SELECT FROM companies);
INSERT INTO categories (name) SELECT 'Категория ' || n FROM generate_series(1, 50) AS n
WHERE NOT EXISTS (SELECT FROM categories);
INSERT INTO products (name, category_id)
SELECT 'Товар ' || n, 1 + n % 50 FROM generate_series(1 + {present}, {wanted}) AS n;
INSERT INTO offers (
    product_id, supplier_id, external_id, sku, name, model, category_id, price, vat_rate, barcodes, parameters
)
SELECT n, 1 + n % 20, n::text, 'SKU-' || lpad(n::text, 7, '0'),
    'Товар ' || (ARRAY['чайник', 'молоко', 'смартфон', 'гречка', 'порошок', 'лампа', 'кабель', 'стол'])[1 + n % 8]
        || ' ' || (ARRAY['красный', 'белый', 'чёрный', 'большой', 'малый'])[1 + n % 5] || ' серия ' || n % 200,
    'brand-' || n % 300 || '/model-' || n, 1 + n % 50, (n * 7919::bigint) % 1000000 / 100.0 + 1, '22',
    ARRAY[lpad(n::text, 13, '4')],
    jsonb_build_object('Цвет', (ARRAY['красный', 'белый', 'чёрный'])[1 + n % 3], 'Вес', n % 50, 'Новинка', n % 2 = 0,
        'Страна', 'Страна ' || n % 30)
FROM generate_series(1 + {present}, {wanted}) AS n;
INSERT INTO stock_levels (offer_id, kind, on_hand)
SELECT id, 'exact', id % 100 FROM offers WHERE id > {present};
"""

BARE = """
SELECT id, name, sku, price, parameters FROM offers WHERE is_listed ORDER BY price, id LIMIT 40
"""


def main() -> None:
    with running() as product:
        app = product.app
        app.add_url_rule("/bare", view_func=public(_bare))
        client = app.test_client()
        fill(app, 0, SMALL)
        small = measure(client)
        fill(app, SMALL, LARGE)
        large = measure(client)
        _report(small, large)
        _count_statements(app, client)
        print(f"{f'export of {LARGE:,} offers':<44}{_export(client):>9.1f} s")
        measure_web(product)


def measure(client: FlaskClient) -> dict[str, float]:
    """Milliseconds, the median of as many requests as fit into a second."""
    requests = {
        "a bare route with one SELECT of 40": "/bare",
        "page of 40, newest": OFFERS,
        "page of 40, by price": f"{OFFERS}?sort=price",
        "page of 40, by name": f"{OFFERS}?sort=name",
        "page of 40, a category and a parameter": f"{OFFERS}?category=3&param.Цвет=белый&sort=price",
        "search, about 500 hits": f"{OFFERS}?q=чайники серия 16",
        "search, a word that is in every name": f"{OFFERS}?q=товары",
        "… the same by price": f"{OFFERS}?q=товары&sort=price",
        "search, part of an article": f"{OFFERS}?q=00777",
        "search, a mistyped word": f"{OFFERS}?q=чайнек",
        "facets, cached": "/api/v1/catalog/facets",
        "categories, cached": "/api/v1/catalog/categories",
    }
    found = {name: _time(client, path) for name, path in requests.items()}
    etag = client.get(requests["facets, cached"]).headers["ETag"]
    found["facets, 304"] = _time(client, requests["facets, cached"], {"If-None-Match": etag})
    for sort in ("newest", "price", "name"):
        found[f"page 1,000 by {sort}"] = _time(client, _deep(client, sort))
    found["facets, not cached"] = _facets(client, "")
    found["facets of 500 hits, not cached"] = _facets(client, "q=чайники серия 16&")
    return found


def _deep(client: FlaskClient, sort: str) -> str:
    """The address of page 1,000, or of the last one."""
    path = f"{OFFERS}?sort={sort}&limit={PAGE}"
    last = path
    for _ in range(0, DEEP * PAGE - 500, 500):  # in larger steps, as a cursor does not hold the size of the page
        answer: Any = client.get(last.replace(f"limit={PAGE}", "limit=500")).json
        if not answer["next_cursor"]:
            return last
        last = f"{path}&cursor={answer['next_cursor']}"
    return last


def _facets(client: FlaskClient, query: str) -> float:
    """Each time for another price, so that none is in the cache."""
    times = []
    for number in range(5):
        started = time.perf_counter()
        _get(client, f"/api/v1/catalog/facets?{query}price_min=0.0{number}&price_max={10**6 + time.time_ns() % 10**9}")
        times.append(time.perf_counter() - started)
    return statistics.median(times) * 1000


def _export(client: FlaskClient) -> float:
    started = time.perf_counter()
    for _ in client.get("/api/v1/catalog/export", buffered=False).iter_encoded():
        pass
    return time.perf_counter() - started


def _time(client: FlaskClient, path: str, headers: dict[str, str] | None = None) -> float:
    times: list[float] = []
    for _ in range(12):  # what happens once: caches, and the driver's prepared statements
        _write(client.application)
        _get(client, path, headers)
    while sum(times) < SECONDS and len(times) < 500:
        _write(client.application)
        started = time.perf_counter()
        _get(client, path, headers)
        times.append(time.perf_counter() - started)
    return statistics.median(times) * 1000


def _write(app: Flask) -> None:
    """A transaction ends: the answers before it are not taken for those after it."""
    with app.app_context(), db.engine.begin() as connection:
        connection.execute(text(WRITE))


def _get(client: FlaskClient, path: str, headers: dict[str, str] | None = None) -> None:
    response = client.get(path, headers=headers)
    assert response.status_code in (200, 304), (path, response.text)


def _count_statements(app: Flask, client: FlaskClient) -> None:
    """With what is cached cached, after something was written; where nothing was there is but the first of them."""
    sent: list[str] = []
    with app.app_context():
        engine = db.engine
    event.listen(engine, "before_cursor_execute", lambda _c, _cursor, statement, *_: sent.append(statement))
    with statement_sent.connected_to(sent.append):
        for name, path in (
            ("page of 40, first", OFFERS),
            ("page of 40, next", _deep(client, "newest")),
            ("search", f"{OFFERS}?q=чайники серия 16"),
            ("offer by id", f"{OFFERS}/777"),
            ("cached facets", "/api/v1/catalog/facets"),
        ):
            for _ in range(3):
                _write(app)
                sent.clear()
                _get(client, path)
            note(f"statements: {name}", len(sent))


def _report(small: dict[str, float], large: dict[str, float]) -> None:
    bare = large["a bare route with one SELECT of 40"]
    for name in ("page of 40, newest", "page of 40, by price", "page of 40, by name"):
        note(f"{name}: {LARGE:,} offers / {SMALL:,}", large[name] / small[name], at_most=1.5)
    for sort in ("newest", "price", "name"):
        first = "page of 40, newest" if sort == "newest" else f"page of 40, by {sort}"
        note(f"page 1,000 by {sort} / page 1", large[f"page 1,000 by {sort}"] / large[first], at_most=1.5)
    note("facets of 500 hits, computed", large["facets of 500 hits, not cached"], unit=" ms")
    print(f"{'':<44}{f'{SMALL:,}':>9}{f'{LARGE:,}':>9}{'growth':>9}{'of bare':>9}")
    for name, milliseconds in large.items():
        growth = milliseconds / small[name]
        print(f"{name:<44}{small[name]:>6.2f} ms{milliseconds:>6.2f} ms{growth:>9.2f}{bare / milliseconds:>9.2f}")


def _bare() -> Response:
    with db.engine.connect() as connection:
        rows = connection.exec_driver_sql(BARE).mappings().all()
        return Response(orjson.dumps([dict(row) for row in rows], default=str), content_type="application/json")


def fill(app: Flask, present: int, wanted: int) -> None:
    with app.app_context(), db.engine.begin() as connection:
        connection.execute(text("SET LOCAL statement_timeout = 0"))
        driver: Any = connection.connection.driver_connection  # several statements at once
        driver.execute(FILL.format(present=present, wanted=wanted))
    with app.app_context(), db.engine.connect() as connection:
        connection.execution_options(isolation_level="AUTOCOMMIT").exec_driver_sql("VACUUM ANALYZE")


if __name__ == "__main__":
    main()
