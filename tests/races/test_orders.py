"""Races around orders: real threads, real transactions, and afterwards reserved = the sum of open lines."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from itertools import pairwise, repeat
from threading import Barrier
from time import sleep

import pytest
from flask import Flask
from sqlalchemy import func, select, text

from shop.auth.models import Company
from shop.catalog.models import Offer, StockLevel
from shop.catalog.stock import available_stock, lock_stock
from shop.database import session
from shop.errors import Refusal
from shop.orders.basket.additions import Wanted, add_lines
from shop.orders.basket.contents import basket_lines, change_line, empty_basket
from shop.orders.errors import BasketChanged, NotInBasket
from shop.orders.models import Invoice, Order, OrderEvent
from shop.orders.parts.confirmation import confirm_part
from shop.orders.parts.lifecycle import cancel_order, fulfill_order
from shop.orders.placing.placement import place_order
from shop.orders.queries import find_order
from shop.price_lists.arriving.receipt import receive_price_list
from shop.price_lists.imports.pipeline import import_price_list
from tests.factories.auth import bearer, make_company, make_contact, make_user
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

WAITING_FOR_LOCKS = text("""
SELECT count(*) FROM pg_locks JOIN pg_database ON pg_database.oid = database
WHERE NOT granted AND datname = current_database()
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
            first.wait(120)
        try:
            return action()
        except Refusal as refusal:
            return refusal

    with ThreadPoolExecutor(workers) as pool:
        return list(pool.map(run, enumerate(actions)))


def ordering(edge, buyer, contact, lines):
    def act() -> int:
        with edge() as current:
            wanted = lines and {offer_id: Decimal(quantity) for offer_id, quantity in lines.items()}
            return place_order(current.merge(buyer), contact=current.merge(contact), lines=wanted)

    return act


def until_served(app: Flask, body, headers):
    """What a client does: all connections in use (503) or a lock that lasts (409 Busy) mean asking again."""
    while True:
        answer = app.test_client().post("/api/v1/orders", json=body, headers=headers)
        if answer.status_code != 503 and answer.json.get("code") != "Busy":
            return answer


def test_two_hundred_clients_for_the_last_unit(app: Flask, edge) -> None:
    """All 200 at once, of 20 buyers; the stock is held until some of them stand before it."""
    offer = make_offer(on_hand=1)
    buyers = [make_user() for _ in range(20)]
    lines = [{"offer_id": offer.id, "quantity": 1}]
    bodies = [{"contact_id": make_contact(buyer).id, "lines": lines} for buyer in buyers]

    def asking(body, headers):
        def act() -> str:
            answer = until_served(app, body, headers)
            return str(answer.json.get("code", answer.status_code))

        return act

    actions = [asking(body, bearer(buyer)) for buyer, body in zip(buyers, bodies, strict=True)] * 10
    with edge():
        lock_stock([offer.id])
        pool = ThreadPoolExecutor(1)
        answers = pool.submit(together, actions, workers=200)
        waiting = (session().scalar(WAITING_FOR_LOCKS) for _ in repeat(None, 6_000) if sleep(0.02) is None)
        assert any(number >= 3 for number in waiting)
    assert Counter(answers.result(120)) == {"201": 1, "OutOfStock": 199}
    pool.shutdown()
    with edge():
        assert session().scalar(select(func.count(Order.id))) == 1
        level = session().get_one(StockLevel, offer.id)
        assert available_stock(level.on_hand, level.reserved, offer.unit) == 0


@pytest.mark.parametrize("by_basket", [True, False])
def test_the_same_goods_in_opposite_order_never_deadlock(edge, by_basket: bool) -> None:
    offers = [make_offer(on_hand=10_000).id for _ in range(6)]
    actions = []
    for goods in (offers, offers[::-1], offers[3:] + offers[:3]) * 4:
        buyer = make_user()
        if by_basket:
            with edge() as current:
                add_lines(current.merge(buyer), [Wanted(Decimal(1), offer_id=offer_id) for offer_id in goods])
        actions.append(ordering(edge, buyer, make_contact(buyer), None if by_basket else dict.fromkeys(goods, 1)))
    assert all(isinstance(result, int) for result in together(actions))
    with edge():
        assert set(session().scalars(select(StockLevel.reserved))) == {12}


def test_of_two_who_fill_one_basket_the_second_sees_what_the_first_put_in(edge) -> None:
    buyer = make_user()
    offers = [make_offer() for _ in range(3)]

    def fill(offer):
        with edge() as current:
            filled = add_lines(current.merge(buyer), [Wanted(Decimal(1), offer_id=offer.id)])
            return [line.offer.id for line in filled.lines]

    fill(offers[0])
    with ThreadPoolExecutor(1) as pool:
        with edge() as current:
            add_lines(current.merge(buyer), [Wanted(Decimal(1), offer_id=offers[1].id)])
            second = pool.submit(fill, offers[2])
            with pytest.raises(TimeoutError):
                second.result(0.3)  # it waits for the first
        assert sorted(second.result(5)) == [offer.id for offer in offers]


def test_whoever_fills_one_basket_at_once_sees_one_state_after_the_other(app: Flask, edge) -> None:
    """Every answer is the basket as just that request has left it."""
    buyer = make_user()
    headers = bearer(buyer)
    offers = [make_offer().id for _ in range(40)]

    def filling(offer_id: int):
        body = {"lines": [{"offer_id": offer_id, "quantity": 1}]}
        return lambda: app.test_client().post("/api/v1/basket/lines", json=body, headers=headers)

    answers = together([filling(offer_id) for offer_id in offers])
    assert {answer.status_code for answer in answers} == {200}
    shown = sorted(({line["offer_id"] for line in answer.json["lines"]} for answer in answers), key=len)
    assert [len(held) for held in shown] == list(range(1, 41))
    assert all(earlier < later for earlier, later in pairwise(shown))


def test_together_they_do_not_put_more_into_a_basket_than_it_holds(app: Flask, edge, monkeypatch) -> None:
    monkeypatch.setattr("shop.orders.basket.additions.MAX_LINES", 5)
    buyer = make_user()
    headers = bearer(buyer)

    def filling(offer_id: int):
        body = {"lines": [{"offer_id": offer_id, "quantity": 1}]}
        return lambda: app.test_client().post("/api/v1/basket/lines", json=body, headers=headers).json

    answers = together([filling(make_offer().id) for _ in range(12)])
    assert Counter(answer.get("code") for answer in answers) == {None: 5, "BasketFull": 7}
    with edge() as current:
        assert len(basket_lines(current.merge(buyer))) == 5


def test_what_is_put_in_while_orders_are_made_of_it_is_ordered_once_or_stays(app: Flask, edge) -> None:
    buyer = make_user()
    headers = bearer(buyer)
    contact_id = make_contact(buyer).id
    offers = [make_offer().id for _ in range(40)]

    def filling(offer_id: int):
        body = {"lines": [{"offer_id": offer_id, "quantity": 1}]}
        return lambda: app.test_client().post("/api/v1/basket/lines", json=body, headers=headers)

    def placing():
        return app.test_client().post("/api/v1/orders", json={"contact_id": contact_id}, headers=headers)

    answers = together([action for offer_id in offers for action in (filling(offer_id), placing)])
    assert {answer.status_code for answer in answers[::2]} == {200}
    assert {answer.json.get("code") for answer in answers[1::2]} <= {None, "BasketEmpty"}
    placed = [answer.json for answer in answers[1::2] if answer.status_code == 201]
    ordered = [line["offer_id"] for order in placed for part in order["parts"] for line in part["lines"]]
    with edge() as current:
        left = [line.offer.id for line in basket_lines(current.merge(buyer))]
    assert sorted(ordered + left) == offers
    assert placed


def test_a_basket_whose_order_waits_for_a_new_price_is_not_ordered_at_the_old_one(race, edge) -> None:
    buyer, offers = make_user(), [make_offer(price="10.00") for _ in range(3)]
    contact = make_contact(buyer)
    with edge() as current:
        add_lines(current.merge(buyer), [Wanted(Decimal(1), offer_id=offer.id) for offer in offers])

    def reprice() -> None:
        session().get_one(Offer, offers[1].id).price = Decimal(11)

    def place() -> None:
        place_order(session().merge(buyer), contact=session().merge(contact))

    refusal = race(reprice, place)
    assert isinstance(refusal, BasketChanged)
    assert [(line["offer_id"], line["price"]) for line in refusal.facts["lines"]] == [(offers[1].id, "11.00")]
    with edge() as current:
        assert len(basket_lines(current.merge(buyer))) == 3


def test_an_order_that_waits_for_the_basket_sees_all_that_happened_meanwhile(edge, wait_for_lock) -> None:
    buyer, supplier = make_user(), make_company("supplier", delivery_fee=Decimal(0))
    contact = make_contact(buyer)
    first, second = make_offer(supplier=supplier), make_offer(supplier=supplier)

    def fill(current, offer, quantity: int) -> None:
        add_lines(current.merge(buyer), [Wanted(Decimal(quantity), offer_id=offer.id)])

    with edge() as current:
        fill(current, first, 1)
    with ThreadPoolExecutor(1) as pool:
        with edge() as current:
            fill(current, first, 5)
            fill(current, second, 2)
            placed = pool.submit(ordering(edge, buyer, contact, None))
            wait_for_lock()
            with ThreadPoolExecutor(1) as manager:
                manager.submit(change_fee, edge, supplier, Decimal(99)).result(5)
        order_id = placed.result(5)
    with edge() as current:
        [part] = find_order(order_id, by=current.merge(buyer)).parts
        assert [line.quantity for line in part.lines] == [5, 2]
        assert part.delivery_fee == 99


def change_fee(edge, supplier, fee: Decimal) -> None:
    with edge() as current:
        current.get_one(Company, supplier.id).delivery_fee = fee


def test_emptying_a_basket_that_is_not_there_yet_comes_before_or_after_filling_it(app: Flask, edge) -> None:
    buyer, offer = make_user(), make_offer()
    body = {"lines": [{"offer_id": offer.id, "quantity": 1}]}
    with ThreadPoolExecutor(1) as pool:
        with edge() as current:
            empty_basket(current.merge(buyer))
            filled = pool.submit(
                lambda: app.test_client().post("/api/v1/basket/lines", json=body, headers=bearer(buyer))
            )
            with pytest.raises(TimeoutError):
                filled.result(0.3)  # it waits for the other
        assert [line["offer_id"] for line in filled.result(5).json["lines"]] == [offer.id]


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
            order_id = place_order(current.merge(buyer), contact=current.merge(contact))
            changed = pool.submit(change)
            with pytest.raises(TimeoutError):
                changed.result(0.3)  # it waits for the order
        with pytest.raises(NotInBasket):
            changed.result(5)
    with edge() as current:
        assert find_order(order_id, by=current.merge(buyer)).parts[0].lines[0].quantity == 2


def moving(edge, order, by, story):
    def act() -> str:
        with edge() as current:
            person = current.merge(by)
            story(order.id, by=person)
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
        answer = until_served(app, body, headers)
        return answer.status_code, answer.headers["Location"], answer.data

    answers = set(together([act] * 50, workers=50))
    assert [status for status, _, _ in answers] == [201]
    with edge():
        assert session().scalar(select(func.count(Order.id))) == 1


def test_one_key_for_two_different_orders_at_once_makes_one_of_them(app: Flask, edge) -> None:
    offer = make_offer(on_hand=1000)
    buyer = make_user()
    headers = bearer(buyer) | {"Idempotency-Key": "one of two"}
    contact_id = make_contact(buyer).id

    def ordering_of(quantity: int):
        body = {"contact_id": contact_id, "lines": [{"offer_id": offer.id, "quantity": quantity}]}
        return lambda: app.test_client().post("/api/v1/orders", json=body, headers=headers)

    answers = together([ordering_of(1 + number % 2) for number in range(20)])
    made = {answer.data for answer in answers if answer.status_code == 201}
    refused = {(answer.status_code, answer.json["code"]) for answer in answers if answer.status_code != 201}
    assert (len(made), refused) == (1, {(422, "IdempotencyKeyReused")})
    with edge():
        assert session().scalar(select(func.count(Order.id))) == 1


@pytest.mark.parametrize("attempt", range(5))
def test_of_confirming_and_canceling_the_same_version_one_wins(edge, attempt: int) -> None:
    offer = make_offer(on_hand=10)
    order = make_order({offer.id: 4})
    supplier = make_user("supplier", company=offer.supplier)

    def confirming() -> str:
        with edge() as current:
            by = current.merge(supplier)
            confirm_part(order.parts[0].id, by=by, version=1)
            return "confirmed"

    def canceling() -> str:
        with edge() as current:
            by = current.merge(order.user)
            cancel_order(order.id, by=by, version=1)
            return "canceled"

    results = together([confirming, canceling])
    [won] = [result for result in results if isinstance(result, str)]
    assert [result.code for result in results if result is not won] == ["Stale"]
    with edge():
        assert session().get_one(Order, order.id).state == won
        assert session().get_one(StockLevel, offer.id).reserved == (4 if won == "confirmed" else 0)
        assert session().scalar(select(func.count(Invoice.id))) == (1 if won == "confirmed" else 0)


def test_an_import_during_ordering_loses_no_reservation_and_changes_no_placed_line(app: Flask, edge) -> None:
    supplier = make_company("supplier")
    offers = [make_offer(supplier=supplier, on_hand=1000, price="10.00") for _ in range(6)]
    buyers = [make_user() for _ in range(4)]
    contacts = {buyer.id: make_contact(buyer).id for buyer in buyers}
    bodies = {
        buyer.id: {
            "contact_id": contacts[buyer.id],
            "lines": [{"offer_id": offer.id, "quantity": 1} for offer in offers],
        }
        for buyer in buyers
    }

    def importing(price: int):
        def act() -> None:
            rows = "".join(
                f'  - {{id: "{offer.external_id}", name: "{offer.name}", vat_rate: 22, price: {price},'
                f" quantity: {900 + price}}}\n"
                for offer in offers
            )
            with edge() as current:
                price_list = receive_price_list(
                    current.merge(supplier),
                    file_name="list.yaml",
                    raw=f"shop: X\ncategories: []\ngoods:\n{rows}".encode(),
                    mode="full",
                    source="cli",
                    by=None,
                )
                current.flush()
                price_list_id = price_list.id
            with app.app_context():
                import_price_list(price_list_id, app.extensions["settings"])

        return act

    def placing(buyer):
        return lambda: app.test_client().post("/api/v1/orders", json=bodies[buyer.id], headers=bearer(buyer)).json

    def importing_all() -> None:
        for price in (11, 12, 13):
            importing(price)()

    results = together([importing_all, *(placing(buyer) for _ in range(6) for buyer in buyers)], workers=5)
    placed = results[1:]
    shown = {order["id"]: [line["price"] for line in order["parts"][0]["lines"]] for order in placed}
    assert len(shown) == 24
    for prices in shown.values():
        assert len(set(prices)) == 1  # the old list or a new one, never half of each
    with edge() as current:
        for buyer in buyers:
            orders = current.scalars(select(Order).filter_by(user_id=buyer.id)).all()
            for order in orders:
                now_there = [f"{line.price:.2f}" for line in order.parts[0].lines]
                assert now_there == shown[order.id]
        levels = current.scalars(select(StockLevel)).all()
        assert {(level.on_hand, level.reserved) for level in levels} == {(913, 24)}


def test_numbers_have_no_gaps_whoever_confirms_first(edge) -> None:
    supplier = make_offer().supplier
    orders = [make_order({make_offer(supplier=supplier).id: 1}) for _ in range(12)]
    manager = make_user("manager")
    together([moving(edge, order, manager, fulfill_order) for order in orders])
    with edge():
        assert sorted(session().scalars(select(Invoice.sequence))) == list(range(1, 13))
