"""Importing 100,000 goods: new, unchanged and with 1 % changed, in every format; time by step and memory.

Beside it stands what COPY of the same goods into a bare table takes, and how long searches take while a list comes in.

Makes a database of its own beside that of TEST_DATABASE_URL (or DATABASE_URL) and drops it afterwards. The import of
each list runs in a process of its own, whose peak of memory is that of the import and the program.
"""

import csv
import io
import json
import multiprocessing
import os
import resource
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from flask_migrate import upgrade
from sqlalchemy import make_url
from xlsxwriter import Workbook

from benchmarks.summary import note
from benchmarks.timing import machine, percentile
from shop import create_app
from shop.auth.models import SUPPLIER, Company
from shop.catalog.filters import OfferFilter
from shop.catalog.price_lists import importing
from shop.catalog.price_lists.models import PriceList
from shop.catalog.price_lists.receiving import receive_price_list
from shop.catalog.search import search_offers
from shop.config import Settings
from shop.db import session, transaction

STEPS = ("_check", "_settle", "_refresh_statistics")
Good = dict[str, Any]


def main(*, goods: int) -> None:
    with _database() as url:
        print(machine(_plain(url)))
        _in_a_process(_prepare, url)
        bare = _copy(_plain(url), list(_goods(goods, 0)))
        print(f"bare COPY: {goods / bare:,.0f} goods/s")
        print(
            f"{'list':<28}{'goods/s':>9}{'of COPY':>9}{'total':>8}"
            + "".join(f"{step.strip('_'):>20}" for step in STEPS)
            + "   peak"
        )
        for number, (form, write) in enumerate(FORMATS.items(), start=1):
            for what, changed in (("new", 0), ("the same", 0), ("1 % changed", goods // 100)):
                raw = write(list(_goods(goods, changed)))
                times, peak = _in_a_process(_import, url, number, raw)
                steps = "".join(f"{times[step]:>19.1f}s" for step in STEPS)
                rate, ratio = goods / times["total"], bare / times["total"]
                _note(form, what, rate, ratio, peak)
                label = f"{form} {len(raw) / 2**20:.0f} MiB, {what}"
                print(
                    f"{label:<28}{rate:>9,.0f}{ratio:>9.3f}{times['total']:>7.1f}s{steps}{peak:>5.0f} MiB", flush=True
                )
        _reads_meanwhile(url, len(FORMATS) + 1, _yaml(list(_goods(goods, 0))))


def _note(form: str, what: str, rate: float, ratio: float, peak: float) -> None:
    work = f"import of 100,000 from {form.upper()}, {what}"
    bar = {"new": 5_000, "1 % changed": 15_000}.get(what) if form == "yaml" else None
    note(work, rate, unit=" offers/s", at_least=bar)
    note("… / COPY", ratio)
    if what == "new":
        note("… memory", peak, unit=" MiB", at_most=1024 if form == "yaml" else 150)


def _copy(plain: str, goods: list[Good]) -> float:
    """Seconds for the least that a database can do with them."""
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


def _reads_meanwhile(url: str, supplier_id: int, raw: bytes) -> None:
    """Of one reader who looks at a page of hits 20 times a second, idle and while a list of new goods comes in."""
    context = multiprocessing.get_context("spawn")
    with context.Pool(1) as pool, context.Manager() as manager:
        over = manager.Event()
        pool.apply(_read, (url, 2.0, None))
        idle = pool.apply(_read, (url, 10.0, None))
        reading = pool.apply_async(_read, (url, 3600.0, over))
        _in_a_process(_import, url, supplier_id, raw)
        over.set()
        busy = reading.get()
    for what, seconds in (("idle", idle), ("meanwhile", busy)):
        print(f"search, {what:<10} p50 {percentile(seconds, 50):>7.1f} ms   p99 {percentile(seconds, 99):>7.1f} ms")
    note("search meanwhile, p99 / idle", percentile(busy, 99) / percentile(idle, 99), at_most=4)
    print(f"p99 meanwhile is {percentile(busy, 99) / percentile(idle, 99):.1f} times that of idle")


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


def _goods(count: int, changed: int) -> Iterator[Good]:
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
            for number in range(len(FORMATS) + 1):
                session().add(Company(kind=SUPPLIER, name=f"Поставщик {number}", status="active"))


def _import(url: str, supplier_id: int, raw: bytes) -> tuple[dict[str, float], float]:
    app = _app(url)
    times: dict[str, float] = dict.fromkeys(STEPS, 0.0)
    for step in STEPS:
        setattr(importing, step, _timed(getattr(importing, step), step, times))
    with app.app_context():
        with transaction():
            supplier = session().get_one(Company, supplier_id)
            price_list_id = receive_price_list(supplier, file_name="bench", raw=raw, source="cli", by=None).id
        del raw
        started = time.perf_counter()
        importing.import_price_list(price_list_id, app.extensions["settings"])
        times["total"] = time.perf_counter() - started
        done = session().get_one(PriceList, price_list_id, populate_existing=True)
        assert done.state == "applied", (done.state, done.message)
    return times, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


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
