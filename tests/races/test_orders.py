"""Races around orders: real threads, real transactions, and afterwards reserved = the sum of open lines."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from threading import Barrier

import pytest
from flask import Flask
from sqlalchemy import func, select, text

from shop.catalog.models import StockLevel
from shop.db import session
from shop.errors import Refusal
from shop.orders.basket import Wanted, add_lines, change_line
from shop.orders.lifecycle import cancel_order, fulfill_order
from shop.orders.models import Invoice, Order, OrderEvent
from shop.orders.placement import place_order
from shop.orders.queries import find_order
from shop.orders.refusals import NotInBasket
from tests.factories.auth import bearer, make_contact, make_user
from tests.factories.catalog import make_offer
from tests.factories.orders import make_order

WRONGLY_RESERVED = text("""
SELECT stock_levels.offer_id, reserved, coalesce(open.quantity, 0) AS open
FROM stock_levels
LEFT JOIN (
    SELECT offer_id, sum(quantity) AS quantity
    FROM order_lines JOIN supplier_orders ON supplier_orders.id = supplier_order_id
    WHERE state IN ('new', 'confirmed', 'assembled')
    GROUP BY offer_id
) AS open USING (offer_id)
WHERE reserved <> coalesce(open.quantity, 0)
""")


@pytest.fixture(autouse=True)
def _reserved_is_the_sum_of_open_lines(edge):
    yield
    with edge():
        assert session().execute(WRONGLY_RESERVED).all() == []


def together(actions, workers: int = 8) -> list[object]:
    """Runs the actions, the first `workers` of them at the same moment; their results, refusals among them."""
    first = Barrier(min(workers, len(actions)))

    def run(numbered) -> object:
        number, action = numbered
        if number < first.parties:
            first.wait(10)
        try:
            return action()
        except Refusal as refusal:
            return refusal

    with ThreadPoolExecutor(workers) as pool:
        return list(pool.map(run, enumerate(actions)))


def ordering(edge, buyer, contact, lines):
    def act() -> int:
        with edge() as current:
            wanted = {offer_id: Decimal(quantity) for offer_id, quantity in lines.items()}
            return place_order(current.merge(buyer), contact=current.merge(contact), lines=wanted).id

    return act


def test_two_hundred_clients_for_the_last_unit(app: Flask, edge) -> None:
    offer = make_offer(on_hand=1)
    buyer = make_user()
    headers = bearer(buyer)
    body = {"contact_id": make_contact(buyer).id, "lines": [{"offer_id": offer.id, "quantity": 1}]}

    def act() -> str:
        answer = app.test_client().post("/api/v1/orders", json=body, headers=headers)
        return str(answer.json.get("code", answer.status_code))

    assert Counter(together([act] * 200)) == {"201": 1, "OutOfStock": 199}
    with edge():
        assert session().scalar(select(func.count(Order.id))) == 1
        assert session().get_one(StockLevel, offer.id).available == 0


def test_baskets_of_the_same_goods_in_opposite_order_never_deadlock(edge) -> None:
    offers = [make_offer(on_hand=10_000).id for _ in range(6)]
    buyers = [make_user() for _ in range(4)]
    actions = [
        ordering(edge, buyer, make_contact(buyer), dict.fromkeys(goods, 1))
        for buyer in buyers
        for goods in (offers, offers[::-1], offers[3:] + offers[:3])
    ]
    assert all(isinstance(result, int) for result in together(actions))


def test_a_change_that_meets_an_order_is_not_answered_with_yes_and_lost(edge) -> None:
    buyer, offer = make_user(), make_offer()
    contact = make_contact(buyer)
    with edge() as current:
        add_lines(current.merge(buyer), [Wanted(Decimal(2), offer_id=offer.id)])

    def change() -> None:
        with edge() as current:
            change_line(current.merge(buyer), offer.id, quantity=Decimal(5))

    with ThreadPoolExecutor(1) as pool:
        with edge() as current:
            order = place_order(current.merge(buyer), contact=current.merge(contact))
            changed = pool.submit(change)
            with pytest.raises(TimeoutError):
                changed.result(0.3)  # it waits for the order
        with pytest.raises(NotInBasket):
            changed.result(5)
    assert order.parts[0].lines[0].quantity == 2


def moving(edge, order, by, story):
    def act() -> str:
        with edge() as current:
            person = current.merge(by)
            story(find_order(order.id, by=person), by=person)
            return "moved"

    return act


def test_two_managers_at_once_make_one_move_one_event_one_invoice(edge) -> None:
    order = make_order()
    managers = [make_user("manager") for _ in range(4)]
    results = together([moving(edge, order, manager, fulfill_order) for manager in managers])
    assert Counter(str(getattr(result, "code", result)) for result in results) == {"moved": 1, "NothingToFulfill": 3}
    with edge():
        assert session().scalar(select(func.count(Invoice.id))) == 1
        assert session().scalar(select(func.count(OrderEvent.id)).filter_by(to_state="confirmed")) == 1


@pytest.mark.parametrize("attempt", range(5))
def test_confirming_against_canceling_leaves_stock_right(edge, attempt: int) -> None:
    offer = make_offer(on_hand=10)
    order = make_order({offer.id: 4})
    manager = make_user("manager")
    together([moving(edge, order, manager, fulfill_order), moving(edge, order, order.user, cancel_order)])
    with edge():
        final = session().get_one(Order, order.id)
        assert final.state == "canceled"  # a confirmed order is still canceled: who comes second acts on what is
        assert session().get_one(StockLevel, offer.id).reserved == 0
        invoices = session().scalars(select(Invoice)).all()
        assert all(invoice.annulled_at for invoice in invoices)


def test_canceling_many_times_at_once_releases_once(edge) -> None:
    offer = make_offer(on_hand=10)
    order = make_order({offer.id: 4})
    other = make_order({offer.id: 5})
    results = together([moving(edge, order, order.user, cancel_order)] * 6)
    assert Counter(str(getattr(result, "code", result)) for result in results) == {"moved": 1, "NothingToCancel": 5}
    with edge():
        assert session().get_one(StockLevel, offer.id).reserved == 5
    assert other.id


def test_fifty_requests_with_one_key_make_one_order(app: Flask, edge) -> None:
    offer = make_offer(on_hand=1000)
    buyer = make_user()
    headers = bearer(buyer) | {"Idempotency-Key": "fifty"}
    body = {"contact_id": make_contact(buyer).id, "lines": [{"offer_id": offer.id, "quantity": 1}]}

    def act():
        answer = app.test_client().post("/api/v1/orders", json=body, headers=headers)
        return answer.status_code, answer.data

    answers = set(together([act] * 50))
    assert len(answers) == 1
    with edge():
        assert session().scalar(select(func.count(Order.id))) == 1


def test_numbers_have_no_gaps_whoever_confirms_first(edge) -> None:
    supplier = make_offer().supplier
    orders = [make_order({make_offer(supplier=supplier).id: 1}) for _ in range(12)]
    manager = make_user("manager")
    together([moving(edge, order, manager, fulfill_order) for order in orders])
    with edge():
        assert sorted(session().scalars(select(Invoice.sequence))) == list(range(1, 13))
