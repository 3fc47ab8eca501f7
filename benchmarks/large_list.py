"""A list of 200,000 goods through the real processes: applied, then with other prices for all, then rolled back.

    python -m benchmarks.large_list [--goods N]

The worker has done small lists before, as one of a shop has that runs for a while. Meanwhile somebody searches five
times a second however long the answers take (an open loop: what waits behind a slow answer counts as slow), and mails
about passwords are wanted, whose way to the mail server is timed.
"""

import argparse
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

from rich.table import Table
from sqlalchemy import select, text

from benchmarks.catalog import fill
from benchmarks.import_price_list import FORMATS, list_goods
from benchmarks.product import Client, Product, running
from benchmarks.summary import note
from benchmarks.timing import machine, percentile, terminal
from dev.run import read_procfile
from shop.auth.events import PasswordResetRequested
from shop.auth.models import Company, User
from shop.database import session, transaction
from shop.mail.models import MailMessage
from shop.outbox.events import publish
from shop.price_lists.arriving.receipt import receive_price_list
from shop.price_lists.imports.rollback import roll_back
from shop.price_lists.models import APPLIED, FAILED, HELD, PriceList

GOODS, OTHERS, SMALL = 200_000, 20_000, 3
ROUNDS = 15  # of two children of a worker each does more than the five after which plans are kept
IDLE_SECONDS = 20.0
SEARCHES_PER_SECOND, SEARCHERS = 5, 32
SECONDS_BETWEEN_MAILS = 2.0
MOST_SECONDS, MOST_TIMES_IDLE, MOST_MS, MOST_MAIL_SECONDS = 180, 2, 300.0, 30
WITHIN = 1800.0

PEOPLE = """
INSERT INTO companies (kind, name, status)
VALUES ('supplier', 'ООО Большой', 'active'), ('supplier', 'ООО Малый', 'active'), ('buyer', 'ООО Сеть', 'active');
INSERT INTO users (email, email_confirmed_at, role, company_id, first_name, last_name)
SELECT 'buyer' || n || '@bench.example', now(), 'buyer', id, 'Анна', 'Петрова'
FROM companies, generate_series(1, 1000) AS n WHERE name = 'ООО Сеть';
"""

console = terminal()


@dataclass
class Meanwhile:
    """What others met: seconds of each search, and of each mail from being wanted to being with the mail server."""

    searches: list[float] = field(default_factory=list)
    mails: list[float] = field(default_factory=list)


def main(arguments: list[str] | None = None, *, goods: int = GOODS) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--goods", type=int, default=goods)
    goods = parser.parse_args(arguments).goods
    processes = [name for name in read_procfile(Path(__file__).resolve().parents[1] / "Procfile") if name != "beat"]
    with running("sink", *processes) as product:
        console.print(machine(product.database))
        with console.status("Filling the catalog and doing small lists"):
            fill(product.app, 0, OTHERS)
            with product.app.app_context(), transaction():
                session().execute(text(PEOPLE))
            _do_small_lists(product)
        mailed = iter(range(1, 1001))
        with _others(product, mailed) as idle:
            time.sleep(IDLE_SECONDS)
        _report(goods, idle, dict(_large(product, goods, mailed)))


def _do_small_lists(product: Product) -> None:
    _wait_for(product, _receive(product, "ООО Малый", SMALL, is_dearer=False))
    for _ in range(ROUNDS):
        dearer = _receive(product, "ООО Малый", SMALL, is_dearer=True)
        _wait_for(product, dearer)
        _wait_for(product, _roll_back(product, dearer))


def _large(product: Product, goods: int, mailed: Iterator[int]) -> Iterator[tuple[str, tuple[float, Meanwhile]]]:
    """Seconds from the moment when the list is received to the one when it is applied."""
    changed = 0

    def change() -> int:
        nonlocal changed
        changed = _receive(product, "ООО Большой", goods, is_dearer=True)
        return changed

    steps: dict[str, Callable[[], int]] = {
        "applied": lambda: _receive(product, "ООО Большой", goods, is_dearer=False),
        "all prices changed": change,
        "rolled back": lambda: _roll_back(product, changed),
    }
    for what, step in steps.items():
        with _others(product, mailed) as met:
            price_list_id = step()
            started = time.perf_counter()
            _wait_for(product, price_list_id)
            seconds = time.perf_counter() - started
        yield what, (seconds, met)


def _receive(product: Product, supplier: str, goods: int, *, is_dearer: bool) -> int:
    raw = FORMATS["csv"](list(list_goods(goods, goods if is_dearer else 0)))
    with product.app.app_context(), transaction():
        company = session().scalars(select(Company).filter_by(name=supplier)).one()
        sent = {"file_name": "list.csv", "raw": raw, "mode": "full", "source": "cli", "by": None}
        return receive_price_list(company, **sent).id


def _roll_back(product: Product, price_list_id: int) -> int:
    with product.app.app_context(), transaction():
        by = session().get_one(User, 1)
        return roll_back(session().get_one(PriceList, price_list_id), by=by).id


def _wait_for(product: Product, price_list_id: int) -> None:
    state, deadline = "", time.monotonic() + WITHIN
    while time.monotonic() < deadline:
        with product.app.app_context(), transaction():
            state = session().scalars(select(PriceList.state).filter_by(id=price_list_id)).one()
        if state == APPLIED:
            return
        if state in (FAILED, HELD):
            break
        time.sleep(0.1)
    raise RuntimeError(f"The list {price_list_id} is {state}")


@contextmanager
def _others(product: Product, mailed: Iterator[int]) -> Iterator[Meanwhile]:
    """Searches and mails as long as the block lasts; what they met is complete when it has ended."""
    met, over = Meanwhile(), threading.Event()
    threads = [
        threading.Thread(target=_search, args=(product, over, met.searches)),
        threading.Thread(target=_want_mails, args=(product, over, mailed, met.mails)),
    ]
    for thread in threads:
        thread.start()
    try:
        yield met
    finally:
        over.set()
        for thread in threads:
            thread.join()


def _search(product: Product, over: threading.Event, seconds: list[float]) -> None:
    """Each at its moment, by somebody who has not been here before: the time counts from that moment."""

    def ask(number: int, moment: float) -> None:
        with closing(Client(product.port)) as client:
            client.get(f"/api/v1/catalog/offers?q={quote(f'серия {number % 200}')}", "")
        seconds.append(time.perf_counter() - moment)

    asked: list[Any] = []
    with ThreadPoolExecutor(SEARCHERS) as searchers:
        began = time.perf_counter()
        while not over.wait(max(0.0, began + len(asked) / SEARCHES_PER_SECOND - time.perf_counter())):
            moment = began + len(asked) / SEARCHES_PER_SECOND
            asked.append(searchers.submit(ask, len(asked), moment))
    for each in asked:
        each.result()


def _want_mails(product: Product, over: threading.Event, numbers: Iterator[int], seconds: list[float]) -> None:
    wanted: dict[str, float] = {}
    while not over.wait(SECONDS_BETWEEN_MAILS):
        email = f"buyer{next(numbers)}@bench.example"
        with product.app.app_context(), transaction():
            user_id = session().scalars(select(User.id).filter_by(email=email)).one()
            publish(PasswordResetRequested(user_id=user_id))
        wanted[email] = time.time()
    deadline = time.monotonic() + WITHIN
    sent: dict[str, float] = {}
    while len(sent) < len(wanted):
        if time.monotonic() > deadline:
            raise RuntimeError(f"{len(wanted) - len(sent)} mails were not sent")
        time.sleep(0.2)
        mails = select(MailMessage.recipient, MailMessage.sent_at).where(
            MailMessage.recipient.in_(list(wanted)), MailMessage.sent_at.is_not(None)
        )
        with product.app.app_context(), transaction():
            sent = {email: sent_at.timestamp() for email, sent_at in session().execute(mails)}
    seconds += [sent[email] - moment for email, moment in wanted.items()]


def _report(goods: int, idle: Meanwhile, found: dict[str, tuple[float, Meanwhile]]) -> None:
    table = Table("", "seconds", "search p50, ms", "search p99, ms", "mail p50, s", "slowest mail, s")
    table.add_row("idle", "", *_figures(idle))
    usual = percentile(idle.searches, 99)
    for what, (seconds, met) in found.items():
        table.add_row(f"{goods:,} goods {what}", f"{seconds:,.1f}", *_figures(met))
        note(f"{goods:,} goods {what}, by a worker that has done small lists", seconds, unit=" s", at_most=MOST_SECONDS)
        slowest = max(MOST_TIMES_IDLE * usual, MOST_MS)
        p99 = percentile(met.searches, 99)
        note(f"… 5 searches/s meanwhile: p99 (idle: {usual:,.0f} ms)", p99, unit=" ms", at_most=round(slowest))
        note("… slowest mail meanwhile", max(met.mails, default=0.0), unit=" s", at_most=MOST_MAIL_SECONDS)
    console.print(table)


def _figures(met: Meanwhile) -> tuple[str, ...]:
    mails = sorted(met.mails) or [0.0]
    searches = (f"{percentile(met.searches, percent):,.0f}" for percent in (50, 99))
    return (*searches, f"{mails[len(mails) // 2]:,.1f}", f"{mails[-1]:,.1f}")


if __name__ == "__main__":
    main()
