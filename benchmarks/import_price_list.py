"""Importing 100,000 goods: new, unchanged and with 1 % changed, in every format; time by step and memory.

Beside it stands what COPY of the same goods into a bare table takes, and how long searches take while a list comes in.
A table or feed that is much longer, of which nothing but stock is read, shows whether memory grows with the length.

Makes a database of its own beside that of TEST_DATABASE_URL (or DATABASE_URL) and drops it afterwards. The import of
each list runs in a process of its own, as in a worker; its memory is what it takes at most beyond the program itself,
which the children of a worker share with it.
"""

import csv
import gzip
import io
import json
import math
import multiprocessing
import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
from flask_migrate import upgrade
from sqlalchemy import make_url
from xlsxwriter import Workbook

from benchmarks.summary import note
from benchmarks.timing import machine, percentile
from shop import create_app
from shop.auth.models import SUPPLIER, Company
from shop.catalog.search.filters import OfferFilter
from shop.catalog.search.pages import search_offers
from shop.config import Settings
from shop.database import session, transaction
from shop.price_lists.arriving.receipt import receive_price_list
from shop.price_lists.imports import pipeline
from shop.price_lists.models import PriceList

STEPS = ("_check", "_settle", "_refresh_statistics")
READS = "reads"
MOST_UNPACKED = 50 * 2**20
LONGER = {"csv": 4, "xlsx": 2, "yml": 4}  # as far as they may be unpacked
Good = dict[str, Any]


def main(*, goods: int, only: Sequence[str] = ()) -> None:
    with _database() as url:
        print(machine(_plain(url)))
        _in_a_process(_prepare, url)
        bare = _in_a_process(_copy, _plain(url), goods)
        print(f"bare COPY: {goods / bare:,.0f} goods/s")
        print(
            f"{'list':<28}{'goods/s':>9}{'of COPY':>9}{'total':>8}"
            + "".join(f"{step.strip('_'):>20}" for step in STEPS)
            + "   peak"
        )
        for number, form in enumerate(FORMATS, start=1):
            if not only or form in only:
                _one_format(url, number, form, goods, bare)
        if not only or READS in only:
            _reads_meanwhile(url, len(FORMATS) + 1, goods)


def _one_format(url: str, supplier_id: int, form: str, goods: int, bare: float) -> None:
    for what, changed in (("new", 0), ("the same", 0), ("1 % changed", goods // 100)):
        price_list_id, mib = _in_a_process(_receive, url, supplier_id, form, goods, changed)
        times, peak = _in_a_process(_import, url, price_list_id)
        _print(f"{form} {mib:.0f} MiB, {what}", goods, bare, times, peak)
        work = f"import of {goods:,} from {form.upper()}, {what}"
        bar = {"new": 5_000, "1 % changed": 15_000}.get(what) if form == "yaml" else None
        note(work, goods / times["total"], unit=" offers/s", at_least=bar)
        note("… / COPY", bare / times["total"])
        if what == "new":
            note("… memory beyond the program's", peak, unit=" MiB", at_most=1024 if form == "yaml" else 150)
    if more := goods * LONGER.get(form, 0):
        price_list_id, mib = _in_a_process(_receive, url, supplier_id, form, more, 0, "stock_only")
        times, peak = _in_a_process(_import, url, price_list_id)
        _print(f"{form} {mib:.0f} MiB, stock only", more, bare * more / goods, times, peak)
        note(f"… memory, {more:,} goods of stock alone", peak, unit=" MiB", at_most=150)


def _print(label: str, goods: int, bare: float, times: dict[str, float], peak: float) -> None:
    steps = "".join(f"{times[step]:>19.1f}s" for step in STEPS)
    rate, ratio = goods / times["total"], bare / times["total"]
    print(f"{label:<28}{rate:>9,.0f}{ratio:>9.3f}{times['total']:>7.1f}s{steps}{peak:>5.0f} MiB", flush=True)


def _copy(plain: str, count: int) -> float:
    """Seconds for the least that a database can do with them."""
    goods = list(list_goods(count, 0))
    names = list(goods[0])
    with psycopg.connect(plain) as connection:
        connection.execute(f"CREATE TABLE bare ({', '.join(f'{name} text' for name in names)})")
        started = time.perf_counter()
        with connection.cursor().copy("COPY bare FROM STDIN") as copy:
            for good in goods:
                copy.write_row([_json(value) if isinstance(value, dict) else value for value in good.values()])
        connection.commit()
        seconds = time.perf_counter() - started
        connection.execute("DROP TABLE bare")
    return seconds


def _reads_meanwhile(url: str, supplier_id: int, goods: int) -> None:
    """Of one reader who looks at a page of hits 20 times a second, idle and while a list comes in."""
    first, _ = _in_a_process(_receive, url, supplier_id, "yaml", goods, 0)
    _in_a_process(_import, url, first)
    lists = {"new": (supplier_id + 1, 0), "1 % changed": (supplier_id, goods // 100)}
    received = {
        what: _in_a_process(_receive, url, whose, "yaml", goods, changed)[0] for what, (whose, changed) in lists.items()
    }
    context = multiprocessing.get_context("spawn")
    with context.Pool(1) as pool, context.Manager() as manager:
        pool.apply(_read, (url, 2.0, None))
        idle = pool.apply(_read, (url, 15.0, None))
        _print_reads("idle", idle)
        for what, price_list_id in received.items():
            over = manager.Event()
            reading = pool.apply_async(_read, (url, 3600.0, over))
            _in_a_process(_import, url, price_list_id)
            over.set()
            busy = reading.get()
            _print_reads(what, busy)
            work = f"search while {goods:,} come in, {what}: p99 / idle"
            note(work, percentile(busy, 99) / percentile(idle, 99), at_most=4)


def _print_reads(what: str, seconds: Sequence[float]) -> None:
    print(
        f"search, {what:<12} p50 {percentile(seconds, 50):>6.1f} ms   p99 {percentile(seconds, 99):>6.1f} ms",
        flush=True,
    )


def _read(url: str, longest: float, over: Any) -> list[float]:
    seconds = []
    began = time.perf_counter()
    with _app(url).app_context():
        while time.perf_counter() - began < longest and not (over and over.is_set()):
            started = time.perf_counter()
            with transaction():
                assert search_offers(OfferFilter(q=f"номер {len(seconds) % 500}")).items
            seconds.append(time.perf_counter() - started)
            time.sleep(0.05)
    return seconds


def list_goods(count: int, changed: int) -> Iterator[Good]:
    for number in range(count):
        price = f"{100 + number % 900 + (1 if number < changed else 0)}.50"
        yield {
            "id": f"{number:06d}",
            "sku": f"A-{number:06d}",
            "category": f"Категория {number % 50}",
            "model": f"model/{number}",
            "name": f"Товар для дома и сада номер {number}",
            "price": price,
            "quantity": number % 100,
            "parameters": {"Цвет": "чёрный", "Вес (кг)": number % 7, "Страна": "Россия", "Гарантия": True},
        }


def _yaml(goods: list[Good]) -> bytes:
    lines = ["shop: Скорость\ncategories:"]
    lines += [f"  - id: Категория {n}\n    name: Категория {n}" for n in range(50)] + ["goods:"]
    for good in goods:
        plain = [
            f"{name}: {json.dumps(value, ensure_ascii=False)}" for name, value in good.items() if name != "parameters"
        ]
        parameters = [
            f"  {json.dumps(name, ensure_ascii=False)}: {json.dumps(value, ensure_ascii=False)}"
            for name, value in good["parameters"].items()
        ]
        lines.append("  - " + "\n    ".join([*plain, "parameters:", *parameters]))
    return "\n".join(lines).encode()


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def _rows(goods: list[Good]) -> Iterator[list[Any]]:
    yield [*(name for name in goods[0] if name != "parameters"), *goods[0]["parameters"]]
    for good in goods:
        yield [*(value for name, value in good.items() if name != "parameters"), *good["parameters"].values()]


def _csv(goods: list[Good]) -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text, delimiter=";").writerows(_rows(goods))
    return text.getvalue().encode()


def _xlsx(goods: list[Good]) -> bytes:
    file = io.BytesIO()
    book = Workbook(file, {"constant_memory": True})
    sheet = book.add_worksheet()
    for number, row in enumerate(_rows(goods)):
        sheet.write_row(number, 0, row)
    book.close()
    return file.getvalue()


def _yml(goods: list[Good]) -> bytes:
    offers = "".join(
        f'<offer id="{good["id"]}"><name>{good["name"]}</name><price>{good["price"]}</price>'
        f"<count>{good['quantity']}</count><model>{good['model']}</model>"
        + "".join(f'<param name="{name}">{value}</param>' for name, value in good["parameters"].items())
        + "</offer>\n"
        for good in goods
    )
    return f"<yml_catalog><shop><name>Скорость</name><offers>{offers}</offers></shop></yml_catalog>".encode()


FORMATS: dict[str, Callable[[list[Good]], bytes]] = {"yaml": _yaml, "csv": _csv, "xlsx": _xlsx, "yml": _yml}


def _app(url: str) -> Any:
    settings = Settings(
        app_env="testing", database_url=url, redis_url="redis://127.0.0.1", secret_key="x" * 40, log_level="WARNING"
    )
    return create_app(settings)


def _prepare(url: str) -> None:
    app = _app(url)
    with app.app_context():
        upgrade()
        with transaction():
            for number in range(len(FORMATS) + 2):
                session().add(Company(kind=SUPPLIER, name=f"Поставщик {number}", status="active"))


def _receive(url: str, supplier_id: int, form: str, count: int, changed: int, mode: str = "full") -> tuple[int, float]:
    """The number of the list, and how many MiB its file has; packed where a file of that size would be refused."""
    raw = FORMATS[form](list(list_goods(count, changed)))
    with _app(url).app_context(), transaction():
        supplier = session().get_one(Company, supplier_id)
        sent = raw if len(raw) <= MOST_UNPACKED else gzip.compress(raw, 1)
        price_list = receive_price_list(supplier, file_name="bench", raw=sent, mode=mode, source="cli", by=None)
        return price_list.id, len(raw) / 2**20


def _import(url: str, price_list_id: int) -> tuple[dict[str, float], float]:
    """Seconds by step, and the most MiB beyond those of the program."""
    app = _app(url)
    program = _memory("VmRSS")
    times: dict[str, float] = dict.fromkeys(STEPS, 0.0)
    for step in STEPS:
        setattr(pipeline, step, _timed(getattr(pipeline, step), step, times))
    with app.app_context():
        started = time.perf_counter()
        pipeline.import_price_list(price_list_id, app.extensions["settings"])
        times["total"] = time.perf_counter() - started
        done = session().get_one(PriceList, price_list_id, populate_existing=True)
        assert done.state == "applied", (done.state, done.message)
    return times, _memory("VmHWM") - program


def _memory(name: str) -> float:
    """MiB, only on Linux. What `resource` tells begins with the peak of the process that has started this one."""
    try:
        lines = Path("/proc/self/status").read_text().splitlines()
    except OSError:
        return math.nan
    return next(int(line.split()[1]) for line in lines if line.startswith(name)) / 1024


def _timed(function: Callable[..., Any], step: str, times: dict[str, float]) -> Callable[..., Any]:
    def timed(*args: Any, **options: Any) -> Any:
        started = time.perf_counter()
        try:
            return function(*args, **options)
        finally:
            times[step] += time.perf_counter() - started

    return timed


def _plain(url: str) -> str:
    return make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)


def _in_a_process(work: Callable[..., Any], *args: Any) -> Any:
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(work, args)


@contextmanager
def _database() -> Iterator[str]:
    admin = make_url(os.environ.get("TEST_DATABASE_URL") or os.environ["DATABASE_URL"])
    name = f"shop_bench_{os.getpid()}"
    plain = _plain(admin.render_as_string(hide_password=False))
    options = "TEMPLATE template0 LOCALE_PROVIDER builtin BUILTIN_LOCALE 'PG_UNICODE_FAST' ENCODING 'UTF8'"
    with psycopg.connect(plain, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}" {options}')
        try:
            yield admin.set(database=name).render_as_string(hide_password=False)
        finally:
            connection.execute(f'DROP DATABASE "{name}"')
