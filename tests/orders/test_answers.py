"""What is answered without a dump is what the schemas document, and says what the rows say."""

from decimal import Decimal

import pytest
from flask import Flask
from sqlalchemy import text

from shop.auth.models import MANAGER, SUPPLIER
from shop.database import session
from shop.http.fields import AnswerSchema
from shop.money import money_text
from shop.orders.models import Order
from shop.orders.parts.confirmation import confirm_part
from shop.orders.parts.lifecycle import move_part
from shop.orders.parts.receipt import Received, receive_part
from shop.orders.parts.short_delivery import Cut
from shop.orders.queries import find_part
from shop.orders.schemas.baskets import BasketSchema, QuickOrderReportSchema
from shop.orders.schemas.orders import OrderListItemSchema, OrderSchema, PartSchema, PartSummarySchema
from tests.factories.auth import bearer, make_company, make_contact, make_user
from tests.factories.catalog import make_offer
from tests.factories.orders import make_order


@pytest.fixture
def buyer(app: Flask):
    return make_user()


@pytest.fixture
def supplier(app: Flask):
    return make_user(SUPPLIER, company=make_company(SUPPLIER, delivery_fee=Decimal(50)))


def cut_sent_and_received_short(edge, order: Order, supplier, buyer) -> None:
    with edge() as current:
        by = current.merge(supplier)
        part = find_part(order.parts[0].id, by=by)
        [first, second] = part.lines
        confirm_part(part.id, by=by, cuts={second.id: Cut(Decimal("1.5"), "Осталось мало")})
        move_part(part.id, to="sent", by=by, reason="Машина вышла")
        receive_part(part.id, by=current.merge(buyer), receipt={first.id: Received(Decimal(9), "Одна разбита")})


@pytest.fixture
def order(edge, buyer, supplier) -> Order:
    """Everything that can be told of an order is in it."""
    goods = [
        make_offer(supplier=supplier.company, price="0.4855", barcodes=["9520000000011"], on_hand=100),
        make_offer(supplier=supplier.company, price="78.4", unit="кг", quantity_step=Decimal("0.5"), on_hand=100),
    ]
    lines = {goods[0].id: Decimal(10), goods[1].id: Decimal("2.5")}
    order = make_order(lines, buyer=buyer, client_reference="PO-1", comment="Звонить\nза час")
    cut_sent_and_received_short(edge, order, supplier, buyer)
    return order


def check(answer, schema: type[AnswerSchema]) -> None:
    assert schema().validate(answer) == {}
    assert set(answer) == set(schema().fields)


def test_an_order_is_answered_as_documented(client, buyer, supplier, order) -> None:
    answer = client.get(f"/api/v1/orders/{order.id}", headers=bearer(buyer)).json
    check(answer, OrderSchema)
    [part] = answer["parts"]
    assert (part["supplier"], part["subtotal"], part["delivery_fee"], part["total"]) == (
        supplier.company.name,
        "122.46",
        "50.00",
        "172.46",
    )
    told = ("price", "ordered_quantity", "quantity", "cut_reason", "received_quantity", "received_reason", "total")
    assert [tuple(line[field] for field in told) for line in part["lines"]] == [
        ("0.4855", 10, 10, None, 9, "Одна разбита", "4.86"),
        ("78.40", 2.5, 1.5, "Осталось мало", 1.5, None, "117.60"),
    ]
    assert [event["to_state"] for event in answer["history"]] == ["new", "confirmed", "sent", "delivered"]
    assert [(invoice["total"], invoice["supplier"]) for invoice in answer["invoices"]] == [
        ("172.46", supplier.company.name)
    ]
    assert answer["comment"] == "Звонить\nза час"


def test_a_part_is_answered_as_documented_to_each_side(client, buyer, supplier, order) -> None:
    path = f"/api/v1/supplier-orders/{order.parts[0].id}"
    answers = [client.get(path, headers=bearer(who)).json for who in (buyer, supplier, make_user(MANAGER))]
    for answer in answers:
        check(answer, PartSchema)
        assert answer == answers[0]  # nothing can be done with it any more, by whomever
    assert answers[0]["buyer"] == order.company.name
    assert [invoice["total"] for invoice in answers[0]["invoices"]] == ["172.46"]


def test_an_order_of_two_suppliers_shows_each_supplier_its_own(client, buyer, supplier) -> None:
    other = make_offer()
    order = make_order({make_offer(supplier=supplier.company).id: 1, other.id: 2}, buyer=buyer)
    own = next(part for part in order.parts if part.supplier_id == supplier.company_id)
    answer = client.get(f"/api/v1/supplier-orders/{own.id}", headers=bearer(supplier)).json
    assert [line["offer_id"] for line in answer["lines"]] == [own.lines[0].offer_id]
    assert {event["supplier_order_id"] for event in answer["history"]} == {own.id}
    assert len(client.get(f"/api/v1/orders/{order.id}", headers=bearer(buyer)).json["parts"]) == 2


def test_lists_are_answered_as_documented(client, buyer, supplier, order) -> None:
    [listed] = client.get("/api/v1/orders", headers=bearer(buyer)).json["items"]
    check(listed, OrderListItemSchema)
    assert (listed["total"], listed["suppliers"]) == ("172.46", [supplier.company.name])
    [part] = client.get("/api/v1/supplier-orders", headers=bearer(supplier)).json["items"]
    check(part, PartSummarySchema)
    assert (part["total"], part["order_number"]) == ("172.46", order.number)


def test_a_basket_is_answered_as_documented(client, buyer, edge) -> None:
    terms = {"delivery_fee": Decimal(600), "free_delivery_from": Decimal(5000), "minimum_order": Decimal(1000)}
    offer = make_offer(supplier=make_company(SUPPLIER, **terms), price="0.4855", on_hand=5, sku="00012")
    text_of_lines = "00012 10\nнечто"
    report = client.post("/api/v1/basket/quick-order", json={"text": text_of_lines}, headers=bearer(buyer)).json
    check(report, QuickOrderReportSchema)
    with edge():
        session().execute(text("UPDATE offers SET price = 0.5, unit = 'кор'"))
    answer = client.get("/api/v1/basket", headers=bearer(buyer)).json
    check(answer, BasketSchema)
    [line] = answer["lines"]
    assert (line["price_seen"], line["price"], line["available"], line["total"]) == ("0.4855", "0.50", 5, "5.00")
    assert [change["code"] for change in line["changes"]] == ["PriceChanged", "UnitChanged", "OutOfStock"]
    assert (line["is_changed"], line["is_orderable"], line["offer_id"]) == (True, False, offer.id)
    [part] = answer["suppliers"]
    assert (part["missing_to_free_delivery"], part["missing_to_minimum"], part["total"]) == (
        "4995.00",
        "995.00",
        "605.00",
    )


@pytest.mark.parametrize("price", ["0.0001", "0.1", "5", "5.5", "78.4", "100", "1234567.8901", "9999999999.9999"])
def test_the_database_writes_prices_as_we_do(client, buyer, price: str) -> None:
    order = make_order({make_offer(price=price).id: 1}, buyer=buyer)
    answer = client.get(f"/api/v1/orders/{order.id}", headers=bearer(buyer)).json
    assert answer["parts"][0]["lines"][0]["price"] == money_text(Decimal(price))


def test_placing_moving_and_reading_tell_the_same(client, buyer, supplier) -> None:
    offer = make_offer(supplier=supplier.company)
    body = {"contact_id": make_contact(buyer).id, "lines": [{"offer_id": offer.id, "quantity": 1}]}
    placed = client.post("/api/v1/orders", json=body, headers=bearer(buyer))
    path = placed.headers["Location"]
    assert placed.json == client.get(path, headers=bearer(buyer)).json
    confirmed = client.post(f"{path}/fulfill", headers=bearer(make_user(MANAGER)))
    assert confirmed.json == client.get(path, headers=bearer(buyer)).json
    part_path = f"/api/v1/supplier-orders/{placed.json['parts'][0]['id']}"
    sent = client.post(f"{part_path}/send", headers=bearer(supplier))
    assert sent.json == client.get(part_path, headers=bearer(supplier)).json
    assert (sent.json["state"], sent.json["moves"], sent.headers["ETag"]) == ("sent", ["delivered"], '"3"')
