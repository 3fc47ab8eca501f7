"""Plays two months of a real wholesaler's orders through the API and reconciles every total with the file.

    python -m benchmarks.replay_orders [FILE] [--clients N] [--limit INVOICES]

Servers, web, relay and worker are real processes of their own. The price list is uploaded and imported as a supplier
does it; buyers and their tokens are made directly, since a log-in costs 150 ms of hashing by design. What is taken back
whole is canceled by the buyer; what is taken back in part is cut by the supplier, who confirms the rest.
"""

import argparse
import json
import sys
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

from rich.progress import Progress
from rich.table import Table
from sqlalchemy import text

from benchmarks.online_retail import CANCEL, PLACE, Plan, PlannedOrder, read_plan
from benchmarks.product import ROOT, WEB_WORKERS, Answer, Client, Product, running
from benchmarks.timing import machine, milliseconds, terminal
from shop.auth.models import ACTIVE, BUYER, SUPPLIER, Company, LegalEntity, User
from shop.auth.tokens import issue_token
from shop.companies.models import Contact
from shop.database import db, now, session, transaction

FILE = ROOT.parent / "shared/data/orders/uci_online_retail_2010-12_2011-01.csv.gz"
CLIENTS = 8
BASKET_EVERY = 3  # every third order goes through the basket, the others name their lines
REPEAT_EVERY = 10  # every tenth is sent twice with the same key
IMPORTED_WITHIN = 300.0

BASKET, ORDER, ORDER_BASKET, REPEAT = "fill the basket", "order of lines", "order of the basket", "the same key again"
CANCEL_ALL, CONFIRM_CUT = "buyer cancels", "supplier confirms less"

# Written here once more and not taken from the product: it must not be checked by its own words.
WRONG_RESERVATIONS = """
WITH open_lines AS (
    SELECT line.offer_id, sum(line.quantity) AS quantity
    FROM order_lines AS line
    JOIN supplier_orders AS part ON part.id = line.supplier_order_id
    WHERE part.state IN ('new', 'confirmed', 'assembled')
    GROUP BY line.offer_id
)
SELECT count(*), count(*) FILTER (WHERE stock.reserved <> coalesce(open_lines.quantity, 0)), sum(stock.reserved)
FROM stock_levels AS stock LEFT JOIN open_lines USING (offer_id)
"""
BEHIND = """
SELECT count(*) FILTER (WHERE handled_at IS NULL), count(*) FILTER (WHERE parked_at IS NOT NULL), count(*)
FROM outbox_events
"""

console = terminal()


@dataclass(frozen=True)
class Person:
    token: str
    contact_id: int = 0
    basket: threading.Lock = field(default_factory=threading.Lock)  # people have one basket each


@dataclass
class Replay:
    """What the clients share; each step is played once, in the order of the file."""

    plan: Plan
    product: Product
    supplier: Person
    buyers: dict[str, Person]
    offers: dict[str, int] = field(default_factory=dict)
    placed: dict[str, Future[Any]] = field(default_factory=dict)
    latencies: defaultdict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    refused: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    seconds: float = 0.0


def main(given: Sequence[str] | None = None) -> None:
    arguments = _arguments(given)
    plan = read_plan(arguments.file, limit=arguments.limit)
    _print_plan(plan)
    with running("web", "relay", "worker", "imports", "sink") as product:
        console.print(f"\n[dim]{machine(product.database)}[/dim]")
        replay = Replay(plan, product, *_make_people(product, plan))
        _import(replay)
        _play(replay, arguments.clients)
        _print_speed(replay, arguments.clients)
        is_right = _reconcile(replay)
    if not is_right:
        sys.exit(1)


def _arguments(given: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.replay_orders", description=__doc__.partition("\n")[0])
    parser.add_argument("file", nargs="?", type=Path, default=FILE, help="CSV, plain or gzip; default: %(default)s")
    parser.add_argument("--clients", type=int, default=CLIENTS, help="how many at once (default: %(default)s)")
    parser.add_argument("--limit", type=int, metavar="INVOICES", help="only so many invoices, from the beginning")
    arguments = parser.parse_args(given)
    if not arguments.file.exists():
        parser.error(f"{arguments.file} does not exist")
    return arguments


def _print_plan(plan: Plan) -> None:
    lines = sum(len(order.lines) for order in plan.orders.values())
    cut = sum(bool(order.canceled) for order in plan.orders.values())
    whole = sum(order.is_canceled for order in plan.orders.values())
    table = Table("rows of the file", "", title="What is played", title_justify="left", min_width=72)
    table.columns[1].justify = "right"
    table.add_row(
        f"taken: {len(plan.orders):,} orders of {lines:,} lines, {len(plan.prices):,} offers", _n(plan.rows_taken)
    )
    table.add_row(f"[dim]… of them merged: the same good twice in one order ({plan.rows_merged:,})[/dim]", "")
    table.add_row(
        f"taken: cancellations, of {whole:,} whole orders and parts of {cut - whole:,}", _n(plan.rows_canceling)
    )
    table.add_section()
    for reason, count in plan.left_out.most_common():
        table.add_row(f"left out: {reason}", _n(count))
    table.add_section()
    table.add_row("together", _n(plan.rows_taken + plan.rows_canceling + plan.left_out.total()), style="bold")
    console.print(table)
    if plan.rows_taken + plan.rows_canceling + plan.left_out.total() != plan.rows:
        raise RuntimeError(f"The file has {plan.rows} rows: some are neither taken nor left out.")


def _n(count: float) -> str:
    return f"{count:,}"


def _make_people(product: Product, plan: Plan) -> tuple[Person, dict[str, Person]]:
    """A supplier, and a buyer per customer number; those without a number buy at the counter of their country."""
    with product.app.app_context(), transaction():
        supplier = _make_user(SUPPLIER, "Online Retail", "supplier@replay.example")
        wanted = {_customer(order): order.country for order in plan.orders.values()}
        people = {key: _make_user(BUYER, f"Customer {key}", f"buyer{n}@replay.example") for n, key in enumerate(wanted)}
        session().flush()
        contacts = {key: _make_contact(user, wanted[key]) for key, user in people.items()}
        session().flush()
        buyers = {key: Person(_token(user), contacts[key].id) for key, user in people.items()}
        return Person(_token(supplier)), buyers


def _customer(order: PlannedOrder) -> str:
    return order.customer or f"of the counter, {order.country}"


def _make_user(role: str, company_name: str, email: str) -> User:
    company = Company(kind=role, name=company_name, status=ACTIVE)
    if role == SUPPLIER:
        company.legal_entities = [
            LegalEntity(
                full_name=company_name,
                short_name=company_name,
                inn="0000100012",
                kpp="000001001",
                ogrn="1027700132195",
                legal_address="London",
                default_vat_rate="22",
                document_prefix="OR",
            )
        ]
    user = User(
        role=role,
        email=email,
        company=company,
        first_name="Ann",
        last_name="Buyer",
        email_confirmed_at=now(),
        locale="en",
    )
    session().add(user)
    return user


def _make_contact(user: User, country: str) -> Contact:
    contact = Contact(
        company_id=user.company_id, name="Shop", city=country, street="High Street", house="1", phone="+442071234567"
    )
    session().add(contact)
    return contact


def _token(user: User) -> str:
    session().flush()
    return issue_token(user, expires_at=None)[1]


def _import(replay: Replay) -> None:
    """Uploads the list and waits for the worker, then finds the offers' ids as any client would."""
    client, token = replay.product.client(), replay.supplier.token
    content = _price_list(replay.plan)
    started = time.perf_counter()
    answer = client.upload("/api/v1/catalog/price-lists", token, file_name="list.yaml", content=content)
    if answer.status != 202:
        raise RuntimeError(f"The price list was refused: {answer.content.decode()}")
    while (done := client.get(answer.header("Location"), token))["state"] not in ("applied", "failed", "held"):
        if time.perf_counter() - started > IMPORTED_WITHIN:
            raise RuntimeError(f"The worker does not import the list: {done}")
        time.sleep(0.1)
    seconds = time.perf_counter() - started
    if done["state"] != "applied" or done["offers_new"] != len(replay.plan.prices):
        raise RuntimeError(f"The list was not imported whole: {done}")
    replay.offers = {offer["sku"]: offer["id"] for offer in client.pages("/api/v1/catalog/offers", token)}
    console.print(
        f"Price list uploaded and imported: {len(replay.offers):,} offers in {seconds:.1f} s; its stock is exactly"
        " what is ordered, so every reservation has to fit."
    )


def _price_list(plan: Plan) -> bytes:
    """JSON texts are YAML texts, too."""
    stock = plan.quantities
    goods = [
        f"  - id: {json.dumps(sku)}\n    sku: {json.dumps(sku)}\n    name: {json.dumps(plan.name_of(sku))}\n"
        f"    price: {price}\n    vat_rate: 22\n    quantity: {stock[sku]}\n"
        for sku, price in plan.prices.items()
    ]
    return f"shop: Online Retail\ngoods:\n{''.join(goods)}".encode()


def _play(replay: Replay, clients: int) -> None:
    """Steps are handed out one after another, so what an order's cancellation waits for is always under way."""
    replay.placed = {invoice: Future() for invoice in replay.plan.orders}
    with Progress(console=console, transient=True) as progress:
        task = progress.add_task("Playing", total=len(replay.plan.steps))
        steps, guard = iter(replay.plan.steps), threading.Lock()

        def next_step() -> tuple[str, str] | None:
            with guard:
                progress.advance(task)
                return next(steps, None)

        threads = [threading.Thread(target=_work, args=(replay, next_step), daemon=True) for _ in range(clients)]
        started = time.perf_counter()
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        replay.seconds = time.perf_counter() - started


def _work(replay: Replay, next_step: Callable[[], tuple[str, str] | None]) -> None:
    client = replay.product.client()
    while (step := next_step()) is not None:
        what, invoice = step
        order = replay.plan.orders[invoice]
        try:
            {PLACE: _place, CANCEL: _cancel}[what](replay, client, order)
        except Exception as error:  # one bad answer must not end the run: it is reported, and fails it
            replay.refused.append(f"{what} {invoice}: {error!r}")
            client = replay.product.client()
        finally:
            if not replay.placed[invoice].done():
                replay.placed[invoice].set_result(None)


def _place(replay: Replay, client: Client, order: PlannedOrder) -> None:
    buyer = replay.buyers[_customer(order)]
    lines = [{"offer_id": replay.offers[sku], "quantity": quantity} for sku, quantity in order.lines.items()]
    body = {"contact_id": buyer.contact_id, "client_reference": order.invoice}
    number = int(order.invoice)
    if number % BASKET_EVERY == 0:
        with buyer.basket:
            filling = client.send("POST", "/api/v1/basket/lines", token=buyer.token, body={"lines": lines})
            _accept(replay, BASKET, filling, 200)
            placing = _order(replay, client, buyer, body, ORDER_BASKET)
    else:
        body["lines"] = lines
        placing = _order(replay, client, buyer, body, ORDER)
    placed = placing.json
    replay.placed[order.invoice].set_result(placed)
    if Decimal(placed["total"]) != order.total:
        replay.wrong.append(f"order {order.invoice}: {placed['total']} was answered, the file says {order.total}")
    if number % REPEAT_EVERY == 0:
        again = _order(replay, client, buyer, body, REPEAT)
        if again.content != placing.content:
            replay.wrong.append(f"order {order.invoice}: another answer to the same key")


def _order(replay: Replay, client: Client, buyer: Person, body: dict[str, Any], what: str) -> Answer:
    """The invoice's number is the key: sent again, it must not become a second order."""
    answer = client.send(
        "POST", "/api/v1/orders", token=buyer.token, body=body, Idempotency_Key=f"invoice {body['client_reference']}"
    )
    return _accept(replay, what, answer, 201)


def _cancel(replay: Replay, client: Client, order: PlannedOrder) -> None:
    placed = replay.placed[order.invoice].result()
    if placed is None:
        raise RuntimeError("its order was refused")
    if order.is_canceled:
        buyer, path = replay.buyers[_customer(order)], f"/api/v1/orders/{placed['id']}/cancel"
        _accept(replay, CANCEL_ALL, client.send("POST", path, token=buyer.token, body={"reason": "Returned"}), 200)
        return
    [part] = placed["parts"]
    lines = [
        {"line_id": line["id"], "quantity": order.left_of(line["sku"]), "reason": "Returned"}
        for line in part["lines"]
        if order.canceled[line["sku"]]
    ]
    path, tag = f"/api/v1/supplier-orders/{part['id']}/confirm", f'"{placed["version"]}"'
    answer = client.send("POST", path, token=replay.supplier.token, body={"lines": lines}, If_Match=tag)
    _accept(replay, CONFIRM_CUT, answer, 200)


def _accept(replay: Replay, what: str, answer: Answer, expected: int) -> Answer:
    if answer.status != expected:
        raise RuntimeError(f"{what}: {answer.status} {answer.content[:300].decode(errors='replace')}")
    replay.latencies[what].append(answer.seconds)
    return answer


def _print_speed(replay: Replay, clients: int) -> None:
    orders = len(replay.latencies[ORDER]) + len(replay.latencies[ORDER_BASKET])
    lines = sum(len(order.lines) for order in replay.plan.orders.values())
    console.print(
        f"\n[bold]{orders / replay.seconds:,.1f} orders/s[/bold]"
        f" ({lines / replay.seconds:,.0f} lines/s): {orders:,} orders,"
        f" {lines / len(replay.plan.orders):.1f} lines each, in {replay.seconds:.1f} s by {clients} clients and"
        f" {WEB_WORKERS} web processes,"
        " relay, worker and mail server working meanwhile."
    )
    table = Table("request", "count", "p50 ms", "p95 ms", "p99 ms", "max ms")
    for column in table.columns[1:]:
        column.justify = "right"
    for what in (ORDER, BASKET, ORDER_BASKET, REPEAT, CANCEL_ALL, CONFIRM_CUT):
        if seconds := replay.latencies[what]:
            table.add_row(what, _n(len(seconds)), *milliseconds(seconds))
    console.print(table)


def _reconcile(replay: Replay) -> bool:
    """The shop's own lists, read back through the API, against the file; and the stock against the open lines."""
    checks = [*_check_answers(replay), *_check_totals(replay), *_check_stock(replay)]
    for is_right, sentence in checks:
        console.print(f"[green]✓[/green] {sentence}" if is_right else f"[red]✗ {sentence}[/red]")
    for problem in (replay.refused + replay.wrong)[:20]:
        console.print(f"  [red]{problem}[/red]")
    return all(is_right for is_right, _ in checks)


def _check_answers(replay: Replay) -> Iterator[tuple[bool, str]]:
    plan, repeated = replay.plan, len(replay.latencies[REPEAT])
    yield not replay.refused, f"{len(plan.steps):,} orders and cancellations played, {len(replay.refused):,} refused"
    yield not replay.wrong, f"{len(plan.orders):,} answers had the file's total, {repeated:,} repeats the same bytes"


def _check_totals(replay: Replay) -> Iterator[tuple[bool, str]]:
    plan, client = replay.plan, replay.product.client()
    found = list(client.pages("/api/v1/supplier-orders", replay.supplier.token))
    counts = Counter(part["client_reference"] for part in found)
    lost, doubled = plan.orders.keys() - counts.keys(), [invoice for invoice, count in counts.items() if count > 1]
    yield (
        not lost and not doubled and len(found) == len(plan.orders),
        (f"{len(found):,} orders read back, {len(lost)} lost, {len(doubled)} doubled"),
    )
    shown = {part["client_reference"]: _standing_total(part) for part in found}
    expected = {invoice: order.total - order.canceled_total for invoice, order in plan.orders.items()}
    wrong = [
        f"order {invoice}: {shown.get(invoice)}, file: {total}"
        for invoice, total in expected.items()
        if shown.get(invoice) != total
    ]
    replay.wrong += wrong
    yield (
        not wrong,
        f"{len(expected) - len(wrong):,} of {len(expected):,} totals are the file's to the penny",
    )
    is_equal = sum(shown.values()) == sum(expected.values())
    gross = sum(order.total for order in plan.orders.values())
    yield (
        is_equal,
        (
            f"Grand total {sum(shown.values()):,} = {sum(expected.values()):,} of the file ({gross:,} ordered,"
            f" {gross - sum(expected.values()):,} canceled)"
        ),
    )


def _standing_total(part: dict[str, Any]) -> Decimal:
    return Decimal(0) if part["state"] == "canceled" else Decimal(part["total"])


def _check_stock(replay: Replay) -> Iterator[tuple[bool, str]]:
    with replay.product.app.app_context(), db.engine.connect() as connection:
        offers, wrong, reserved = connection.execute(text(WRONG_RESERVATIONS)).one()
        waiting, parked, events = connection.execute(text(BEHIND)).one()
    planned = sum(order.left_of(sku) for order in replay.plan.orders.values() for sku in order.lines)
    yield not wrong, f"reserved = the sum of open lines for {offers - wrong:,} of {offers:,} offers"
    yield reserved == planned, f"{reserved.normalize():,f} pieces reserved, {planned:,} by the file"
    mails = sum(1 for _ in (replay.product.folder / "mail").glob("*.eml"))
    yield (
        not parked,
        f"{mails:,} mails sent meanwhile; {waiting:,} of {events:,} events still wait for the worker, {parked} parked",
    )


if __name__ == "__main__":
    main()
