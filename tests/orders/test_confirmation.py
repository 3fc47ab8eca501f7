"""A supplier confirms a part, whole or cut: sums, stock and invoice follow, and the buyer reads why."""

from decimal import Decimal

import pytest
from flask import Flask
from sqlalchemy import select

from shop.auth.models import SUPPLIER
from shop.catalog.models import StockLevel
from shop.database import session
from shop.orders.errors import CutImpossible, SupplierOrderNotFound
from shop.orders.models import Invoice, OrderEvent, SupplierOrder
from shop.orders.parts.confirmation import confirm_part
from shop.orders.parts.lifecycle import move_part
from shop.orders.parts.short_delivery import Cut
from shop.orders.queries import find_part
from tests.factories.auth import bearer, make_company, make_user
from tests.factories.catalog import make_offer
from tests.factories.orders import make_order


@pytest.fixture
def supplier(app: Flask):
    return make_user(SUPPLIER, company=make_company(SUPPLIER, delivery_fee=Decimal(50)))


@pytest.fixture
def offers(supplier):
    return [make_offer(supplier=supplier.company, price="10.00", on_hand=100) for _ in range(2)]


@pytest.fixture
def part(offers) -> SupplierOrder:
    return make_order({offers[0].id: 10, offers[1].id: 5}).parts[0]


def confirm(edge, part, by, *cuts: tuple[int, str, str], version: int | None = None) -> None:
    with edge() as current:
        by = current.merge(by)
        found = find_part(part.id, by=by)
        wanted = {line_id: Cut(Decimal(quantity), reason) for line_id, quantity, reason in cuts}
        confirm_part(found.id, by=by, cuts=wanted, version=version)


def read(edge, part, by):
    with edge() as current:
        return find_part(part.id, by=current.merge(by))


def reserved(edge, offer) -> Decimal:
    with edge():
        return session().get_one(StockLevel, offer.id).reserved


def test_cutting_changes_sums_stock_invoice_and_history(edge, supplier, offers, part) -> None:
    confirm(edge, part, supplier, (part.lines[0].id, "4", "Осталось 4"), (part.lines[1].id, "0", "Снято"))
    found = read(edge, part, supplier)
    assert [(line.ordered_quantity, line.quantity, line.total) for line in found.lines] == [
        (10, 4, Decimal("40.00")),
        (5, 0, Decimal("0.00")),
    ]
    assert (found.subtotal, found.delivery_fee, found.total) == (Decimal("40.00"), Decimal("50.00"), Decimal("90.00"))
    assert (found.order.total, found.order.vat_total) == (found.total, found.vat_total)
    assert [reserved(edge, offer) for offer in offers] == [4, 0]
    with edge():
        invoice = session().scalars(select(Invoice)).one()
        assert (invoice.total, len(invoice.document["lines"])) == (Decimal("90.00"), 1)
        event = session().scalars(select(OrderEvent).filter_by(to_state="confirmed")).one()
        assert "10 → 4 (Осталось 4)" in event.reason


def test_canceling_what_was_cut_releases_the_rest_once(edge, supplier, offers, part) -> None:
    confirm(edge, part, supplier, (part.lines[0].id, "4", "Осталось 4"), (part.lines[1].id, "0", "Снято"))
    with edge() as current:
        by = current.merge(supplier)
        move_part(part.id, to="canceled", by=by)
    assert [reserved(edge, offer) for offer in offers] == [0, 0]


@pytest.mark.parametrize(
    ("quantity", "reason", "says"),
    [("10", "", "agreed"), ("11", "много", "agreed"), ("-1", "x", "agreed"), ("3", "", "why")],
)
def test_a_cut_that_cannot_be_meant_is_refused(edge, supplier, offers, part, quantity, reason, says) -> None:
    with pytest.raises(CutImpossible) as refused:
        confirm(edge, part, supplier, (part.lines[0].id, quantity, reason))
    assert says in refused.value.errors[0].message
    assert reserved(edge, offers[0]) == 10


def test_nothing_left_or_a_foreign_line_is_refused(edge, supplier, part) -> None:
    with pytest.raises(CutImpossible, match="quantities"):
        confirm(edge, part, supplier, *((line.id, "0", "нет") for line in part.lines))
    with pytest.raises(CutImpossible):
        confirm(edge, part, supplier, (make_order().parts[0].lines[0].id, "0", "чужое"))


def test_a_supplier_sees_and_moves_its_own_part_only(edge, supplier, part) -> None:
    stranger = make_user(SUPPLIER)
    with pytest.raises(SupplierOrderNotFound):
        confirm(edge, part, stranger)


class TestThroughHttp:
    def test_a_part_is_worked_off_step_by_step(self, client, supplier, part) -> None:
        headers = bearer(supplier)
        path = f"/api/v1/supplier-orders/{part.id}"
        listed = client.get("/api/v1/supplier-orders?state=new", headers=headers).json["items"]
        assert [(item["id"], item["buyer"]) for item in listed] == [(part.id, part.order.company.name)]
        shown = client.get(path, headers=headers).json
        assert shown["moves"] == ["confirmed", "canceled"]
        for step, state in (
            ("confirm", "confirmed"),
            ("assemble", "assembled"),
            ("send", "sent"),
            ("deliver", "delivered"),
        ):
            answer = client.post(f"{path}/{step}", json={}, headers=headers)
            assert (answer.status_code, answer.json["state"]) == (200, state)
        again = client.post(f"{path}/send", json={}, headers=headers)
        assert (again.status_code, again.json["code"]) == (409, "MoveNotAllowed")
        assert again.json["facts"]["allowed"] == "nothing"

    def test_cutting_needs_the_version_and_refuses_a_stale_one(self, client, supplier, part) -> None:
        headers = bearer(supplier)
        path = f"/api/v1/supplier-orders/{part.id}"
        cut = {"lines": [{"line_id": part.lines[0].id, "quantity": 1, "reason": "мало"}]}
        assert client.post(f"{path}/confirm", json=cut, headers=headers).status_code == 428
        stale = client.post(f"{path}/confirm", json=cut, headers=headers | {"If-Match": '"99"'})
        assert (stale.status_code, stale.json["code"]) == (412, "Stale")
        garbled = client.post(f"{path}/confirm", json=cut, headers=headers | {"If-Match": "W/x"})
        assert garbled.status_code == 412
        etag = client.get(path, headers=headers).headers["ETag"]
        answer = client.post(f"{path}/confirm", json=cut, headers=headers | {"If-Match": etag})
        assert (answer.status_code, answer.json["lines"][0]["cut_reason"]) == (200, "мало")
        assert answer.headers["ETag"] != etag

    def test_a_cut_that_cannot_be_meant_is_named_by_its_place_in_the_request(self, client, supplier, part) -> None:
        good = {"line_id": part.lines[0].id, "quantity": 1, "reason": "мало"}
        wrong = {"line_id": part.lines[1].id, "quantity": 1}
        path, headers = f"/api/v1/supplier-orders/{part.id}/confirm", bearer(supplier) | {"If-Match": "*"}
        answer = client.post(path, json={"lines": [good, wrong]}, headers=headers)
        assert (answer.json["code"], [error["field"] for error in answer.json["errors"]]) == (
            "CutImpossible",
            ["lines.1"],
        )

    def test_a_line_named_twice_is_not_guessed_at(self, client, supplier, part) -> None:
        cut = {"line_id": part.lines[0].id, "quantity": 1, "reason": "мало"}
        body, headers = {"lines": [cut, cut | {"quantity": 2}]}, bearer(supplier) | {"If-Match": "*"}
        answer = client.post(f"/api/v1/supplier-orders/{part.id}/confirm", json=body, headers=headers)
        assert [error["field"] for error in answer.json["errors"]] == ["lines.1.line_id"]

    def test_a_plain_move_checks_the_version_only_when_asked(self, client, supplier, part) -> None:
        headers = bearer(supplier)
        path = f"/api/v1/supplier-orders/{part.id}/confirm"
        for others in ('"7"', '""', '"", W/"("'):
            assert client.post(path, json={}, headers=headers | {"If-Match": others}).status_code == 412
        assert client.post(path, json={}, headers=headers | {"If-Match": "*"}).status_code == 200

    def test_the_buyer_cancels_his_part_but_does_not_confirm_it(self, client, part) -> None:
        headers = bearer(part.order.user)
        path = f"/api/v1/supplier-orders/{part.id}"
        assert client.post(f"{path}/confirm", json={}, headers=headers).status_code == 403
        assert client.post(f"{path}/cancel", json={}, headers=headers).json["state"] == "canceled"
        order = client.get(f"/api/v1/orders/{part.order_id}", headers=headers).json
        assert (order["state"], order["total"]) == ("canceled", "0.00")

    def test_foreign_parts_look_like_unknown_ones(self, client, part) -> None:
        for stranger in (make_user(SUPPLIER), make_user()):
            for method, action in (("GET", ""), ("POST", "/cancel")):
                path = f"/api/v1/supplier-orders/{part.id}{action}"
                answer = client.open(path, method=method, json={}, headers=bearer(stranger))
                assert (answer.status_code, answer.json["code"]) == (404, "SupplierOrderNotFound")

    @pytest.mark.parametrize(
        ("query", "found"),
        [
            ("state=new", 1),
            ("state=sent", 0),
            ("client_reference=PO-9", 0),
            ("from_day=2020-01-01", 1),
            ("to_day=2020-01-01", 0),
            ("to_day=2999-12-31", 1),
        ],
    )
    def test_lists_are_narrowed(self, client, supplier, part, query: str, found: int) -> None:
        mine = client.get(f"/api/v1/supplier-orders?{query}", headers=bearer(supplier)).json["items"]
        manager = client.get(
            f"/api/v1/orders?{query}&supplier_id={part.supplier_id}", headers=bearer(make_user("manager"))
        )
        assert (len(mine), len(manager.json["items"])) == (found, found)

    @pytest.mark.parametrize(
        "query", ["state=lost", "from_day=0001-01-01", "to_day=9999-12-31", "from_day=x", "supplier_id=0"]
    )
    def test_a_filter_that_cannot_be_meant_is_refused(self, client, supplier, query: str) -> None:
        assert client.get(f"/api/v1/supplier-orders?{query}", headers=bearer(supplier)).status_code == 422
