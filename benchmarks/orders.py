"""Placing and listing orders over HTTP, next to the same statements sent by pgbench.

    python -m benchmarks.orders [--clients N] [--seconds S] [--rounds N]

Web processes and database are real and their own, with 100,000 offers of 20 suppliers; the throttle is off, and no
relay or worker takes part. What is compared is measured in turns, so that both meet the same neighbours.
"""

import argparse
import json
import re
import statistics
import subprocess
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

from rich.table import Table
from sqlalchemy import event

from benchmarks.product import WEB_WORKERS, Answer, Client, Product, running
from benchmarks.summary import note
from benchmarks.timing import machine, median_ms, milliseconds, terminal
from dev.binaries import find_binaries
from shop.database import db
from shop.database.fast_read import statement_sent
from shop.http.pagination import make_cursor
from shop.orders.routes.orders import ORDERS_CURSOR

SCRIPT = Path(__file__).with_name("place_order.sql")
SUPPLIERS, OFFERS = 20, 100_000
CLIENTS, SECONDS, ROUNDS = 8, 2.0, 9
FEW_LINES, MANY_LINES = 3, 300
FEW_ORDERS, MANY_ORDERS = 100, 100_000
WARM_UP, LIST_REQUESTS = 20, 200
TPS = re.compile(r"^tps = ([\d.]+)", re.MULTILINE)

ORDER, JOURNEY, PGBENCH = (
    "POST orders, 3 lines",
    "journey: fill basket, order, read back",
    "the same statements in pgbench",
)

# A buyer per client, and two more whose companies have the short and the long list.
FILL = """
INSERT INTO companies (kind, name, status)
SELECT CASE WHEN n <= {suppliers} THEN 'supplier' ELSE 'buyer' END, 'ООО Компания ' || n, 'active'
FROM generate_series(1, {suppliers} + {buyers}) AS n;
INSERT INTO legal_entities (company_id, full_name, short_name, inn, legal_address, default_vat_rate, document_prefix)
SELECT id, name, name, '0000100012', 'г. Москва', '22', chr(64 + id::int) || 'П' FROM companies WHERE kind = 'supplier';
INSERT INTO users (email, email_confirmed_at, role, company_id, first_name, last_name)
SELECT 'user' || id || '@bench.example', now(), kind, id, 'Анна', 'Петрова'
FROM companies ORDER BY kind, id;
INSERT INTO contacts (company_id, name, city, street, house, phone)
SELECT company_id, 'Магазин 001', 'Москва', 'ул. Лесная', '5', '+74951234567'
FROM users WHERE role = 'buyer' ORDER BY id;
INSERT INTO access_tokens (user_id, kind, prefix, hash)
SELECT id, 'session', 'shop_s_bench', sha256(convert_to('shop_s_benchmark-' || id - 1, 'UTF8')) FROM users;
INSERT INTO categories (name) SELECT 'Категория ' || n FROM generate_series(1, 50) AS n;
INSERT INTO products (name, category_id)
SELECT 'Товар для дома и сада ' || n, 1 + n % 50 FROM generate_series(1, {offers}) AS n;
INSERT INTO offers (product_id, supplier_id, external_id, sku, name, model, category_id, price, vat_rate, parameters)
SELECT n, 1 + n % {suppliers}, n::text, 'SKU-' || n, 'Товар для дома и сада ' || n, 'model/' || n, 1 + n % 50,
    (n * 7919::bigint) % 100000 / 100.0 + 1, '22',
    jsonb_build_object('Цвет', 'красный', 'Вес', n % 50, 'Новинка', n % 2 = 0, 'Страна', 'Страна ' || n % 30)
FROM generate_series(1, {offers}) AS n;
INSERT INTO stock_levels (offer_id, kind, on_hand) SELECT id, 'exact', 1000000000 FROM offers;
"""

# Of one company; each has a part at a supplier that only they have, and at another one. One in a hundred is still new,
# and a page of them from the start.
ADD_ORDERS = """
WITH added AS (
    INSERT INTO orders (
        user_id, company_id, state, delivery_point, client_reference, subtotal, delivery_total, vat_total, total
    )
    SELECT {user}, {company}, CASE WHEN n % 100 = 0 OR n <= 41 THEN 'new' ELSE 'delivered' END, '{{}}', 'PO-' || n,
        200, 0, 36, 200
    FROM generate_series(1, {orders}) AS n
    RETURNING id, state
)
INSERT INTO supplier_orders (order_id, supplier_id, state, subtotal, delivery_fee, delivery_vat, vat_total, total)
SELECT id, supplier_id, state, 100, 0, 0, 18, 100
FROM added CROSS JOIN LATERAL (VALUES ({supplier}), (3 + id % 18)) AS part (supplier_id);
"""

console = terminal()


@dataclass
class Measured:
    """Of all rounds: how often per second in each, and every latency."""

    per_second: list[float] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)

    @property
    def rate(self) -> float:
        return statistics.median(self.per_second)

    def against(self, other: "Measured") -> float:
        """The median of the rounds' ratios: what a round is compared with ran next to it."""
        return statistics.median(mine / its for mine, its in zip(self.per_second, other.per_second, strict=True))


@dataclass(frozen=True)
class Bench:
    product: Product
    clients: int
    keys: Iterator[int] = field(default_factory=count)
    steps: defaultdict[str, list[float]] = field(default_factory=lambda: defaultdict(list))  # of the journeys

    @property
    def lists(self) -> Sequence["Listed"]:
        """Of the short one and of the long one."""
        first_supplier = self.clients + 2
        return (
            Listed(FEW_ORDERS, FEW_ORDERS // 2, self.clients, first_supplier, 1),
            Listed(MANY_ORDERS, FEW_ORDERS + MANY_ORDERS // 2, self.clients + 1, first_supplier + 1, 2),
        )


class Listed(NamedTuple):
    """Orders of one buyer; `buyer` and `supplier` are the users' numbers, as their tokens have them."""

    orders: int
    middle_id: int
    buyer: int
    supplier: int
    supplier_id: int


Work = Callable[[Bench, Client, Random, int], None]


def main(given: Sequence[str] | None = None) -> None:
    arguments = _arguments(given)
    with running("web") as product:
        console.print(f"[dim]{machine(product.database)}[/dim]")
        bench = Bench(product, arguments.clients)
        _fill(bench)
        _add_orders(bench)
        lists = _measure_lists(bench)
        statements = {lines: _count_statements(bench, lines) for lines in (FEW_LINES, MANY_LINES)}
        measured = _measure_in_turns(bench, arguments.seconds, arguments.rounds)
    _print_rates(measured, bench.steps, arguments)
    _print_ratios(measured, lists, statements)
    _print_lists(lists)


def _arguments(given: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.orders", description=__doc__.partition("\n")[0])
    parser.add_argument("--clients", type=int, default=CLIENTS, help="how many at once (default: %(default)s)")
    parser.add_argument("--seconds", type=float, default=SECONDS, help="of each round (default: %(default)s)")
    parser.add_argument("--rounds", type=int, default=ROUNDS, help="the median counts (default: %(default)s)")
    return parser.parse_args(given)


def _fill(bench: Bench) -> None:
    with console.status(f"Filling in {OFFERS:,} offers"):
        _execute(bench, FILL.format(suppliers=SUPPLIERS, buyers=bench.clients + 2, offers=OFFERS))


def _add_orders(bench: Bench) -> None:
    with console.status(f"Adding {MANY_ORDERS:,} orders"):
        for listed in bench.lists:
            ids = {"user": listed.buyer + 1, "company": SUPPLIERS + 1 + listed.buyer, "supplier": listed.supplier_id}
            _execute(bench, ADD_ORDERS.format(orders=listed.orders, **ids))


def _execute(bench: Bench, statements: str) -> None:
    with bench.product.app.app_context(), db.engine.connect() as connection:
        connection = connection.execution_options(isolation_level="AUTOCOMMIT")
        driver: Any = connection.connection.driver_connection  # several statements at once
        driver.execute(statements)
        connection.exec_driver_sql("VACUUM ANALYZE")


def _token(user: int) -> str:
    return f"shop_s_benchmark-{user}"


def _measure_lists(bench: Bench) -> dict[str, tuple[float, float]]:
    """Milliseconds of each list with few and with many orders in it, in turns: the median of one client's requests."""
    client = bench.product.client()
    asked = [(_list_paths(listed), listed) for listed in bench.lists]
    found: dict[str, tuple[float, float]] = {}
    for name in asked[0][0]:
        seconds: tuple[list[float], list[float]] = ([], [])
        for number in range(WARM_UP + LIST_REQUESTS):  # both web processes prepare their statements
            for (paths, listed), measured in zip(asked, seconds, strict=True):
                token = _token(listed.supplier if name.startswith("supplier") else listed.buyer)
                answer = _expect(client.send("GET", paths[name], token=token), 200)
                if number >= WARM_UP:
                    measured.append(answer.seconds)
        found[name] = median_ms(seconds[0]), median_ms(seconds[1])
    return found


def _list_paths(listed: Listed) -> dict[str, str]:
    middle = make_cursor(scope=ORDERS_CURSOR, key=[listed.middle_id + 1])
    return {
        "buyer: first page of 40": "/api/v1/orders",
        "buyer: a page from the middle": f"/api/v1/orders?cursor={middle}",
        "buyer: state new, one in 100": "/api/v1/orders?state=new",
        "buyer: client_reference of the oldest": "/api/v1/orders?client_reference=PO-1",
        "buyer: orders with one supplier": f"/api/v1/orders?supplier_id={listed.supplier_id}",
        "supplier: first page of 40 parts": "/api/v1/supplier-orders",
    }


def _count_statements(bench: Bench, lines: int) -> int:
    """What one order sends, counted in this process; the driver's BEGIN and COMMIT come on top."""
    app = bench.product.app
    with app.app_context():
        engine = db.engine
    sent: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        sent.append(statement)

    body = _body(Random(lines), 0, lines)
    headers = {"Authorization": f"Bearer {_token(0)}", "Idempotency-Key": f"statements {lines}"}
    with _listening(engine, note), statement_sent.connected_to(sent.append):
        response = app.test_client().post("/api/v1/orders", json=body, headers=headers)
    if response.status_code != 201:
        raise RuntimeError(response.text)
    return len(sent)


@contextmanager
def _listening(engine: Any, note: Callable[..., None]) -> Iterator[None]:
    event.listen(engine, "before_cursor_execute", note)
    try:
        yield
    finally:
        event.remove(engine, "before_cursor_execute", note)


def _measure_in_turns(bench: Bench, seconds: float, rounds: int) -> dict[str, Measured]:
    answer = _answer(bench)
    _run(bench, _place_order, 2.0)  # every connection prepares its statements
    measured = {PGBENCH: Measured(), ORDER: Measured(), JOURNEY: Measured()}
    for number in range(rounds):
        with console.status(f"Round {number + 1} of {rounds}"):
            measured[PGBENCH].per_second.append(_pgbench(bench, seconds, answer))
            for what, work in ((ORDER, _place_order), (JOURNEY, _make_journey)):
                rate, latencies = _run(bench, work, seconds)
                measured[what].per_second.append(rate)
                measured[what].seconds += latencies
    return measured


def _answer(bench: Bench) -> dict[str, Any]:
    """A real answer, so that pgbench writes as much as the route does."""
    client, body = bench.product.client(), json.dumps(_body(Random(0), 0, FEW_LINES)).encode()
    sent = client.send("POST", "/api/v1/orders", token=_token(0), body=body, Idempotency_Key="an example")
    answer: dict[str, Any] = _expect(sent, 201).json
    return answer


def _run(bench: Bench, work: Work, seconds: float) -> tuple[float, list[float]]:
    """All clients at once for so long: how often per second, and each latency."""
    latencies: list[float] = []
    started = time.perf_counter()
    threads = [
        threading.Thread(target=_repeat, args=(bench, work, number, started + seconds, latencies), daemon=True)
        for number in range(bench.clients)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return len(latencies) / (time.perf_counter() - started), latencies


def _repeat(bench: Bench, work: Work, number: int, until: float, latencies: list[float]) -> None:
    client, random = bench.product.client(), Random()
    while (started := time.perf_counter()) < until:
        work(bench, client, random, number)
        latencies.append(time.perf_counter() - started)


def _place_order(bench: Bench, client: Client, random: Random, number: int) -> None:
    body = _body(random, number, FEW_LINES)
    _expect(_post_order(bench, client, number, body), 201)


def _make_journey(bench: Bench, client: Client, random: Random, number: int) -> None:
    token, body = _token(number), _body(random, number, FEW_LINES)
    filled = client.send("POST", "/api/v1/basket/lines", token=token, body={"lines": body.pop("lines")})
    placed = _expect(_post_order(bench, client, number, body), 201)
    shown = client.send("GET", placed.header("Location"), token=token)
    for step, answer, status in (("fill", filled, 200), ("order", placed, 201), ("read back", shown, 200)):
        bench.steps[step].append(_expect(answer, status).seconds)


def _post_order(bench: Bench, client: Client, number: int, body: dict[str, Any]) -> Answer:
    key = f"{number} {next(bench.keys)}"
    return client.send("POST", "/api/v1/orders", token=_token(number), body=body, Idempotency_Key=key)


def _body(random: Random, number: int, lines: int) -> dict[str, Any]:
    """Goods of one supplier, as place_order.sql takes them."""
    rest = random.randrange(SUPPLIERS)
    goods = random.sample(range(1, OFFERS // SUPPLIERS), lines)
    return {
        "contact_id": number + 1,
        "lines": [{"offer_id": SUPPLIERS * good + rest, "quantity": 1} for good in goods],
    }


def _expect(answer: Answer, status: int) -> Answer:
    if answer.status != status:
        raise RuntimeError(f"{answer.status} instead of {status}: {answer.content[:500].decode(errors='replace')}")
    return answer


def _pgbench(bench: Bench, seconds: float, answer: dict[str, Any]) -> float:
    """Transactions per second; prepared, as the driver prepares what it sends often."""
    given = {"answer": json.dumps(answer), "delivery_point": json.dumps(answer["delivery_point"])}
    command = [find_binaries(None).postgres("pgbench"), "--no-vacuum", "--protocol=prepared", f"--file={SCRIPT}"]
    command += [f"--client={bench.clients}", "--jobs=2", f"--time={round(seconds)}"]
    command += [part for name, value in given.items() for part in ("-D", f"{name}={value}")]
    done = subprocess.run([*command, bench.product.database], capture_output=True, text=True)
    found = TPS.search(done.stdout)
    if done.returncode or not found:
        raise RuntimeError(f"pgbench failed: {done.stderr[-2000:]}")
    return float(found[1])


def _print_rates(measured: dict[str, Measured], steps: dict[str, list[float]], arguments: argparse.Namespace) -> None:
    title = (
        f"{arguments.clients} clients, {WEB_WORKERS} web processes, {OFFERS:,} offers, {MANY_ORDERS:,} orders before"
    )
    table = _table(title, "", "per s", "each round", "p50 ms", "p95 ms", "p99 ms", "max ms")
    for what, found in measured.items():
        rounds = " ".join(f"{rate:,.0f}" for rate in found.per_second)
        latencies = milliseconds(found.seconds) if found.seconds else ("", "", "", "")
        table.add_row(what, f"{found.rate:,.1f}", rounds, *latencies)
    for step, seconds in steps.items():
        table.add_row(f"  … {step}", "", "", *milliseconds(seconds))
    console.print(table)


def _print_ratios(
    measured: dict[str, Measured], lists: dict[str, tuple[float, float]], statements: dict[int, int]
) -> None:
    few, many = statements[FEW_LINES], statements[MANY_LINES]
    page_few, page_many = next(iter(lists.values()))
    orders, journeys, bare = (measured[what] for what in (ORDER, JOURNEY, PGBENCH))
    note("POST orders of 3 lines / its statements in pgbench", orders.against(bare), at_least=0.2)
    note("journeys (fill, order, read back) / an order's statements in pgbench", journeys.against(bare), at_least=0.13)
    note(f"statements of an order of {MANY_LINES} lines / of {FEW_LINES}", many / few, at_most=1)
    note(f"first page of {MANY_ORDERS:,} orders / of {FEW_ORDERS}", page_many / page_few)
    table = _table("Against the bars of the design", "", "found", "bar", "aim")
    table.add_row("POST orders against its statements in pgbench", _mark(orders.against(bare), 0.2), "≥ 0.20", "")
    table.add_row("journeys against them", _mark(journeys.against(bare), 0.13), "≥ 0.13", "")
    table.add_row(
        f"statements of an order of {FEW_LINES} and of {MANY_LINES} lines",
        f"[{'green' if few == many else 'red'}]{few} and {many}",
        "equal",
        "",
    )
    growth = page_many / page_few
    table.add_row(f"first page of orders, {MANY_ORDERS:,} against {FEW_ORDERS}", f"{growth:.2f}×", "the same", "")
    console.print(table)


def _print_lists(lists: dict[str, tuple[float, float]]) -> None:
    title = f"Order lists, one client, in turns, median of {LIST_REQUESTS}, ms (1 in 100 is new)"
    table = _table(title, "", f"of {FEW_ORDERS} orders", f"of {MANY_ORDERS:,}", "growth")
    for name, (few, many) in lists.items():
        table.add_row(name, f"{few:.1f}", f"{many:.1f}", f"{many / few:.2f}×")
    console.print(table)


def _table(title: str, *columns: str) -> Table:
    table = Table(*columns, title=title, title_justify="left")
    for column in table.columns[1:]:
        column.justify = "right"
    return table


def _mark(ratio: float, bar: float) -> str:
    return f"[{'green' if ratio >= bar else 'red'}]{ratio:.3f}"


if __name__ == "__main__":
    main()
