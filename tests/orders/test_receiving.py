"""At the door: received whole or short, or refused."""

from decimal import Decimal

import pytest
from flask import Flask

from shop.orders.parts.lifecycle import move
from shop.orders.parts.row_locks import lock_order
from tests.factories.auth import bearer, make_user
from tests.factories.catalog import make_offer
from tests.factories.orders import make_order


@pytest.fixture
def part(app: Flask, edge):
    """A part that has been sent."""
    order, manager = make_order({make_offer().id: 10}), make_user("manager")
    with edge() as current:
        by = current.merge(manager)
        found = lock_order(order.id, by=by)
        for state in ("confirmed", "sent"):
            move(found, found.parts, to=state, by=by)
    return order.parts[0]


@pytest.fixture
def headers(part):
    return bearer(part.order.user)


def receive(client, part, headers, *lines: dict, **others: str):
    path = f"/api/v1/supplier-orders/{part.id}"
    etag = client.get(path, headers=headers).headers["ETag"]
    return client.post(f"{path}/receive", json={"lines": list(lines)}, headers=headers | {"If-Match": etag} | others)


def test_everything_is_received_unless_said_otherwise(client, part, headers) -> None:
    answer = client.post(f"/api/v1/supplier-orders/{part.id}/receive", json={}, headers=headers)
    assert (answer.json["state"], answer.json["lines"][0]["received_quantity"]) == ("delivered", 10)


def test_a_shortage_stays_in_line_and_history(client, part, headers) -> None:
    line = {"line_id": part.lines[0].id, "quantity": 7, "reason": "разбито"}
    answer = receive(client, part, headers, line).json
    assert (answer["state"], answer["lines"][0]["received_quantity"]) == ("delivered", 7)
    assert "7 of 10 (разбито)" in answer["history"][-1]["reason"]


def test_nothing_received_is_a_refusal(client, part, headers) -> None:
    line = {"line_id": part.lines[0].id, "quantity": 0, "reason": "не то"}
    assert receive(client, part, headers, line).json["state"] == "refused"


def test_refusing_at_the_door(client, part, headers) -> None:
    answer = client.post(f"/api/v1/supplier-orders/{part.id}/refuse", json={"reason": "поздно"}, headers=headers)
    assert (answer.json["state"], answer.json["history"][-1]["reason"]) == ("refused", "поздно")


@pytest.mark.parametrize(("quantity", "reason"), [(11, "больше"), (3, "")])
def test_a_receipt_that_cannot_be_meant_is_refused(client, part, headers, quantity, reason) -> None:
    line = {"line_id": part.lines[0].id, "quantity": quantity, "reason": reason}
    answer = receive(client, part, headers, line)
    assert (answer.status_code, answer.json["code"]) == (422, "ReceiptImpossible")


def test_a_foreign_line_and_a_missing_version_are_refused(client, part, headers) -> None:
    line = {"line_id": 999_999, "quantity": 1, "reason": "чужая"}
    assert receive(client, part, headers, line).json["code"] == "ReceiptImpossible"
    path = f"/api/v1/supplier-orders/{part.id}/receive"
    assert client.post(path, json={"lines": [line]}, headers=headers).status_code == 428


def test_only_the_buyer_receives(client, part) -> None:
    supplier = bearer(make_user("supplier", company_id=part.supplier_id))
    assert client.post(f"/api/v1/supplier-orders/{part.id}/receive", json={}, headers=supplier).status_code == 403
    assert part.lines[0].quantity == Decimal(10)
