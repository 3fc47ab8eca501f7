"""Half a pair is never ordered, confirmed, sent, received or printed; kilograms are; the step binds what is agreed."""

from decimal import Decimal

import pytest
from flask import Flask
from sqlalchemy import select, update

from shop.auth.models import SUPPLIER
from shop.catalog.models import Offer, StockLevel
from shop.database import session
from shop.orders.models import BasketLine, Invoice, OrderLine
from tests.factories.auth import bearer, make_company, make_contact, make_user
from tests.factories.catalog import make_offer
from tests.factories.orders import make_order

API = "/api/v1"
HALVES = {"quantity_step": Decimal("0.5"), "minimum_quantity": Decimal("0.5")}


@pytest.fixture
def buyer(app: Flask):
    return make_user()


@pytest.fixture
def supplier(app: Flask):
    return make_user(SUPPLIER, company=make_company(SUPPLIER))


@pytest.fixture
def pairs(supplier) -> Offer:
    """Kept with a step of half a pair, as lists could state it."""
    return make_offer(supplier=supplier.company, name="Перчатки", sku="П-1", unit_code="715", unit="пар", **HALVES)


@pytest.fixture
def order(client, buyer):
    contact = make_contact(buyer)

    def place(*lines: tuple[Offer, float]):
        body = [{"offer_id": offer.id, "quantity": quantity} for offer, quantity in lines]
        return client.post(
            f"{API}/orders", json={"contact_id": contact.id, "lines": body or None}, headers=bearer(buyer)
        )

    return place


def divide(edge, line_id: int, quantity: str) -> None:
    """As it could be ordered before pieces had to be whole."""
    with edge() as current:
        line = current.get_one(OrderLine, line_id)
        was, line.ordered_quantity, line.quantity = line.quantity, Decimal(quantity), Decimal(quantity)
        current.get_one(StockLevel, line.offer_id).reserved += line.quantity - was


def act(client, part, who, verb: str, **body):
    path = f"{API}/supplier-orders/{part.id}"
    return client.post(f"{path}/{verb}", json=body, headers=bearer(who) | {"If-Match": "*"})


def cut(line, quantity: float) -> dict:
    return {"line_id": line.id, "quantity": quantity, "reason": "Осталось мало"}


class TestOrdering:
    def test_half_a_pair_is_refused_at_every_door(self, client, buyer, pairs, order) -> None:
        headers = bearer(buyer)
        by_offer = client.post(
            f"{API}/basket/lines", json={"lines": [{"offer_id": pairs.id, "quantity": 0.5}]}, headers=headers
        )
        pasted = client.post(f"{API}/basket/quick-order", json={"text": "П-1 1,5"}, headers=headers).json
        assert by_offer.status_code == 422
        assert pasted["rows"][0]["result"]["code"] == "QuantityNotMultiple"
        assert (pasted["rows"][0]["result"]["facts"]["below"], pasted["basket"]["lines"]) == (1, [])
        client.post(f"{API}/basket/lines", json={"lines": [{"offer_id": pairs.id, "quantity": 2}]}, headers=headers)
        changed = client.patch(f"{API}/basket/lines/{pairs.id}", json={"quantity": 2.5}, headers=headers)
        assert (changed.status_code, changed.json["facts"]["above"]) == (422, 3)
        refused = order((pairs, 0.5))
        assert (refused.status_code, refused.json["code"], refused.json["facts"]["nearest"]) == (
            422,
            "QuantityNotMultiple",
            "1",
        )
        assert order((pairs, 1)).status_code == 201

    def test_kilograms_are_divided_as_their_step_says(self, supplier, order) -> None:
        cheese = make_offer(supplier=supplier.company, unit_code="166", unit="кг", **HALVES)
        assert order((cheese, 2.5)).status_code == 201
        assert order((cheese, 0.25)).json["code"] == "QuantityNotMultiple"

    def test_the_catalog_says_what_can_be_ordered(self, client, edge, pairs, order) -> None:
        with edge() as current:
            current.get_one(StockLevel, pairs.id).on_hand = Decimal("10.5")
        shown = client.get(f"{API}/catalog/offers/{pairs.id}").json
        assert (shown["quantity_step"], shown["minimum_quantity"], shown["stock"]["available"]) == (1, 1, 10)
        refused = order((pairs, 11)).json
        assert (refused["code"], refused["facts"]["lines"][0]["available"]) == ("OutOfStock", 10)

    def test_half_a_pair_on_hand_is_none(self, client, edge, pairs, order) -> None:
        with edge() as current:
            current.get_one(StockLevel, pairs.id).on_hand = Decimal("0.5")
        shown = client.get(f"{API}/catalog/offers/{pairs.id}").json
        assert (shown["is_orderable"], shown["stock"]["available"]) == (False, 0)
        for wanted in ("orderable", "in_stock"):
            assert client.get(f"{API}/catalog/offers?{wanted}=true").json["items"] == []
        assert order((pairs, 1)).json["code"] == "OutOfStock"

    def test_a_basket_filled_before_says_what_to_mend_and_is_mended(self, client, edge, buyer, pairs, order) -> None:
        headers = bearer(buyer)
        client.post(f"{API}/basket/lines", json={"lines": [{"offer_id": pairs.id, "quantity": 1}]}, headers=headers)
        with edge():
            session().execute(update(BasketLine).values(quantity=Decimal("1.5")))
        [line] = client.get(f"{API}/basket", headers=headers).json["lines"]
        assert ([change["code"] for change in line["changes"]], line["is_orderable"]) == (
            ["QuantityNotMultiple"],
            False,
        )
        assert order().json["code"] == "QuantityNotMultiple"
        mended = client.patch(f"{API}/basket/lines/{pairs.id}", json={"quantity": 2}, headers=headers)
        assert mended.json["lines"][0]["is_orderable"]
        assert order().status_code == 201


class TestConfirming:
    def test_a_cut_keeps_to_the_step_by_which_it_was_ordered(self, client, edge, supplier) -> None:
        crates = make_offer(supplier=supplier.company, quantity_step=Decimal(6), minimum_quantity=Decimal(12))
        part = make_order({crates.id: 24}).parts[0]
        with edge() as current:  # a list changes the step since
            offer = current.get_one(Offer, crates.id)
            offer.quantity_step, offer.revision = Decimal(5), 2
        refused = act(client, part, supplier, "confirm", lines=[cut(part.lines[0], 10)])
        assert (refused.status_code, refused.json["code"]) == (422, "CutImpossible")
        assert "steps of 6 шт; nearest below: 6" in refused.json["errors"][0]["message"]
        # The minimum is the supplier's own wish: whoever has six left may confirm six.
        confirmed = act(client, part, supplier, "confirm", lines=[cut(part.lines[0], 6)])
        assert (confirmed.status_code, confirmed.json["lines"][0]["quantity"]) == (200, 6)

    def test_what_is_sent_and_received_knows_no_step(self, client, supplier) -> None:
        dozens = make_offer(supplier=supplier.company, quantity_step=Decimal(12), unit_code="868", unit="бут")
        part = make_order({dozens.id: 12}).parts[0]
        assert act(client, part, supplier, "confirm").status_code == 200
        for verb, who in (("send", supplier), ("receive", part.order.user)):
            refused = act(client, part, who, verb, lines=[cut(part.lines[0], 9.5)])
            assert refused.status_code == 422, verb
            said = act(client, part, who, verb, lines=[cut(part.lines[0], {"send": 10, "receive": 9}[verb])])
            assert said.status_code == 200, said.text
        assert (said.json["lines"][0]["quantity"], said.json["lines"][0]["received_quantity"]) == (10, 9)
        assert {invoice["kind"] for invoice in said.json["invoices"]} == {"invoice", "correction"}

    @pytest.mark.parametrize("unit", ["кг", "смена"])
    def test_measures_are_cut_to_any_part_when_sent(self, client, supplier, unit) -> None:
        goods = make_offer(supplier=supplier.company, unit=unit, unit_code=None)
        part = make_order({goods.id: 3}).parts[0]
        act(client, part, supplier, "confirm")
        assert act(client, part, supplier, "send", lines=[cut(part.lines[0], 2.345)]).status_code == 200


class TestOrderedBefore:
    """Parts with half a piece stood before; none gets onto a numbered paper, and none is stuck."""

    @pytest.fixture
    def part(self, edge, supplier, pairs):
        other = make_offer(supplier=supplier.company)
        part = make_order({pairs.id: 1, other.id: 3}).parts[0]
        divide(edge, part.lines[0].id, "0.5")
        return part

    def test_it_is_confirmed_without_the_half_and_then_sent(self, client, edge, supplier, part) -> None:
        refused = act(client, part, supplier, "confirm")
        assert (refused.status_code, refused.json["code"]) == (409, "PiecesNotWhole")
        assert refused.json["facts"]["lines"] == [{"line_id": part.lines[0].id, "name": "Перчатки", "quantity": 0.5}]
        confirmed = act(client, part, supplier, "confirm", lines=[cut(part.lines[0], 0)])
        assert confirmed.status_code == 200
        with edge():
            assert [line["quantity"] for line in session().scalars(select(Invoice)).one().document["lines"]] == [
                "3.000"
            ]
        assert act(client, part, supplier, "send").json["state"] == "sent"

    def test_more_than_one_is_cut_to_whole_ones(self, client, edge, supplier, part) -> None:
        divide(edge, part.lines[0].id, "2.5")
        assert act(client, part, supplier, "confirm", lines=[cut(part.lines[0], 1.5)]).json["code"] == "CutImpossible"
        assert act(client, part, supplier, "confirm", lines=[cut(part.lines[0], 2)]).status_code == 200

    def test_a_manager_cannot_confirm_it_whole_either(self, client, part) -> None:
        manager = make_user("manager")
        refused = client.post(f"{API}/orders/{part.order_id}/fulfill", json={}, headers=bearer(manager))
        assert refused.json["code"] == "PiecesNotWhole"

    def test_it_can_be_canceled_by_whoever_may(self, client, edge, pairs, part) -> None:
        assert act(client, part, part.order.user, "cancel").json["state"] == "canceled"
        with edge():
            assert session().get_one(StockLevel, pairs.id).reserved == 0

    def test_one_that_is_confirmed_goes_on_as_its_invoice_says(self, client, edge, supplier, part) -> None:
        with edge() as current:
            current.get_one(OrderLine, part.lines[0].id).quantity = Decimal(0)
        assert act(client, part, supplier, "confirm").status_code == 200
        with edge() as current:
            current.get_one(OrderLine, part.lines[0].id).quantity = Decimal("0.5")
        assert act(client, part, supplier, "send").json["state"] == "sent"
        whole = {"line_id": part.lines[0].id, "quantity": 0.5, "reason": ""}
        assert act(client, part, part.order.user, "receive", lines=[whole]).json["state"] == "delivered"
