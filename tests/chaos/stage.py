"""The product on servers of its own that may be killed, people who order in spite of it, and what must hold after."""

import json
import os
import signal
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from itertools import count, islice
from random import Random
from typing import Any

from sqlalchemy import text

from benchmarks.product import Answer, Client, Product, running
from dev import embedded
from shop.database import db
from tests import factories
from tests.factories.auth import make_company, make_contact, make_user, token_of
from tests.factories.catalog import make_offer
from tests.journeys.product import Mailbox

PROCESSES = ("web", "worker", "imports", "beat", "relay")
SERVERS = ("postgres", "valkey")
SUPPLIERS, OFFERS = 3, 6
CLIENTS = 4
PATIENCE = 1200.0  # for what hangs: a busy machine may take its time
LAST_WORDS = 15

# Each finds what must not be; nothing found is what is hoped for.
FAULTS = {
    "confirmed parts without exactly one invoice": """
        SELECT part.id, count(invoice.id) FROM supplier_orders part
        LEFT JOIN invoices invoice ON invoice.supplier_order_id = part.id AND invoice.kind = 'invoice'
        WHERE part.state <> 'new' GROUP BY part.id HAVING count(invoice.id) <> 1""",
    "series of numbers with gaps": """
        SELECT left(number, -7), count(*), max(right(number, 6)::int) FROM invoices
        GROUP BY left(number, -7) HAVING count(*) <> max(right(number, 6)::int)""",
    "events not handled": "SELECT type, pending, last_error FROM outbox_events WHERE handled_at IS NULL",
    "offers whose reservation is not the sum of the open lines": """
        SELECT offer_id, reserved, open FROM stock_levels JOIN LATERAL (
            SELECT coalesce(sum(line.quantity), 0) AS open FROM order_lines line
            JOIN supplier_orders part ON part.id = line.supplier_order_id
            WHERE line.offer_id = stock_levels.offer_id AND part.state IN ('new', 'confirmed', 'assembled')
        ) AS lines ON true WHERE reserved <> open""",
    "changes of state without their line of history": """
        SELECT part.id, part.state FROM supplier_orders part WHERE NOT EXISTS (
            SELECT FROM order_events event
            WHERE event.supplier_order_id = part.id AND event.to_state = part.state)""",
}


@dataclass
class Stage:
    """`references` are the orders acknowledged with 201, by the buyer's own number, with their number and id."""

    product: Product
    mailbox: Mailbox
    buyers: list[tuple[str, int]]  # token and delivery point
    manager: str
    offers: list[int]
    references: dict[str, tuple[str, int]] = field(default_factory=dict)
    seconds: list[float] = field(default_factory=list)  # of each POST orders that was acknowledged at once
    kills: Counter[str] = field(default_factory=Counter)
    ended: Counter[str] = field(default_factory=Counter)  # by themselves, and started again
    settled_after: float | None = None  # seconds from the last order to the last mail
    is_over: threading.Event = field(default_factory=threading.Event)  # nobody orders any more
    _local: threading.local = field(default_factory=threading.local)
    _clients: list[Client] = field(default_factory=list)
    _numbers: Iterator[int] = field(default_factory=count)

    def place(self, orders: int) -> None:
        """Some at once; each goes on until its order is acknowledged and confirmed, whatever is killed meanwhile."""
        with ThreadPoolExecutor(CLIENTS) as clients:
            for done in [clients.submit(self._order, number) for number in islice(self._numbers, orders)]:
                done.result()

    def close(self) -> None:
        for client in self._clients:
            client.close()

    def kill(self, name: str) -> None:
        self.kills[name] += 1
        if name in SERVERS:
            os.kill(self.product.servers.pids()[name], signal.SIGKILL)
        else:
            self.product.kill(name)

    def revive(self, name: str) -> None:
        if name in SERVERS:
            embedded.start(self.product.folder / "servers", durable=True, wanted=[name])
        else:
            self.product.start([name])

    def settle(self) -> None:
        """Waits until nothing is under way any more: no event open, no mail queued. Meanwhile what ends is started
        again, as everybody's process manager does."""
        started = time.monotonic()
        deadline = started + PATIENCE
        while waiting := self._rows(
            "SELECT 'event', type, last_error FROM outbox_events WHERE handled_at IS NULL AND parked_at IS NULL"
            " UNION ALL SELECT 'mail', kind, last_error FROM mail_messages WHERE state = 'queued'"
        ):
            assert time.monotonic() < deadline, (
                f"after {PATIENCE:.0f} s still under way: {waiting[:10]}\n{self._last_words()}"
            )
            self._start_again_what_has_ended()
            time.sleep(0.3)
        self.settled_after = time.monotonic() - started

    def faults(self) -> dict[str, Any]:
        """What does not hold; empty is good."""
        found: dict[str, Any] = {name: self._rows(query) for name, query in FAULTS.items()}
        orders = {row.client_reference: row.number for row in self._rows("SELECT client_reference, number FROM orders")}
        acknowledged = {reference: number for reference, (number, _) in self.references.items()}
        found["orders lost, doubled or not acknowledged"] = sorted(orders.items() ^ acknowledged.items())
        found["orders in the table more than once"] = self._rows(
            "SELECT client_reference, count(*) FROM orders GROUP BY 1 HAVING count(*) > 1"
        )
        found["mails without their one Message-ID"] = self._mails_amiss()
        found["mails repeated more often than something was killed or ended"] = {
            id_: count
            for id_, count in self.deliveries().items()
            if count - 1 > self.kills.total() + self.ended.total()
        }
        return {name: faults for name, faults in found.items() if faults}

    def deliveries(self) -> Counter[str]:
        return Counter(message["Message-ID"] for message in self.mailbox.messages)

    def parked(self) -> set[tuple[str, str]]:
        """Recipients of mails given up, each with the reason."""
        mails = self._rows("SELECT recipient, last_error FROM mail_messages WHERE state = 'parked'")
        return {(mail.recipient, mail.last_error) for mail in mails}

    def _start_again_what_has_ended(self) -> None:
        """A worker that loses the broker with a message in hand may fall over Celery's own attempt to give it back."""
        for name, process in list(self.product.processes.items()):
            if process.poll() is not None:
                self.ended[name] += 1
                self.revive(name)

    def _last_words(self) -> str:
        """Of each process whether it runs, and what it logged last."""
        found = []
        for name, process in self.product.processes.items():
            lines = (self.product.folder / f"{name}.log").read_text("utf-8", errors="replace").splitlines()
            state = "runs" if process.poll() is None else f"ended with {process.returncode}"
            found += [f"== {name} {state}", *(line[:500] for line in lines[-LAST_WORDS:])]
        return "\n".join(found)

    def _mails_amiss(self) -> list[Any]:
        """Each invoice is one mail to the buyer and one to the administrator, and all that was sent has arrived."""
        sent = self._rows("SELECT message_id, recipient FROM mail_messages WHERE state = 'sent'")
        arrived = {(message["Message-ID"], message["To"]) for message in self.mailbox.messages}
        wrong: list[Any] = sorted({(row.message_id, row.recipient) for row in sent} ^ arrived)
        wrong += self._rows(
            "SELECT invoice.number, count(mail.id) FROM invoices invoice LEFT JOIN mail_messages mail"
            " ON mail.kind = 'invoice' AND (mail.context ->> 'invoice_id')::bigint = invoice.id"
            " WHERE invoice.kind = 'invoice' GROUP BY 1 HAVING count(mail.id) <> 2 OR count(DISTINCT recipient) <> 2"
        )
        return wrong

    def _order(self, number: int) -> None:
        if self.is_over.is_set():
            return
        random, reference = Random(number), f"PO-{number}"
        token, contact_id = self.buyers[number % len(self.buyers)]
        lines = [{"offer_id": id_, "quantity": random.randint(1, 3)} for id_ in random.sample(self.offers, 2)]
        body = {"contact_id": contact_id, "client_reference": reference, "lines": lines}
        placed = self._insist("POST", "/api/v1/orders", token, body, accept=(201,), Idempotency_Key=reference)
        self.references[reference] = (placed.json["number"], placed.json["id"])
        self.seconds.append(placed.seconds)
        self._fulfill(reference)

    def _fulfill(self, reference: str) -> None:
        _number, order_id = self.references[reference]
        path = f"/api/v1/orders/{order_id}"
        self._insist("POST", f"{path}/fulfill", self.manager, {}, accept=(200, 409))
        state = self._insist("GET", path, self.manager, None, accept=(200,)).json["state"]
        assert state == "confirmed", (reference, state)  # 409: an answer got lost, the move did not

    def _insist(
        self, method: str, path: str, token: str, body: Any, *, accept: tuple[int, ...], **headers: str
    ) -> Answer:
        """As a good client does: again after a lost connection or a 5xx, with the same key."""
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                answer = self._client.send(method, path, token=token, body=body, **headers)
                if answer.status in accept:
                    return answer
                again = answer.status >= 500 or (answer.status == 409 and answer.header("Retry-After"))
                assert again, (method, path, answer.status, answer.content)
            except (OSError, json.JSONDecodeError):
                self._client.close()  # the next request connects anew
            assert not self.is_over.is_set(), "stopped before its end"
            assert time.monotonic() < deadline, f"{method} {path} is not answered for {PATIENCE:.0f} s"
            time.sleep(0.1)

    @property
    def _client(self) -> Client:
        if not hasattr(self._local, "client"):
            self._local.client = self.product.client()
            self._clients.append(self._local.client)
        client: Client = self._local.client
        return client

    def _rows(self, query: str) -> list[Any]:
        with self.product.app.app_context(), db.engine.connect() as connection:
            return list(connection.execute(text(query)))


@contextmanager
def set_stage(*names: str) -> Iterator[Stage]:
    """The processes named are running; a mail server of ours takes what they send."""
    with running(OUTBOX_RESEND_SECONDS="2", SMTP_TIMEOUT_SECONDS="3") as product:
        mailbox = Mailbox(int(product.environment["SMTP_PORT"]))
        try:
            stage = _people(product, mailbox)
            product.start(names)
            with closing(stage):
                yield stage
        finally:
            product.stop()
            mailbox.stop()


def _people(product: Product, mailbox: Mailbox) -> Stage:
    others, factories.app = factories.app, product.app
    try:
        suppliers = [make_company("supplier") for _ in range(SUPPLIERS)]
        for supplier in suppliers:
            make_user("supplier", company=supplier)
        offers = [make_offer(supplier=supplier, on_hand=100_000).id for supplier in suppliers for _ in range(OFFERS)]
        buyers = [make_user() for _ in range(CLIENTS)]
        points = [(token_of(buyer), make_contact(buyer).id) for buyer in buyers]
        return Stage(product, mailbox, points, token_of(make_user("manager")), offers)
    finally:
        factories.app = others
