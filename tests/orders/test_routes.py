"""Baskets and orders through HTTP, as their users see them."""

from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from urllib.parse import quote

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select, text

from shop.catalog.models import StockLevel
from shop.database import session
from shop.orders.models import Order
from tests.factories.auth import bearer, make_contact, make_user
from tests.factories.catalog import make_offer
from tests.factories.orders import make_order


@pytest.fixture
def buyer(app: Flask):
    return make_user()


@pytest.fixture
def headers(buyer):
    return bearer(buyer)


def add(client: FlaskClient, headers, *lines: tuple[int, object]):
    body = {"lines": [{"offer_id": offer_id, "quantity": quantity} for offer_id, quantity in lines]}
    return client.post("/api/v1/basket/lines", json=body, headers=headers)


def test_a_basket_is_filled_changed_and_emptied(client, headers) -> None:
    first, second = make_offer(price="78.40"), make_offer(price="0.4855")
    basket = add(client, headers, (first.id, 2), (second.id, 3)).json
    assert [(line["offer_id"], line["quantity"], line["price"]) for line in basket["lines"]] == [
        (first.id, 2, "78.40"),
        (second.id, 3, "0.4855"),
    ]
    assert basket["total"] == "158.26"
    changed = client.patch(f"/api/v1/basket/lines/{first.id}", json={"quantity": 1}, headers=headers).json
    assert changed["total"] == "79.86"
    assert client.delete(f"/api/v1/basket/lines/{second.id}", headers=headers).json["total"] == "78.40"
    assert client.delete("/api/v1/basket", headers=headers).status_code == 204
    assert client.get("/api/v1/basket", headers=headers).json["lines"] == []


def test_a_basket_says_what_changed_and_asks_for_it_to_be_acknowledged(client, headers, edge) -> None:
    offer = make_offer(price="10.00")
    add(client, headers, (offer.id, 1))
    with edge() as current:
        current.merge(offer).price = Decimal("12.00")
    basket = client.get("/api/v1/basket", headers=headers).json
    assert basket["is_changed"]
    assert (basket["lines"][0]["price_seen"], basket["lines"][0]["price"]) == ("10.00", "12.00")
    assert not client.post("/api/v1/basket/acknowledge", json={}, headers=headers).json["is_changed"]


def test_every_line_has_its_result(client, headers) -> None:
    good, withdrawn = make_offer(), make_offer(is_listed=False)
    stepped = make_offer(quantity_step=Decimal(12), minimum_quantity=Decimal(12))
    answer = add(client, headers, (good.id, 1), (withdrawn.id, 1), (999_999, 1), (stepped.id, 13))
    assert answer.status_code == 207
    results = [(result["status"], result["code"]) for result in answer.json["results"]]
    assert results == [
        ("added", None),
        ("refused", "OfferWithdrawn"),
        ("refused", "OfferUnknown"),
        ("refused", "QuantityNotMultiple"),
    ]
    assert (answer.json["results"][3]["facts"]["below"], answer.json["results"][3]["facts"]["above"]) == (12, 24)
    assert [line["offer_id"] for line in answer.json["lines"]] == [good.id]


def test_when_no_line_can_be_ordered_each_is_named(client, headers) -> None:
    stepped = make_offer(quantity_step=Decimal(12), minimum_quantity=Decimal(12))
    answer = add(client, headers, (999_999, 1), (stepped.id, 13))
    assert (answer.status_code, answer.json["code"]) == (422, "LinesRefused")
    assert [error["field"] for error in answer.json["errors"]] == ["lines.0.offer_id", "lines.1.quantity"]
    assert "12 or 24" in answer.json["errors"][1]["message"]


@pytest.fixture
def order_body(buyer):
    contact = make_contact(buyer)
    return {"contact_id": contact.id, "comment": "second floor", "client_reference": "PO-1"}


def test_an_order_is_placed_and_read_back(client, headers, order_body) -> None:
    offer = make_offer(price="110000.00", on_hand=14)
    add(client, headers, (offer.id, 1))
    placed = client.post("/api/v1/orders", json=order_body, headers=headers)
    assert placed.status_code == 201
    assert client.get(placed.headers["Location"], headers=headers).json == placed.json
    assert placed.json["parts"][0]["lines"][0]["total"] == "110000.00"
    assert placed.json["delivery_point"]["name"] == "Магазин 001"
    listed = client.get("/api/v1/orders?client_reference=PO-1", headers=headers).json
    assert [order["number"] for order in listed["items"]] == [placed.json["number"]]


def test_the_same_key_answers_the_same_and_orders_once(client, headers, order_body, edge) -> None:
    offer = make_offer()
    add(client, headers, (offer.id, 1))
    keyed = headers | {"Idempotency-Key": "the-morning-order"}
    first, again = (client.post("/api/v1/orders", json=order_body, headers=keyed) for _ in range(2))
    assert (first.status_code, again.status_code) == (201, 201)
    assert (first.data, first.headers["Location"]) == (again.data, again.headers["Location"])
    assert again.headers["Idempotency-Replayed"] == "true"
    other = client.post("/api/v1/orders", json=order_body | {"comment": "other"}, headers=keyed)
    assert (other.status_code, other.json["code"]) == (422, "IdempotencyKeyReused")
    with edge():
        assert session().scalar(select(func.count(Order.id))) == 1


def test_the_same_key_of_two_at_once_orders_once(app, client, headers, order_body, edge) -> None:
    offer = make_offer(on_hand=100)
    body = order_body | {"lines": [{"offer_id": offer.id, "quantity": 1}]}
    keyed = headers | {"Idempotency-Key": "twice at once"}
    with ThreadPoolExecutor(8) as pool:
        answers = list(
            pool.map(lambda _: app.test_client().post("/api/v1/orders", json=body, headers=keyed), range(16))
        )
    assert {(answer.status_code, answer.data) for answer in answers} == {(201, answers[0].data)}
    with edge():
        assert session().get_one(StockLevel, offer.id).reserved == 1


def test_a_refusal_frees_the_key(client, headers, order_body) -> None:
    keyed = headers | {"Idempotency-Key": "try again"}
    assert client.post("/api/v1/orders", json=order_body, headers=keyed).json["code"] == "BasketEmpty"
    add(client, headers, (make_offer().id, 1))
    assert client.post("/api/v1/orders", json=order_body, headers=keyed).status_code == 201


def test_another_users_equal_key_is_his_own(client, headers, order_body) -> None:
    offer = make_offer()
    other = make_user()
    bodies = [order_body, order_body | {"contact_id": make_contact(other).id}]
    answers = []
    for who, body in zip((headers, bearer(other)), bodies, strict=True):
        add(client, who, (offer.id, 1))
        answers.append(client.post("/api/v1/orders", json=body, headers=who | {"Idempotency-Key": "PO"}))
    assert answers[0].json["id"] != answers[1].json["id"]


def test_a_program_must_send_a_key_and_people_may_do_without(client, buyer, headers, order_body) -> None:
    add(client, headers, (make_offer().id, 1))
    body = {"name": "Order robot", "scopes": ["orders:write"], "expires_at": None}
    made = client.post("/api/v1/auth/api-keys", json=body, headers=headers)
    program = {"Authorization": f"Bearer {made.json['api_key']}"}
    refused = client.post("/api/v1/orders", json=order_body, headers=program)
    assert (refused.status_code, refused.json["code"]) == (422, "IdempotencyKeyNeeded")
    assert refused.json["errors"][0]["location"] == "headers"
    placed = client.post("/api/v1/orders", json=order_body, headers=program | {"Idempotency-Key": "1"})
    assert placed.status_code == 201


def test_a_delivery_day_is_today_or_later(client, headers, order_body) -> None:
    add(client, headers, (make_offer().id, 1))
    past = client.post("/api/v1/orders", json=order_body | {"requested_delivery_on": "2020-02-29"}, headers=headers)
    assert (past.status_code, past.json["code"]) == (422, "DeliveryDayPassed")
    placed = client.post("/api/v1/orders", json=order_body | {"requested_delivery_on": "2099-02-28"}, headers=headers)
    assert placed.json["requested_delivery_on"] == "2099-02-28"


@pytest.mark.parametrize("key", ["", "x" * 300, "ключ".encode().decode("latin-1")])
def test_a_key_that_cannot_be_one_is_refused(client, headers, order_body, key: str) -> None:
    answer = client.post("/api/v1/orders", json=order_body, headers=headers | {"Idempotency-Key": key})
    assert (answer.status_code, answer.json["code"]) == (422, "IdempotencyKeyInvalid")


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"contact_id": "1"}, "contact_id"),
        ({"contact_id": None}, "contact_id"),
        ({"contact_id": 2**70}, "contact_id"),
        ({"comment": 5}, "comment"),
        ({"comment": "\x00"}, "comment"),
        ({"client_reference": "x" * 101}, "client_reference"),
        ({"lines": []}, "lines"),
        ({"lines": [{"offer_id": 1}]}, "lines.0.quantity"),
        ({"lines": [{"offer_id": 1, "quantity": 0}]}, "lines.0.quantity"),
        ({"lines": [{"offer_id": 1, "quantity": -1}]}, "lines.0.quantity"),
        ({"lines": [{"offer_id": 1, "quantity": 10**12}]}, "lines.0.quantity"),
        ({"lines": [{"offer_id": 1, "quantity": "2"}]}, "lines.0.quantity"),
        ({"lines": [{"offer_id": 1, "quantity": 0.0001}]}, "lines.0.quantity"),
        ({"lines": [{"offer_id": 1, "quantity": True}]}, "lines.0.quantity"),
        ({"lines": [{"offer_id": 1, "quantity": 1}, {"offer_id": 1, "quantity": 2}]}, "lines.1.offer_id"),
        ({"requested_delivery_on": "tomorrow"}, "requested_delivery_on"),
        ({"requested_delivery_on": "9999-12-31"}, "requested_delivery_on"),
        ({"state": "confirmed"}, "state"),
    ],
)
def test_bad_input_is_named_by_field(client, headers, order_body, change, field: str) -> None:
    answer = client.post("/api/v1/orders", json=order_body | change, headers=headers)
    assert (answer.status_code, answer.content_type) == (422, "application/problem+json")
    assert [error["field"] for error in answer.json["errors"]] == [field]


@pytest.mark.parametrize("body", [b"{", b"[" * 100_000, b"\xff", b'{"contact_id": NaN}'])
def test_what_is_not_json_is_refused(client, headers, body: bytes) -> None:
    answer = client.post("/api/v1/orders", data=body, headers=headers | {"Content-Type": "application/json"})
    assert (answer.status_code, answer.json["code"]) == (400, "MalformedRequest")


def test_a_foreign_contact_looks_like_an_unknown_one(client, headers, order_body) -> None:
    foreign = make_contact(make_user())
    answers = [
        client.post("/api/v1/orders", json=order_body | {"contact_id": contact_id}, headers=headers)
        for contact_id in (foreign.id, 999_999)
    ]
    assert [answer.status_code for answer in answers] == [404, 404]
    assert answers[0].json["detail"] == answers[1].json["detail"]


def test_a_contact_deleted_meanwhile_is_refused_and_nothing_is_lost(client, headers, order_body) -> None:
    add(client, headers, (make_offer().id, 1))
    client.delete(f"/api/v1/auth/contacts/{order_body['contact_id']}", headers=headers)
    answer = client.post("/api/v1/orders", json=order_body, headers=headers)
    assert (answer.status_code, answer.json["code"]) == (404, "ContactNotFound")
    assert len(client.get("/api/v1/basket", headers=headers).json["lines"]) == 1


@pytest.mark.parametrize(
    ("meanwhile", "code"),
    [
        ("UPDATE offers SET is_listed = false WHERE id = :id", "OfferWithdrawn"),
        ("UPDATE offers SET is_quarantined = true WHERE id = :id", "OfferOnHold"),
        ("UPDATE companies SET accepts_orders = false WHERE id = :supplier_id", "SupplierNotAccepting"),
        ("UPDATE companies SET status = 'blocked' WHERE id = :supplier_id", "OfferWithdrawn"),
        ("UPDATE stock_levels SET on_hand = 1 WHERE offer_id = :id", "OutOfStock"),
    ],
)
def test_what_happened_to_a_good_in_the_basket_refuses_the_order_by_name(
    client, headers, order_body, edge, meanwhile: str, code: str
) -> None:
    good, other = make_offer(name="Чай чёрный"), make_offer()
    add(client, headers, (good.id, 2), (other.id, 1))
    with edge() as current:
        current.execute(text(meanwhile), {"id": good.id, "supplier_id": good.supplier_id})
    shown = client.get("/api/v1/basket", headers=headers).json["lines"][0]
    assert ([change["code"] for change in shown["changes"]], shown["is_orderable"]) == ([code], False)
    answer = client.post("/api/v1/orders", json=order_body, headers=headers)
    assert (answer.status_code, answer.json["code"]) == (409, code)
    assert code == "SupplierNotAccepting" or "Чай чёрный" in answer.text
    assert len(client.get("/api/v1/basket", headers=headers).json["lines"]) == 2
    with edge():
        assert session().get_one(StockLevel, other.id).reserved == 0


def test_a_quantity_off_the_step_names_the_nearest(client, headers, order_body) -> None:
    offer = make_offer(quantity_step=Decimal(6), minimum_quantity=Decimal(12))
    body = order_body | {"lines": [{"offer_id": offer.id, "quantity": 14}]}
    answer = client.post("/api/v1/orders", json=body, headers=headers)
    assert (answer.status_code, answer.json["code"]) == (422, "QuantityNotMultiple")
    assert (answer.json["facts"]["below"], answer.json["facts"]["above"]) == (12, 18)
    assert "12 or 18" in answer.json["detail"]


def test_a_member_reads_the_companys_orders_or_only_his_own(client, buyer, headers) -> None:
    colleague = make_user(company=buyer.company)
    contact = make_contact(buyer)
    orders = [make_order(buyer=who, contact=contact).number for who in (buyer, colleague, buyer)]
    make_order()
    numbers = [order["number"] for order in client.get("/api/v1/orders", headers=headers).json["items"]]
    own = [order["number"] for order in client.get("/api/v1/orders?mine=true", headers=headers).json["items"]]
    assert (numbers, own) == (orders[::-1], [orders[2], orders[0]])


def test_out_of_stock_names_what_is_left(client, headers, order_body) -> None:
    offer = make_offer(on_hand=2, name="Сахар")
    body = order_body | {"lines": [{"offer_id": offer.id, "quantity": 3}]}
    answer = client.post("/api/v1/orders", json=body, headers=headers)
    assert (answer.status_code, answer.json["code"]) == (409, "OutOfStock")
    assert [(line["offer_id"], line["available"]) for line in answer.json["facts"]["lines"]] == [(offer.id, 2)]
    assert "Сахар (2)" in answer.json["detail"]


def test_a_foreign_order_looks_like_an_unknown_one(client, headers) -> None:
    order = make_order()
    for method, path in [("GET", ""), ("POST", "/cancel"), ("GET", "/invoices")]:
        answer = client.open(f"/api/v1/orders/{order.id}{path}", method=method, headers=headers, json={})
        assert (answer.status_code, answer.json["code"]) == (404, "OrderNotFound")
    assert client.get("/api/v1/orders", headers=headers).json["items"] == []


def test_a_manager_fulfills_and_those_concerned_read_the_invoice(client, buyer, headers) -> None:
    offer = make_offer()
    order = make_order({offer.id: 1}, buyer=buyer)
    manager, supplier = bearer(make_user("manager")), bearer(make_user("supplier", company=offer.supplier))
    assert client.post(f"/api/v1/orders/{order.id}/fulfill", headers=headers).status_code == 403
    fulfilled = client.post(f"/api/v1/orders/{order.id}/fulfill", json={}, headers=manager)
    assert (fulfilled.status_code, fulfilled.json["state"]) == (200, "confirmed")
    [invoice] = client.get(f"/api/v1/orders/{order.id}/invoices", headers=headers).json["items"]
    papers = [client.get(f"/api/v1/invoices/{invoice['id']}", headers=who) for who in (headers, manager, supplier)]
    assert {paper.data for paper in papers} == {papers[0].data}
    assert papers[0].data.startswith(b"%PDF")
    name = quote(f"{invoice['number']}.pdf")
    assert papers[0].headers["Content-Disposition"] == f"inline; filename*=UTF-8''{name}"  # a header is ASCII
    stranger = client.get(f"/api/v1/invoices/{invoice['id']}", headers=bearer(make_user()))
    assert stranger.status_code == 404
    again = client.post(f"/api/v1/orders/{order.id}/fulfill", json={}, headers=manager)
    assert (again.status_code, again.json["code"]) == (409, "NothingToFulfill")


def test_a_list_is_read_page_by_page_in_one_statement_a_page(client, buyer, headers, count_statements) -> None:
    offer = make_offer(on_hand=1000)
    contact = make_contact(buyer)
    numbers = [make_order({offer.id: 1}, buyer=buyer, contact=contact).number for _ in range(5)]
    found, counts, cursor = [], [], ""
    while cursor is not None:
        with count_statements() as statements:
            page = client.get(f"/api/v1/orders?limit=2{cursor and '&cursor=' + cursor}", headers=headers).json
        counts.append(len(statements))
        found += [order["number"] for order in page["items"]]
        cursor = page["next_cursor"]
    assert found == numbers[::-1]
    assert set(counts) == {2}  # the token, the page


def test_one_order_is_read_in_a_constant_number_of_statements(client, buyer, headers, count_statements) -> None:
    counts = []
    for size in (1, 10):
        order = make_order({make_offer().id: 1 for _ in range(size)}, buyer=buyer)
        with count_statements() as statements:
            client.get(f"/api/v1/orders/{order.id}", headers=headers)
        counts.append(len(statements))
    assert counts == [2, 2]  # the token, the order


@pytest.mark.parametrize("cursor", ["x", "бред", "W10", "WyJvdGhlciIsIDFd"])
def test_a_cursor_of_another_list_is_refused(client, headers, cursor: str) -> None:
    answer = client.get(f"/api/v1/orders?cursor={cursor}", headers=headers)
    assert (answer.status_code, answer.json["code"]) == (422, "BadCursor")
