"""The catalog under its real web server, against a bare Flask app under the same: the bars of the design."""

import statistics
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, replace
from urllib.parse import quote

from rich.table import Table

from benchmarks.load import client_name, per_second
from benchmarks.product import Product
from benchmarks.summary import note
from benchmarks.timing import machine, terminal
from dev.ports import free_port
from shop.auth.passwords import hash_password, verify_password
from shop.database import db

ROUNDS, SECONDS = 3, 2.0
CATALOG = "/api/v1/catalog"
SEARCH = f"{CATALOG}/offers?q={quote('чайники серия 16')}"
NEXT_PAGE = f"{CATALOG}/offers?cursor="
TOKEN = "shop_s_benchmark"
PASSWORD = "a long password of the benchmark"
OFF, ON = "", "1000000000/day"

ADD_BUYER = f"""
WITH company AS (INSERT INTO companies (kind, name, status) VALUES ('buyer', 'ООО Сеть', 'active') RETURNING id),
person AS (
    INSERT INTO users (email, email_confirmed_at, role, company_id, first_name, last_name)
    SELECT 'buyer@bench.example', now(), 'buyer', id, 'Анна', 'Петрова' FROM company RETURNING id
)
INSERT INTO access_tokens (user_id, kind, prefix, hash)
SELECT id, 'session', 'shop_s_bench', sha256(convert_to('{TOKEN}', 'UTF8')) FROM person
"""

WRITE = "SELECT pg_current_xact_id()"  # a transaction that has written, as far as readers can tell
WRITES_PER_SECOND = 100
BUSY, WALK = "page of 40, first, 100 transactions/s beside it", "pages of 40, each another one (answers not known)"

# what, how it is asked for, against what, bar with throttling on, bar with it off
BARS = (
    ("page of 40, first", f"{CATALOG}/offers", "/page", 0.30, 0.55),
    ("page of 40, first", f"{CATALOG}/offers", "/hello", None, None),
    ("page of 40, next", NEXT_PAGE, "/page", 0.30, 0.55),
    ("page of 40, filtered", f"{CATALOG}/offers?price_min=0.01", "/page", 0.30, 0.55),
    (BUSY, f"{CATALOG}/offers", "/page", 0.30, 0.55),
    (WALK, NEXT_PAGE, "/page", None, None),  # the bare route reads one page again and again
    ("search, about 500 hits", SEARCH, "/search", 0.25, 0.25),
    ("offer by id", f"{CATALOG}/offers/777", "/offer", None, None),
    ("basket of 3 lines", "/api/v1/basket", "/page", None, None),
    ("304", f"{CATALOG}/facets", "/hello", 0.08, 0.2),
    ("cached facets", f"{CATALOG}/facets", "/hello", 0.08, 0.2),
)


@dataclass(frozen=True)
class Target:
    port: int
    paths: tuple[str, ...]
    headers: tuple[tuple[str, str], ...] = ()
    is_busy: bool = False


def measure_web(product: Product) -> None:
    """Everything in turns, so that what is compared meets the same neighbors."""
    _add_buyer(product)
    with (
        _web(product, "benchmarks.bare:app", "bare") as bare,
        _web(product, "wsgi:app", "on", THROTTLE_USER=ON) as throttled,
        _web(product, "wsgi:app", "off", THROTTLE_USER=OFF) as free,
    ):
        _fill_basket(free)
        walk = tuple(_walk(free))
        targets = {path: Target(bare.port, (path,)) for path in ("/hello", "/page", "/search", "/offer")}
        for name, path, *_ in BARS:
            paths = walk if name == WALK else walk[:1] if path == NEXT_PAGE else (path,)
            for kind, web in (("on", throttled), ("off", free)):
                headers = _headers(web, paths[0], fresh=name == "304")
                targets[f"{name}, {kind}"] = Target(web.port, paths, headers, is_busy=name == BUSY)
        found: dict[str, list[float]] = {name: [] for name in targets}
        for number in range(ROUNDS):
            for name, target in targets.items():
                begin = number * len(target.paths) // ROUNDS  # where the round before has not come to
                paths = target.paths[begin:] + target.paths[:begin]
                with _writing(product) if target.is_busy else nullcontext():
                    found[name].append(per_second(target.port, paths, dict(target.headers), SECONDS))
        _print(product, found)
        _time_log_in(product, free)


def _walk(web: Product) -> Iterator[str]:
    """The addresses of all pages but the first."""
    client, cursor = web.client(), ""
    while cursor := client.get(f"{CATALOG}/offers?cursor={cursor}" if cursor else f"{CATALOG}/offers", TOKEN)[
        "next_cursor"
    ]:
        yield NEXT_PAGE + cursor


@contextmanager
def _writing(product: Product) -> Iterator[None]:
    """Transactions end all the time meanwhile, as where orders are placed."""
    over = threading.Event()

    def write() -> None:
        with product.app.app_context(), db.engine.connect() as connection:
            connection = connection.execution_options(isolation_level="AUTOCOMMIT")
            while not over.wait(1 / WRITES_PER_SECOND):
                connection.exec_driver_sql(WRITE)

    writer = threading.Thread(target=write)
    writer.start()
    try:
        yield
    finally:
        over.set()
        writer.join()


def _fill_basket(web: Product) -> None:
    lines = [{"offer_id": offer_id, "quantity": 1} for offer_id in (777, 778, 779)]
    answer = web.client().send("POST", "/api/v1/basket/lines", token=TOKEN, body={"lines": lines})
    if answer.status != 200:
        raise RuntimeError(f"{answer.status} {answer.content[:500]!r}")


def _time_log_in(product: Product, web: Product) -> None:
    """One after another, against checking the same password here."""
    with product.app.app_context(), db.engine.begin() as connection:
        hashed = hash_password(PASSWORD)
        connection.exec_driver_sql("UPDATE users SET password_hash = %s", (hashed,))
    body, checks, log_ins = {"email": "buyer@bench.example", "password": PASSWORD}, [], []
    client = web.client()
    for _ in range(8):
        started = time.perf_counter()
        verify_password(hashed, PASSWORD)
        checks.append(time.perf_counter() - started)
        answer = client.send("POST", "/api/v1/auth/login", body=body)
        if answer.status != 200:
            raise RuntimeError(f"{answer.status} {answer.content[:500]!r}")
        log_ins.append(answer.seconds)
    note("log-in", statistics.median(log_ins) * 1000, unit=" ms")
    note("… checking the password / the whole", statistics.median(checks) / statistics.median(log_ins))


def _headers(web: Product, path: str, *, fresh: bool) -> tuple[tuple[str, str], ...]:
    answer = web.client().send("GET", path, token=TOKEN)
    if answer.status != 200:
        raise RuntimeError(f"GET {path}: {answer.status} {answer.content[:500]!r}")
    condition = (("If-None-Match", answer.header("ETag")),) if fresh else ()
    return (("Authorization", f"Bearer {TOKEN}"), *condition)


@contextmanager
def _web(product: Product, application: str, name: str, **environment: str) -> Iterator[Product]:
    """Two processes, as the Procfile starts them, with the access log on."""
    folder = product.folder / name
    folder.mkdir()
    port = str(free_port())
    web = replace(
        product,
        folder=folder,
        environment=product.environment | {"PORT": port, "LOG_LEVEL": "INFO"} | environment,
        processes={},
    )
    try:
        web.start(["web"], application=application)
        yield web
    finally:
        web.stop()


def _add_buyer(product: Product) -> None:
    with product.app.app_context(), db.engine.begin() as connection:
        connection.exec_driver_sql(ADD_BUYER)


def _print(product: Product, found: dict[str, list[float]]) -> None:
    console = terminal()
    console.print(machine(product.database))
    table = Table("", "requests/s", "against", "requests/s", "ratio", "bar", title=f"By HTTP ({client_name()})")
    for name, _path, base, bar_on, bar_off in BARS:
        for kind, bar in (("on", bar_on), ("off", bar_off)):
            ours, its = found[f"{name}, {kind}"], found[base]
            ratio = statistics.median(mine / other for mine, other in zip(ours, its, strict=True))
            note(f"{name} / {base}, throttling {kind}", ratio, at_least=bar)
            table.add_row(
                f"{name}, throttling {kind}",
                f"{statistics.median(ours):,.0f}",
                base,
                f"{statistics.median(its):,.0f}",
                f"[{'green' if ratio >= (bar or 0) else 'red'}]{ratio:.3f}",
                f"≥ {bar}" if bar else "",
            )
    console.print(table)
