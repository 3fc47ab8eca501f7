"""Who hears of what: a company what concerns it, once per event, in the form that the document promises."""

from collections import defaultdict
from decimal import Decimal
from io import BytesIO

import pytest
from sqlalchemy import select, update

from shop.auth.models import Company
from shop.companies.approval import block
from shop.database import now, session
from shop.orders.parts.lifecycle import cancel_order, fulfill_order, move_part
from shop.orders.parts.shipment import send_part
from shop.orders.parts.short_delivery import Cut
from shop.outbox.handler import subscribers
from shop.outbox.models import OutboxEvent
from shop.webhooks.event_types import event_types
from shop.webhooks.models import Webhook, WebhookDelivery
from tests.factories.auth import bearer, make_company, make_user
from tests.factories.catalog import make_offer
from tests.factories.orders import make_order
from tests.factories.webhooks import make_webhook
from tests.price_lists.lists import good, list_of


def promised(edge) -> dict[int, dict[str, list[dict]]]:
    """By company, then by type."""
    found: dict[int, dict[str, list[dict]]] = defaultdict(lambda: defaultdict(list))
    with edge():
        for delivery, company_id in session().execute(
            select(WebhookDelivery, Webhook.company_id).join(Webhook).order_by(WebhookDelivery.id)
        ):
            assert event_types()[delivery.event_type].data().validate(delivery.data) == {}, delivery.event_type
            found[company_id][delivery.event_type].append(delivery.data)
    return found


def announce_all(app, edge) -> None:
    """The worker's part without the deliveries."""
    with edge():
        rows = session().scalars(select(OutboxEvent).where(OutboxEvent.handled_at.is_(None))).all()
        open_events = [(row.id, row.type) for row in rows]
        for row in rows:
            row.pending = [task.name for task in subscribers()[row.type]]
    for event_id, kind in open_events:
        for task in subscribers()[kind]:
            if ".notify_" in task.name:
                task(event_id)


@pytest.fixture
def world(app):
    """A buyer and two suppliers, each with a webhook for everything, and an order of both."""
    buyer, first, second = make_user(), make_user("supplier"), make_user("supplier")
    for owner in (buyer, first, second):
        make_webhook(owner)
    offers = [make_offer(supplier=owner.company) for owner in (first, second)]
    return buyer, first, second, make_order({offer.id: 1 for offer in offers}, buyer=buyer, client_reference="PO-1")


def test_the_buyer_hears_of_the_order_and_each_supplier_of_its_own_part(app, edge, world) -> None:
    buyer, first, second, order = world
    announce_all(app, edge)
    told = promised(edge)
    parts = {part.supplier_id: part.id for part in order.parts}
    [placed] = told[buyer.company_id]["order.placed"]
    assert placed == {
        "order_id": order.id,
        "number": order.number,
        "state": "new",
        "client_reference": "PO-1",
        "supplier_order_ids": list(parts.values()),
    }
    assert set(told[buyer.company_id]) == {"order.placed"}
    for owner in (first, second):
        [received] = told[owner.company_id]["supplier_order.placed"]
        assert received["supplier_order_id"] == parts[owner.company_id]
        assert set(told[owner.company_id]) == {"supplier_order.placed"}


def test_a_part_and_its_invoice_are_told_to_its_two_sides_only(app, edge, world) -> None:
    buyer, first, second, order = world
    manager = make_user("manager")
    with edge() as current:
        by = current.merge(manager)
        move_part(order.parts[0].id, to="confirmed", by=by)
    with edge() as current:
        by = current.merge(manager)
        move_part(order.parts[0].id, to="sent", by=by)
    announce_all(app, edge)
    told = promised(edge)
    news = {"supplier_order.confirmed", "supplier_order.sent", "invoice.issued"}
    assert set(told[buyer.company_id]) == news | {"order.placed"}
    assert set(told[first.company_id]) == news | {"supplier_order.placed"}
    assert set(told[second.company_id]) == {"supplier_order.placed"}
    assert told[buyer.company_id]["supplier_order.confirmed"][0]["state"] == "confirmed"


def test_a_correction_of_an_invoice_is_told_to_both_sides(app, edge) -> None:
    buyer, supplier = make_user(), make_user("supplier")
    for owner in (buyer, supplier):
        make_webhook(owner)
    part = make_order({make_offer(supplier=supplier.company).id: 3}, buyer=buyer).parts[0]
    with edge() as current:
        by = current.merge(supplier)
        move_part(part.id, to="confirmed", by=by)
    with edge() as current:
        by = current.merge(supplier)
        send_part(part.id, cuts={part.lines[0].id: Cut(Decimal(2), "Broken")}, by=by)
    announce_all(app, edge)
    told = promised(edge)
    [issued], [corrected] = (told[buyer.company_id][f"invoice.{what}"] for what in ("issued", "corrected"))
    assert corrected["kind"] == "correction"
    assert corrected["invoice_id"] != issued["invoice_id"]
    assert told[supplier.company_id]["invoice.corrected"] == [corrected]


def test_a_canceled_part_annuls_its_invoice(app, edge, world) -> None:
    buyer, first, _, order = world
    manager = make_user("manager")
    for story in (fulfill_order, cancel_order):
        with edge() as current:
            by = current.merge(manager)
            story(order.id, by=by)
    announce_all(app, edge)
    told = promised(edge)
    assert len(told[buyer.company_id]["invoice.annulled"]) == 2
    assert len(told[first.company_id]["invoice.annulled"]) == 1
    assert told[first.company_id]["supplier_order.canceled"][0]["state"] == "canceled"


def test_an_event_handled_again_promises_nothing_again(app, edge, world) -> None:
    announce_all(app, edge)
    before = promised(edge)
    with edge():
        session().execute(update(OutboxEvent).values(handled_at=None))
    announce_all(app, edge)
    assert promised(edge) == before


def test_what_is_off_or_blocked_or_did_not_ask_hears_nothing(app, edge) -> None:
    supplier = make_company("supplier")
    offer = make_offer(supplier=supplier)
    off, blocked, picky = make_user(), make_user(), make_user()
    make_webhook(off, off_at=now(), off_reason="paused")
    make_webhook(blocked)
    make_webhook(picky, event_types=["invoice.issued"])
    for buyer in (off, blocked, picky):
        make_order({offer.id: 1}, buyer=buyer)
    with edge() as current:
        block(current.get_one(Company, blocked.company_id), by=None)
    announce_all(app, edge)
    assert promised(edge) == {}


def test_a_supplier_hears_what_became_of_its_lists(app, edge, client, drain) -> None:
    owner, other = make_user("supplier"), make_user("supplier")
    make_webhook(owner, url="https://127.0.0.1:9/")
    make_webhook(other, url="https://127.0.0.1:9/")
    for content in (list_of(good(1)), b"no list"):
        answer = client.post(
            "/api/v1/catalog/price-lists", data={"file": (BytesIO(content), "list.yaml")}, headers=bearer(owner)
        )
        assert answer.status_code == 202, answer.text
        drain(limit=100)
    told = promised(edge)
    assert set(told) == {owner.company_id}
    [applied] = told[owner.company_id]["price_list.applied"]
    [failed] = told[owner.company_id]["price_list.failed"]
    assert (applied["state"], failed["state"]) == ("applied", "failed")


def test_announcing_costs_the_same_statements_for_one_supplier_and_for_five(app, edge, count_statements) -> None:
    counts = []
    for size in (1, 5):
        owners = [make_user("supplier") for _ in range(size)]
        for owner in owners:
            make_webhook(owner)
        make_order({make_offer(supplier=owner.company).id: 1 for owner in owners})
        with count_statements() as statements:
            announce_all(app, edge)
        counts.append(len(statements))
        with edge():
            session().execute(update(OutboxEvent).values(handled_at=now()))
    assert counts[0] == counts[1]
