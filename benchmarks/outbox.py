"""Events and invoices: what publishing costs, how fast one relay is, how many invoices one worker brings out.

    python -m benchmarks.outbox [--events N] [--old N] [--invoices N] [--backlog N]

Relay, worker, database, Valkey and a mail server are real. The relay is measured in this process, with an empty table
behind it and with a million handled events. A third of the invoices is made by hand, in one process; a third by the two
children of a worker that delivers no mails, for what the bar asks of one: number (given by confirming), PDF, mails
queued; a third by the Procfile's worker, which delivers them as well. What an order of three suppliers costs the
worker, all its mails delivered, is the CPU of a run with many orders above that of a run with few. At last a backlog
waits for a mail server that takes a tenth of a second for a message: how often was each event sent?
"""

import argparse
import asyncio
import resource
import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import ClassVar

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session
from rich.table import Table
from sqlalchemy import ColumnElement, func, select, text, update

from benchmarks.product import Product, running
from benchmarks.summary import note
from benchmarks.timing import machine, median_ms, terminal
from shop.auth.models import MANAGER, User
from shop.companies.models import Contact
from shop.database import db, now, session, transaction
from shop.mail.models import QUEUED, SENT, MailMessage
from shop.mail.queue import queue_mail
from shop.orders.events import PartConfirmed
from shop.orders.parts.lifecycle import fulfill_order
from shop.orders.placing.placement import place_order
from shop.orders.tasks import send_invoice
from shop.outbox.events import Event, publish
from shop.outbox.models import OutboxEvent
from shop.outbox.relay import relay_once

EVENTS, OLD, INVOICES = 5_000, 1_000_000, 300
PUBLISHED, LINES = 300, 3
MAILED_WITHIN = 180.0
FEW, MANY = 50, 250
BACKLOG, SECONDS_PER_MAIL, GONE_WITHIN = 2_500, 0.1, 1800.0
BARS = {"publishing": 1.0, "relay": 500.0, "invoices": 30.0, "order": 50.0, "backlog": 1.1}

PEOPLE = """
INSERT INTO companies (kind, name, status)
VALUES ('supplier', 'ООО Бакалея', 'active'), ('buyer', 'ООО Сеть', 'active');
INSERT INTO legal_entities (company_id, full_name, short_name, inn, legal_address, default_vat_rate, document_prefix)
SELECT id, name, name, '0000100012', 'г. Москва', '22', CASE kind WHEN 'supplier' THEN 'БА' END FROM companies;
INSERT INTO users (email, email_confirmed_at, role, company_id, first_name, last_name)
VALUES ('manager@bench.example', now(), 'manager', NULL, 'Анна', 'Петрова'),
    ('buyer@bench.example', now(), 'buyer', 2, 'Олег', 'Иванов');
INSERT INTO contacts (company_id, name, city, street, house, phone)
VALUES (2, 'Магазин 001', 'Москва', 'ул. Лесная', '5', '+74951234567');
INSERT INTO categories (name) VALUES ('Бакалея');
INSERT INTO products (name, category_id) SELECT 'Гречка отборная ' || n, 1 FROM generate_series(1, 100) AS n;
INSERT INTO offers (product_id, supplier_id, external_id, sku, name, category_id, price, vat_rate)
SELECT n, 1, n::text, 'SKU-' || n, 'Гречка отборная, пакет 800 г, сорт ' || n, 1, 89.9, '10'
FROM generate_series(1, 100) AS n;
INSERT INTO stock_levels (offer_id, kind, on_hand) SELECT id, 'exact', 1000000 FROM offers;
"""

TWO_MORE_SUPPLIERS = """
INSERT INTO companies (kind, name, status) VALUES ('supplier', 'ООО Чай', 'active'), ('supplier', 'ООО Кофе', 'active');
INSERT INTO users (email, email_confirmed_at, role, company_id, first_name, last_name)
SELECT 'supplier' || id || '@bench.example', now(), 'supplier', id, 'Ирина', 'Орлова'
FROM companies WHERE kind = 'supplier';
INSERT INTO offers (product_id, supplier_id, external_id, sku, name, category_id, price, vat_rate)
SELECT offer.product_id, company.id, offer.external_id, offer.sku, offer.name, offer.category_id, 99.9, '10'
FROM offers offer, companies company WHERE company.kind = 'supplier' AND company.id <> 1 ORDER BY company.id, offer.id;
INSERT INTO stock_levels (offer_id, kind, on_hand) SELECT id, 'exact', 1000000 FROM offers WHERE supplier_id <> 1;
"""

HANDLED_LONG_AGO = """
INSERT INTO outbox_events (type, payload, created_at, due_at, pending, sendings, handled_at)
SELECT 'mail.queued', jsonb_build_object('mail_id', n), now() - interval '2 days', now() - interval '2 days', '{{}}', 1,
    now() - interval '2 days'
FROM generate_series(1, {old}) AS n
"""

LAST_EVENT = select(func.max(OutboxEvent.id)).scalar_subquery()
LAST_MAIL = select(func.max(MailMessage.id)).scalar_subquery()

console = terminal()


@dataclass(frozen=True)
class Noted(Event):
    """An event of this benchmark alone, so that no worker takes its messages."""

    type: ClassVar[str] = "benchmark.noted"
    number: int


class SlowMailServer:
    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802 -- its name
        await asyncio.sleep(SECONDS_PER_MAIL)
        return "250 OK"


class Silent:
    """A subscriber whose messages go to a queue of the broker that nobody listens to."""

    name = "benchmark.silent"

    def __init__(self, product: Product) -> None:
        self.celery = product.app.extensions["celery"]

    def apply_async(self, arguments: tuple[int], **options: object) -> None:
        self.celery.send_task(self.name, arguments, queue="housekeeping", **options)


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=int, default=EVENTS)
    parser.add_argument("--old", type=int, default=OLD)
    parser.add_argument("--invoices", type=int, default=INVOICES)
    parser.add_argument("--backlog", type=int, default=BACKLOG)
    given = parser.parse_args(arguments)
    with running("sink") as product:
        console.print(machine(product.database))
        with product.app.app_context(), transaction():
            session().execute(text(PEOPLE))
        table = Table("what", "measured", "bar")
        for row in (*_publishing(product), *_relaying(product, given.events, given.old)):
            table.add_row(*row)
        for row in _invoicing(product, given.invoices):
            table.add_row(*row)
        table.add_row(*_ordering(product))
        table.add_row(*_waiting(product, given.backlog))
        console.print(table)


def _publishing(product: Product) -> Iterator[tuple[str, str, str]]:
    """The same small transaction without and with an event, in turns."""
    seconds: dict[bool, list[float]] = {False: [], True: []}
    for number in range(2 * PUBLISHED):
        with_event = bool(number % 2)
        with product.app.app_context():
            started = time.perf_counter()
            with transaction():
                session().execute(update(User).where(User.id == 1).values(first_name=f"Анна {number}"))
                if with_event:
                    publish(Noted(number=number))
            seconds[with_event].append(time.perf_counter() - started)
    added = median_ms(seconds[True]) - median_ms(seconds[False])
    note("publishing adds to a transaction", added, unit=" ms", at_most=BARS["publishing"])
    yield "publishing adds to a transaction", f"{added:.2f} ms", f"≤ {BARS['publishing']:.0f} ms"


def _relaying(product: Product, events: int, old: int) -> Iterator[tuple[str, str, str]]:
    for behind in (0, old):
        if behind:
            _add_handled(product, behind)
        what, rate = f"one relay, {behind:,} handled events behind it", _relayed_per_second(product, events)
        note(what, rate, unit=" events/s", at_least=BARS["relay"])
        yield f"{what}; events/s", f"{rate:,.0f}", f"≥ {BARS['relay']:.0f}"


def _add_handled(product: Product, events: int) -> None:
    with product.app.app_context():
        with transaction():
            session().execute(text(HANDLED_LONG_AGO.format(old=events)))
        with db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(text("VACUUM ANALYZE outbox_events"))


def _relayed_per_second(product: Product, events: int) -> float:
    celery, settings = product.app.extensions["celery"], product.app.extensions["settings"]
    subscribers = {Noted.type: [Silent(product)]}
    with product.app.app_context(), transaction():
        session().execute(update(OutboxEvent).where(OutboxEvent.handled_at.is_(None)).values(handled_at=now()))
        session().add_all(OutboxEvent(type=Noted.type, payload={"number": number}) for number in range(events))
    started, taken = time.perf_counter(), 0
    while taken < events:
        with product.app.app_context():
            taken += relay_once(celery, subscribers, settings)
    return taken / (time.perf_counter() - started)


def _invoicing(product: Product, invoices: int) -> Iterator[tuple[str, str, str]]:
    orders, third = [_place(product, number) for number in range(invoices)], invoices // 3
    _forget_events(product)
    rates = {name: 1 / statistics.median(seconds) for name, seconds in _by_hand(product, orders[:third]).items()}
    for name, rate in rates.items():
        yield name, f"{rate:,.0f}", ""
    together = 1 / sum(1 / rate for rate in rates.values())
    yield _invoices("one process: number, PDF, mails queued", together, BARS["invoices"])
    yield _invoices("one worker: PDF, mails queued", _by_worker(product, orders[third : 2 * third]), BARS["invoices"])
    rate = _by_worker(product, orders[2 * third :], delivers=True)
    yield _invoices("one worker: PDF, mails queued and delivered to two people", rate)


def _invoices(what: str, rate: float, bar: float | None = None) -> tuple[str, str, str]:
    note(what, rate, unit=" invoices/s", at_least=bar)
    return f"{what}; invoices/s", f"{rate:,.1f}", f"≥ {bar:.0f}" if bar else ""


def _by_worker(product: Product, orders: list[int], *, delivers: bool = False) -> float:
    """Invoices per second, from the first mail queued to the last one queued or sent."""
    product.app.extensions["celery"].control.purge()  # what the relay has sent before
    _forget_events(product)
    with product.app.app_context(), transaction():
        before = session().scalar(select(func.max(MailMessage.id))) or 0
    for order_id in orders:
        _confirm(product, order_id)
    product.start(["relay"])
    product.start(["worker"], queues="" if delivers else "orders")
    first, last = _mailed(product, MailMessage.id > before, 2 * len(orders), is_sent=delivers)
    for name in ("relay", "worker"):
        product.stop_gently(name)
    return (len(orders) - 1) / (last - first)


def _ordering(product: Product) -> tuple[str, str, str]:
    """Starting the worker and its first tasks, which compile statements and templates, cost both runs the same."""
    with product.app.app_context(), transaction():
        session().execute(text(TWO_MORE_SUPPLIERS))
    product.start(["relay"])
    few, many = (_cpu_of_worker(product, orders) for orders in (FEW, MANY))
    product.stop_gently("relay")
    what, cost = "an order of three suppliers, its five mails delivered: CPU of the worker", (many - few) / (MANY - FEW)
    note(what, 1000 * cost, unit=" ms", at_most=BARS["order"])
    return what, f"{1000 * cost:.0f} ms", f"≤ {BARS['order']:.0f} ms"


def _cpu_of_worker(product: Product, orders: int) -> float:
    """Seconds, of all its processes: they are waited for by the one that we wait for."""
    with product.app.app_context(), transaction():
        before = session().scalar(select(func.max(MailMessage.id))) or 0
    for number in range(orders):
        _place(product, number, suppliers=3)
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    product.start(["worker"])
    _mailed(product, MailMessage.id > before, 5 * orders, is_sent=True)
    product.stop_gently("worker")
    now_used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return now_used.ru_utime + now_used.ru_stime - used.ru_utime - used.ru_stime


def _waiting(product: Product, mails: int) -> tuple[str, str, str]:
    """Mails about an order, each with an event of its own, for a worker that needs minutes for them."""
    product.stop_gently("sink")
    order_id = _place(product, 0)
    _forget_events(product)
    with product.app.app_context(), transaction():
        for number in range(mails):
            to = f"to{number}@bench.example"
            queue_mail("order_placed", to=to, locale="ru", event_id=number, domain="bench", order_id=order_id)
        last_event, last_mail = session().execute(select(LAST_EVENT, LAST_MAIL)).one()
    server = Controller(SlowMailServer(), hostname="127.0.0.1", port=int(product.environment["SMTP_PORT"]))
    server.start()
    try:
        product.start(["relay", "worker"])
        _gone(product, MailMessage.id > last_mail - mails)
    finally:
        server.stop()
    for name in ("relay", "worker"):
        product.stop_gently(name)
    with product.app.app_context(), transaction():
        sendings = (
            session().scalar(select(func.sum(OutboxEvent.sendings)).where(OutboxEvent.id > last_event - mails)) or 0
        )
    what = f"messages per event: {mails:,} that a worker needs {SECONDS_PER_MAIL} s for, each"
    note(what, sendings / mails, at_most=BARS["backlog"])
    return what, f"{sendings / mails:.2f}", f"≤ {BARS['backlog']}"


def _gone(product: Product, which: ColumnElement[bool]) -> None:
    deadline = time.monotonic() + GONE_WITHIN
    while time.monotonic() < deadline:
        with product.app.app_context(), transaction():
            if not session().scalar(select(func.count()).where(which, MailMessage.state == QUEUED)):
                return
        time.sleep(1)
    raise RuntimeError(f"mails still wait after {GONE_WITHIN:.0f} s")


def _forget_events(product: Product) -> None:
    with product.app.app_context(), transaction():
        session().execute(update(OutboxEvent).where(OutboxEvent.handled_at.is_(None)).values(handled_at=now()))


def _by_hand(product: Product, orders: list[int]) -> dict[str, list[float]]:
    confirming, queuing = [], []
    for order_id in orders:
        confirming.append(_timed(lambda order_id=order_id: _confirm(product, order_id)))
        with product.app.app_context(), transaction():
            event = session().scalars(select(OutboxEvent).filter_by(type=PartConfirmed.type, pending=None)).one()
            event.pending = [send_invoice.name]
        queuing.append(_timed(lambda event_id=event.id: send_invoice(event_id)))
    return {
        "confirming an order: number and frozen data, per second": confirming,
        "making its PDF, queuing its two mails, per second": queuing,
    }


def _timed(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def _place(product: Product, number: int, *, suppliers: int = 1) -> int:
    with product.app.app_context(), transaction():
        buyer = session().scalars(select(User).filter_by(email="buyer@bench.example")).one()
        contact = session().scalars(select(Contact)).one()
        goods = [1 + (number * LINES + each) % 100 for each in range(LINES)]
        lines = {100 * supplier + good: Decimal(2) for supplier in range(suppliers) for good in goods}
        return place_order(buyer, contact=contact, lines=lines)


def _confirm(product: Product, order_id: int) -> None:
    with product.app.app_context(), transaction():
        manager = session().scalars(select(User).filter_by(role=MANAGER)).one()
        fulfill_order(order_id, by=manager)


def _mailed(product: Product, which: ColumnElement[bool], expected: int, *, is_sent: bool) -> tuple[float, float]:
    """When the first of so many mails was queued, and when the last was, or had been sent."""
    deadline = time.monotonic() + MAILED_WITHIN
    queued_at = MailMessage.created_at
    moments = select(func.count(), func.min(queued_at), func.max(MailMessage.sent_at if is_sent else queued_at))
    if is_sent:
        which &= MailMessage.state == SENT
    while time.monotonic() < deadline:
        with product.app.app_context(), transaction():
            count, first, last = session().execute(moments.where(which)).one()
        if count == expected:
            return first.timestamp(), last.timestamp()
        time.sleep(0.2)
    raise RuntimeError(f"{count} of {expected} mails came out within {MAILED_WITHIN:.0f} s")


if __name__ == "__main__":
    main()
