"""A supplier sends a part off, as confirmed or with less: stock, sums, history and a numbered correction follow."""

from decimal import Decimal
from threading import Thread

import pytest
from flask import Flask
from sqlalchemy import select

from shop.auth.models import SUPPLIER, LegalEntity
from shop.catalog.models import StockLevel
from shop.database import session
from shop.errors import Refusal
from shop.orders.errors import CutImpossible, MoveNotAllowed
from shop.orders.models import CORRECTION, INVOICE, Invoice, OrderEvent, SupplierOrder
from shop.orders.parts.confirmation import confirm_part
from shop.orders.parts.lifecycle import move_part
from shop.orders.parts.shipment import send_part
from shop.orders.parts.short_delivery import Cut
from shop.orders.queries import find_part
from shop.outbox.models import OutboxEvent
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
def part(edge, supplier, offers) -> SupplierOrder:
    """Confirmed as ordered: ten of the first good, five of the second."""
    part = make_order({offers[0].id: 10, offers[1].id: 5}).parts[0]
    act(edge, part, supplier, confirm_part)
    return part


def act(edge, part, by, story, **others) -> None:
    with edge() as current:
        by = current.merge(by)
        story(part.id, by=by, **others)


def send(edge, part, by, *cuts: tuple[int, str, str]) -> None:
    wanted = {line_id: Cut(Decimal(quantity), reason) for line_id, quantity, reason in cuts}
    act(edge, part, by, send_part, cuts=wanted)


def stock(edge, offers) -> list[tuple[Decimal, Decimal]]:
    with edge():
        levels = [session().get_one(StockLevel, offer.id) for offer in offers]
        return [(level.on_hand, level.reserved) for level in levels]


def documents(edge) -> dict[str, Invoice]:
    with edge():
        found = {invoice.kind: invoice for invoice in session().scalars(select(Invoice))}
        assert all(invoice.data for invoice in found.values())
        return found


def test_what_goes_off_as_confirmed_needs_no_correction(edge, supplier, offers, part) -> None:
    send(edge, part, supplier)
    assert stock(edge, offers) == [(90, 0), (95, 0)]
    assert documents(edge).keys() == {INVOICE}


def test_what_is_left_out_stays_in_the_warehouse_and_is_free_again(edge, supplier, offers, part) -> None:
    send(edge, part, supplier, (part.lines[0].id, "7", "Бой"), (part.lines[1].id, "0", "Нет на складе"))
    assert stock(edge, offers) == [(93, 0), (100, 0)]


def test_sums_and_history_follow(edge, supplier, part) -> None:
    act(edge, part, supplier, send_part, cuts={part.lines[0].id: Cut(Decimal(7), "Бой")}, reason="Вечерний рейс")
    with edge() as current:
        found = find_part(part.id, by=current.merge(supplier))
        assert (found.state, found.subtotal, found.total) == ("sent", Decimal("120.00"), Decimal("170.00"))
        assert (found.order.total, found.order.vat_total) == (found.total, found.vat_total)
        assert (found.lines[0].quantity, found.lines[0].cut_reason) == (7, "Бой")
        event = session().scalars(select(OrderEvent).filter_by(to_state="sent")).one()
        assert event.reason == f"Вечерний рейс; {found.lines[0].name}: 10 → 7 (Бой)"


def test_a_numbered_correction_says_what_was_became_and_differs(edge, supplier, part) -> None:
    before = documents(edge)[INVOICE]
    send(edge, part, supplier, (part.lines[0].id, "7", "Бой"), (part.lines[1].id, "0", "Нет"))
    papers = documents(edge)
    invoice, correction = papers[INVOICE], papers[CORRECTION]
    assert (invoice.data, invoice.total) == (before.data, before.total)
    prefix = invoice.number.split("-")[0]
    assert correction.number == f"{prefix}-К-{correction.issued_on:%y}-000001"
    assert correction.data["corrects"] == {"number": invoice.number, "issued_on": invoice.data["issued_on"]}
    first, second = correction.data["changes"]
    assert [first[version]["quantity"] for version in ("was", "became", "difference")] == ["10.000", "7.000", "-3.000"]
    assert [first[version]["total"] for version in ("was", "became", "difference")] == ["100.00", "70.00", "-30.00"]
    assert (second["position"], second["became"]["total"], second["difference"]["total"]) == (2, "0.00", "-50.00")
    assert correction.total == Decimal("120.00")
    assert correction.data["totals"]["total"] == "120.00"
    assert [line["position"] for line in correction.data["lines"]] == [1]
    with edge():
        event = session().scalars(select(OutboxEvent).filter_by(type="supplier_order.corrected")).one()
        assert event.payload == {"supplier_order_id": part.id, "invoice_id": correction.id}


def test_a_correction_names_the_seller_as_the_invoice_does(edge, supplier, part) -> None:
    with edge():
        entity = session().scalars(select(LegalEntity).filter_by(company_id=supplier.company_id)).one()
        entity.full_name, entity.default_vat_rate = "Переименованное общество", "none"
    send(edge, part, supplier, (part.lines[0].id, "7", "Бой"))
    papers = documents(edge)
    for what in ("seller", "payer", "consignee", "delivery", "order_number"):
        assert papers[CORRECTION].data[what] == papers[INVOICE].data[what]
    rates = {row["rate"] for row in papers[CORRECTION].data["totals"]["vat_by_rate"]}
    assert rates == {row["rate"] for row in papers[INVOICE].data["totals"]["vat_by_rate"]}


def test_a_line_cut_twice_keeps_both_reasons(edge, supplier, offers) -> None:
    part = make_order({offers[0].id: 10, offers[1].id: 5}).parts[0]
    act(edge, part, supplier, confirm_part, cuts={part.lines[0].id: Cut(Decimal(8), "Осталось 8")})
    send(edge, part, supplier, (part.lines[0].id, "6", "Бой"))
    with edge() as current:
        line = find_part(part.id, by=current.merge(supplier)).lines[0]
        assert (line.ordered_quantity, line.quantity, line.cut_reason) == (10, 6, "Осталось 8; Бой")
    assert documents(edge)[CORRECTION].data["changes"][0]["was"]["quantity"] == "8.000"
    assert stock(edge, offers) == [(94, 0), (95, 0)]


def test_a_line_that_was_cut_before_is_no_change_when_another_is_left_out(edge, supplier, offers) -> None:
    part = make_order({offers[0].id: 10, offers[1].id: 5}).parts[0]
    act(edge, part, supplier, confirm_part, cuts={part.lines[0].id: Cut(Decimal(8), "Осталось 8")})
    send(edge, part, supplier, (part.lines[1].id, "4", "Бой"))
    assert [change["position"] for change in documents(edge)[CORRECTION].data["changes"]] == [2]


@pytest.mark.parametrize(("quantity", "reason"), [("10", "x"), ("11", "x"), ("-1", "x"), ("3", "")])
def test_quantities_that_cannot_be_meant_change_nothing(edge, supplier, offers, part, quantity, reason) -> None:
    with pytest.raises(CutImpossible):
        send(edge, part, supplier, (part.lines[0].id, quantity, reason))
    assert stock(edge, offers) == [(100, 10), (100, 5)]
    assert documents(edge).keys() == {INVOICE}


def test_an_empty_lorry_is_refused_also_where_a_line_was_cut_before(edge, supplier, offers) -> None:
    part = make_order({offers[0].id: 10, offers[1].id: 5}).parts[0]
    act(edge, part, supplier, confirm_part, cuts={part.lines[0].id: Cut(Decimal(0), "Нет")})
    with pytest.raises(CutImpossible):
        send(edge, part, supplier, (part.lines[1].id, "0", "И этого нет"))


def test_what_is_new_or_sent_already_is_not_sent(edge, supplier, offers, part) -> None:
    fresh = make_order({offers[0].id: 1}).parts[0]
    send(edge, part, supplier)
    for other in (fresh, part):
        with pytest.raises(MoveNotAllowed):
            send(edge, other, supplier, (other.lines[0].id, "0", "x"))


def test_sent_twice_at_once_it_leaves_once(edge, supplier, offers, part) -> None:
    outcomes = []

    def act_once() -> None:
        try:
            send(edge, part, supplier, (part.lines[0].id, "7", "Бой"))
            outcomes.append("sent")
        except Refusal as refusal:
            outcomes.append(refusal.code)

    threads = [Thread(target=act_once) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert sorted(outcomes) == ["MoveNotAllowed", "sent"]
    assert stock(edge, offers) == [(93, 0), (95, 0)]


def test_a_part_that_was_cut_is_received_as_shipped(edge, supplier, offers, part) -> None:
    send(edge, part, supplier, (part.lines[0].id, "7", "Бой"))
    act(edge, part, supplier, move_part, to="delivered")
    assert stock(edge, offers) == [(93, 0), (95, 0)]


class TestThroughHttp:
    def test_sending_less_needs_the_version_and_answers_with_the_correction(self, client, supplier, part) -> None:
        path, headers = f"/api/v1/supplier-orders/{part.id}", bearer(supplier)
        less = {"lines": [{"line_id": part.lines[0].id, "quantity": 7, "reason": "Бой"}]}
        assert client.post(f"{path}/send", json=less, headers=headers).status_code == 428
        etag = client.get(path, headers=headers).headers["ETag"]
        answer = client.post(f"{path}/send", json=less, headers=headers | {"If-Match": etag})
        assert (answer.status_code, answer.json["state"], answer.json["total"]) == (200, "sent", "170.00")
        kinds = {invoice["kind"]: invoice["id"] for invoice in answer.json["invoices"]}
        assert kinds.keys() == {"invoice", "correction"}
        paper = client.get(f"/api/v1/invoices/{kinds['correction']}", headers=bearer(part.order.user))
        assert (paper.status_code, paper.mimetype) == (200, "application/pdf")

    def test_a_foreign_line_is_named_in_the_refusal(self, client, supplier, part) -> None:
        foreign = make_order().parts[0].lines[0].id
        answer = client.post(
            f"/api/v1/supplier-orders/{part.id}/send",
            json={"lines": [{"line_id": foreign, "quantity": 0, "reason": "чужое"}]},
            headers=bearer(supplier) | {"If-Match": "*"},
        )
        assert (answer.status_code, answer.json["code"]) == (422, "CutImpossible")
        assert answer.json["errors"][0]["field"] == "lines.0"
