"""Random days of trade, played by hypothesis: after every step all that must always be true is true."""

import os
from decimal import Decimal
from itertools import count
from typing import Any

import pytest
from flask import Flask
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test
from sqlalchemy import func, select, text

from shop.auth.models import SUPPLIER
from shop.catalog.models import StockLevel
from shop.database import session, transaction
from shop.errors import Refusal
from shop.orders.basket.additions import Wanted, add_lines
from shop.orders.models import OrderEvent, SupplierOrder
from shop.orders.parts.confirmation import confirm_part
from shop.orders.parts.lifecycle import cancel_order, move_part
from shop.orders.parts.receipt import receive_part
from shop.orders.parts.shipment import send_part
from shop.orders.parts.short_delivery import Cut
from shop.orders.placing.placement import place_order
from shop.orders.queries import OrderFilter, find_part, page_of_parts
from shop.price_lists.arriving.receipt import receive_price_list
from shop.price_lists.imports.pipeline import import_price_list
from shop.price_lists.models import PriceList
from tests import factories
from tests.factories.auth import make_company, make_contact, make_user
from tests.factories.catalog import make_offer
from tests.outbox_drain import Drain

# Each answers no rows while the rule holds.
ALWAYS = {
    "reserved is the sum of open lines": """
        SELECT stock_levels.offer_id FROM stock_levels LEFT JOIN (
            SELECT offer_id, sum(quantity) AS quantity FROM order_lines
            JOIN supplier_orders ON supplier_orders.id = supplier_order_id
            WHERE state IN ('new', 'confirmed', 'assembled') GROUP BY offer_id
        ) AS open USING (offer_id) WHERE reserved <> coalesce(open.quantity, 0)""",
    "each part that was confirmed has exactly one invoice": """
        SELECT supplier_orders.id FROM supplier_orders
        JOIN order_events ON order_events.supplier_order_id = supplier_orders.id AND to_state = 'confirmed'
        LEFT JOIN invoices ON invoices.supplier_order_id = supplier_orders.id AND kind = 'invoice'
        GROUP BY supplier_orders.id HAVING count(invoices.id) <> 1""",
    "numbers have no gaps": """
        SELECT legal_entity_id FROM invoices GROUP BY legal_entity_id, kind, year
        HAVING count(*) <> max(sequence)""",
    "every state has its event": """
        SELECT supplier_orders.id FROM supplier_orders WHERE state <> (
            SELECT to_state FROM order_events WHERE supplier_order_id = supplier_orders.id
            ORDER BY id DESC LIMIT 1)""",
    "sums are the sums of their lines": """
        SELECT supplier_orders.id FROM supplier_orders JOIN order_lines ON supplier_order_id = supplier_orders.id
        GROUP BY supplier_orders.id
        HAVING supplier_orders.subtotal <> sum(order_lines.total)
            OR supplier_orders.total <> sum(order_lines.total) + delivery_fee
            OR supplier_orders.vat_total <> sum(order_lines.vat) + delivery_vat""",
    "a line says what the catalog said when it was ordered": """
        SELECT order_lines.id FROM order_lines JOIN offer_revisions USING (offer_id, revision)
        WHERE order_lines.price <> offer_revisions.price OR order_lines.name <> offer_revisions.name""",
    "lines are price times quantity": """
        SELECT id FROM order_lines WHERE total <> round(price * quantity, 2) OR net + vat <> total""",
    "an order sums up its standing parts": """
        SELECT orders.id FROM orders JOIN supplier_orders ON order_id = orders.id
        GROUP BY orders.id
        HAVING orders.total <> coalesce(
            sum(supplier_orders.total) FILTER (WHERE supplier_orders.state <> 'canceled'), 0)""",
    "the last document says what its part says": """
        SELECT last.id
        FROM (SELECT DISTINCT ON (supplier_order_id) * FROM invoices ORDER BY supplier_order_id, id DESC) AS last
        JOIN supplier_orders ON supplier_orders.id = supplier_order_id
        WHERE last.total <> supplier_orders.total""",
    "an annulled invoice is that of a canceled part": """
        SELECT invoices.id FROM invoices JOIN supplier_orders ON supplier_orders.id = supplier_order_id
        WHERE (annulled_at IS NOT NULL) <> (state = 'canceled')""",
    "each confirmation is one event": """
        SELECT supplier_order_id FROM order_events WHERE to_state = 'confirmed' AND 1 <> (
            SELECT count(*) FROM outbox_events WHERE type = 'supplier_order.confirmed'
                AND payload ->> 'supplier_order_id' = supplier_order_id::text)""",
    "an invoice is mailed once to the customer and once to the administrator": """
        SELECT id FROM outbox_events
        WHERE type = 'supplier_order.confirmed' AND handled_at IS NOT NULL AND 2 <> (
            SELECT count(DISTINCT message_id) FROM mail_messages
            WHERE kind = 'invoice' AND dedupe_key LIKE outbox_events.id || ':%')""",
}
AVAILABLE = text("SELECT offer_id AS id, greatest(on_hand - reserved, 0) AS available FROM stock_levels")
CATALOG = text("""
SELECT offers.id, revision, name, price, is_listed, is_quarantined, kind, on_hand
FROM offers JOIN stock_levels ON offer_id = offers.id ORDER BY offers.id
""")
AGREED = text("""
SELECT order_id, offer_id, name, sku, unit, price, vat_rate, ordered_quantity
FROM order_lines JOIN supplier_orders ON supplier_orders.id = supplier_order_id ORDER BY order_lines.id
""")
USELESS_LISTS = (b"", b"\x00", b"goods: [", b"shop: X\ncategories: []\ngoods: []\n")

quantities = st.integers(1, 30)
picks = st.integers(0, 10**6)


class Trade(RuleBasedStateMachine):
    """Two suppliers, six goods, one buyer and one manager; refusals are part of the game.

    `agreed` are the lines of all orders as they were acknowledged.
    """

    app: Flask
    numbers = count(1)

    def __init__(self) -> None:
        super().__init__()
        self.suppliers = [make_company(SUPPLIER, delivery_fee=Decimal(50)) for _ in range(2)]
        self.offers = [make_offer(supplier=self.suppliers[n % 2], on_hand=40, price=f"{n + 1}.35") for n in range(6)]
        self.buyer, self.manager = make_user(), make_user("manager")
        self.contact = make_contact(self.buyer)
        self.people = [make_user(SUPPLIER, company=supplier) for supplier in self.suppliers]
        self.agreed = set(self.read(AGREED))  # the days before left theirs

    def act(self, story: Any) -> bool:
        """One edge, and whether it came through: what is refused is rolled back as a whole."""
        with factories.app.app_context():
            try:
                with transaction() as current:
                    story(current)
            except Refusal:
                return False
            return True

    def read(self, statement: Any) -> list[Any]:
        with factories.app.app_context(), transaction() as current:
            return list(current.execute(statement))

    def some_part(self, pick: int, by: Any) -> SupplierOrder | None:
        ids = list(session().scalars(text("SELECT id FROM supplier_orders ORDER BY id")))
        return find_part(ids[pick % len(ids)], by=by) if ids else None

    @rule(goods=st.dictionaries(st.integers(0, 5), quantities, min_size=1, max_size=4), by_basket=st.booleans())
    def place(self, goods: dict[int, int], by_basket: bool) -> None:
        wanted = {self.offers[n].id: Decimal(quantity) for n, quantity in goods.items()}

        def story(current: Any) -> None:
            buyer, contact = current.merge(self.buyer), current.merge(self.contact)
            if by_basket:
                add_lines(buyer, [Wanted(quantity, offer_id=offer_id) for offer_id, quantity in wanted.items()])
            place_order(buyer, contact=contact, lines=None if by_basket else wanted)

        there = {row.id: row.available for row in self.read(AVAILABLE)}
        if self.act(story):
            assert all(quantity <= there[offer_id] for offer_id, quantity in wanted.items())
            self.agreed |= set(self.read(AGREED))

    @rule(pick=picks, cut=st.integers(0, 30), reason=st.sampled_from(["", "мало"]))
    def confirm(self, pick: int, cut: int, reason: str) -> None:
        def story(current: Any) -> None:
            by = current.merge(self.manager)
            if part := self.some_part(pick, by):
                cuts = {part.lines[0].id: Cut(Decimal(cut), reason)} if cut < 20 else {}
                confirm_part(part.id, by=by, cuts=cuts)

        self.act(story)

    @rule(pick=picks, line=st.integers(0, 3), left=st.integers(0, 30))
    def send(self, pick: int, line: int, left: int) -> None:
        def story(current: Any) -> None:
            by = current.merge(self.manager)
            if part := self.some_part(pick, by):
                chosen = part.lines[line % len(part.lines)]
                send_part(part.id, by=by, cuts={chosen.id: Cut(Decimal(left), "мало")} if left < 20 else {})

        self.act(story)

    @rule(pick=picks, to=st.sampled_from(["assembled", "sent", "delivered", "refused", "canceled"]))
    def move(self, pick: int, to: str) -> None:
        def story(current: Any) -> None:
            by = current.merge(self.manager)
            if part := self.some_part(pick, by):
                move_part(part.id, to=to, by=by)

        self.act(story)

    @rule(pick=picks)
    def receive(self, pick: int) -> None:
        def story(current: Any) -> None:
            by = current.merge(self.buyer)
            if part := self.some_part(pick, by):
                receive_part(part.id, by=by)

        self.act(story)

    @rule(pick=picks)
    def cancel(self, pick: int) -> None:
        def story(current: Any) -> None:
            by = current.merge(self.buyer)
            ids = list(session().scalars(text("SELECT id FROM orders ORDER BY id")))
            if ids:
                cancel_order(ids[pick % len(ids)], by=by)

        self.act(story)

    @rule(stock=st.integers(0, 60), which=st.integers(0, 1), percent=st.integers(95, 108))
    def import_list(self, stock: int, which: int, percent: int) -> None:
        """Prices move little, and nothing else does: a list that a guard holds would change nothing here."""
        supplier = self.suppliers[which]
        self.import_raw(supplier, self.list_of(supplier, stock, percent))

    @rule(which=st.integers(0, 1), raw=st.sampled_from(USELESS_LISTS))
    def import_useless_list(self, which: int, raw: bytes) -> None:
        """One that fails or is held leaves the catalog as it was."""
        before = self.read(CATALOG)
        self.import_raw(self.suppliers[which], raw)
        assert self.read(CATALOG) == before

    @rule()
    def let_the_worker_work(self) -> None:
        """It gets every event twice; only the sending of mails is left out."""
        Drain(factories.app, but={"mail.queued", "mails.queued"}, times=2)()

    def list_of(self, supplier: Any, stock: int, percent: int) -> bytes:
        goods = [offer for offer in self.offers if offer.supplier_id == supplier.id]
        rows = "\n".join(
            f'  - {{id: "{offer.external_id}", name: "{offer.name}", vat_rate: 22,'
            f" price: {offer.price * percent / 100:.2f}, quantity: {stock}}}"
            for offer in goods
        )
        return f"shop: {supplier.name}\ncategories: []\ngoods:\n{rows}\n".encode()

    def import_raw(self, supplier: Any, raw: bytes) -> None:
        received: list[PriceList] = []

        def receive(current: Any) -> None:
            company = current.merge(supplier)
            received.append(
                receive_price_list(company, file_name="list.yaml", raw=raw, mode="full", source="cli", by=None)
            )

        if self.act(receive):
            with factories.app.app_context():
                import_price_list(received[0].id, factories.app.extensions["settings"])

    @invariant()
    def all_that_must_always_be_true_is_true(self) -> None:
        with factories.app.app_context(), transaction():
            broken = {name: session().execute(text(sql)).all() for name, sql in ALWAYS.items()}
            assert not {name: rows for name, rows in broken.items() if rows}
            assert all(level.on_hand >= 0 for level in session().query(StockLevel))

    @invariant()
    def what_was_acknowledged_stands(self) -> None:
        """Not one order is lost, doubled or changed by what came later."""
        found = self.read(AGREED)
        assert set(found) == self.agreed
        assert len(found) == len(self.agreed)

    @invariant()
    def a_supplier_sees_its_own_parts_only(self) -> None:
        with factories.app.app_context(), transaction() as current:
            for person in self.people:
                seen = page_of_parts(current.merge(person), OrderFilter(), before_id=None, limit=1000)
                assert {row.supplier_id for row in seen} <= {person.company_id}
                assert len(seen) == session().query(SupplierOrder).filter_by(supplier_id=person.company_id).count()


def test_whatever_the_day_brings_the_numbers_are_right(app: Flask, edge) -> None:
    """The same days each time, of which some hold a cancellation; other and more of them in `make fuzz`."""
    run_state_machine_as_test(
        Trade,
        settings=settings(
            max_examples=int(os.environ.get("FUZZ_EXAMPLES", "12")),
            stateful_step_count=20,
            derandomize="FUZZ_EXAMPLES" not in os.environ,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
    with edge():  # the days were not idle: lists came through, and orders went all the way
        assert session().scalar(select(func.count(PriceList.id)).where(PriceList.offers_changed > 0))
        states = set(session().scalars(select(OrderEvent.to_state).distinct()))
        assert {"new", "confirmed", "canceled"} <= states
        assert session().scalar(select(func.count(PriceList.id)).where(PriceList.state.in_(["failed", "held"])))


def test_the_invariants_notice_a_wrong_number(app: Flask, edge) -> None:
    """The rules are not blind: a reservation that nobody holds is found."""
    machine = Trade()
    with edge():
        session().get_one(StockLevel, machine.offers[0].id).reserved = Decimal(1)
    with pytest.raises(AssertionError, match="reserved is the sum"):
        machine.all_that_must_always_be_true_is_true()
