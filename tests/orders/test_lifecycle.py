"""How orders move, and what each move does to stock, history, documents and events."""

from decimal import Decimal

import pytest
from flask import Flask
from sqlalchemy import select

from shop.auth.models import LegalEntity, User
from shop.catalog.models import StockLevel
from shop.database import session
from shop.orders.errors import MoveNotAllowed, MoveNotYours, NothingToCancel, NothingToFulfill, SellerIncomplete
from shop.orders.models import Invoice, OrderEvent, SupplierOrder
from shop.orders.parts.lifecycle import cancel_order, check_move, fulfill_order, move, moves_of
from shop.orders.parts.row_locks import lock_order
from shop.orders.queries import find_order
from shop.orders.states import PART_STATES, STATES, state_of
from shop.outbox.models import OutboxEvent
from tests.factories.auth import bearer, make_user
from tests.factories.catalog import make_offer
from tests.factories.orders import make_order


@pytest.fixture
def manager(app: Flask):
    return make_user("manager")


def advance(edge, order, manager, *states: str) -> None:
    with edge() as current:
        by = current.merge(manager)
        found = lock_order(order.id, by=by)
        for state in states:
            move(found, found.parts, to=state, by=by)


def fulfill(edge, order, manager) -> None:
    with edge() as current:
        by = current.merge(manager)
        fulfill_order(order.id, by=by)


def cancel(edge, order, by) -> None:
    with edge() as current:
        by = current.merge(by)
        cancel_order(order.id, by=by, reason="передумали")


def stock_of(edge, offer) -> tuple[Decimal, Decimal]:
    with edge():
        stock = session().get_one(StockLevel, offer.id)
        return stock.on_hand, stock.reserved


def test_fulfilling_confirms_numbers_and_tells(edge, manager) -> None:
    order = make_order({make_offer().id: 1, make_offer().id: 2})
    fulfill(edge, order, manager)
    with edge() as current:
        found = find_order(order.id, by=current.merge(manager))
        invoices = session().scalars(select(Invoice).order_by(Invoice.id)).all()
        assert [part.state for part in found.parts] == ["confirmed", "confirmed"]
        assert (found.state, found.version) == ("confirmed", 2)
        assert [invoice.sequence for invoice in invoices] == [1, 1]
        events = session().scalars(select(OutboxEvent).filter_by(type="supplier_order.confirmed")).all()
        assert [event.payload["invoice_id"] for event in events] == [invoice.id for invoice in invoices]
        history = session().scalars(select(OrderEvent).filter_by(to_state="confirmed")).all()
        assert [(event.from_state, event.user_id) for event in history] == [("new", manager.id)] * 2


def test_a_managers_reason_stays_in_the_history(client, manager, edge) -> None:
    order = make_order()
    client.post(f"/api/v1/orders/{order.id}/fulfill", json={"reason": "По телефону"}, headers=bearer(manager))
    with edge():
        assert session().scalars(select(OrderEvent.reason).filter_by(to_state="confirmed")).all() == ["По телефону"]


def test_fulfilling_twice_is_refused_and_numbers_nothing(edge, manager) -> None:
    order = make_order()
    fulfill(edge, order, manager)
    with pytest.raises(NothingToFulfill):
        fulfill(edge, order, manager)
    with edge():
        assert len(session().scalars(select(Invoice)).all()) == 1


def test_numbers_have_no_gaps_when_a_confirmation_fails(edge, manager) -> None:
    supplier = make_offer().supplier
    orders = [make_order({make_offer(supplier=supplier).id: 1}) for _ in range(3)]
    fulfill(edge, orders[0], manager)
    with pytest.raises(RuntimeError), edge() as current:
        by = current.merge(manager)
        fulfill_order(orders[1].id, by=by)
        raise RuntimeError("killed before the commit")
    fulfill(edge, orders[2], manager)
    with edge():
        invoices = session().scalars(select(Invoice).order_by(Invoice.id)).all()
        assert [invoice.sequence for invoice in invoices] == [1, 2]
        assert invoices[1].number == f"ТТ-{invoices[1].issued_on:%y}-000002"


def test_refuses_a_seller_whose_invoice_could_not_be_numbered(edge, manager) -> None:
    order = make_order()
    with edge():
        session().query(LegalEntity).update({"document_prefix": None})
    with pytest.raises(SellerIncomplete):
        fulfill(edge, order, manager)


def test_canceling_releases_the_stock_once_and_annuls_the_invoice(edge, manager) -> None:
    offer = make_offer(on_hand=10)
    order = make_order({offer.id: 4})
    fulfill(edge, order, manager)
    cancel(edge, order, manager)
    assert stock_of(edge, offer) == (10, 0)
    with pytest.raises(NothingToCancel):
        cancel(edge, order, manager)
    assert stock_of(edge, offer) == (10, 0)
    with edge():
        invoice = session().scalars(select(Invoice)).one()
        assert invoice.annulled_at
        assert invoice.document["annulled"]["reason"] == "передумали"


def test_a_buyer_cancels_until_it_is_assembled(edge, manager) -> None:
    buyer = make_user()
    order = make_order(buyer=buyer)
    advance(edge, order, manager, "confirmed", "assembled")
    with pytest.raises(NothingToCancel):
        cancel(edge, order, buyer)
    cancel(edge, order, manager)


@pytest.mark.parametrize(("on_hand", "left"), [(10, 6), (4, 0)])
def test_sending_takes_the_goods_out_of_the_warehouse(edge, manager, on_hand: int, left: int) -> None:
    offer = make_offer(on_hand=on_hand)
    order = make_order({offer.id: 4})
    advance(edge, order, manager, "confirmed", "sent")
    assert stock_of(edge, offer) == (left, 0)


def test_sending_more_than_is_there_leaves_nothing_but_no_debt(edge, manager) -> None:
    offer = make_offer(on_hand=1, stock_kind="unknown")
    order = make_order({offer.id: 4})
    advance(edge, order, manager, "confirmed", "sent")
    assert stock_of(edge, offer) == (0, 0)


@pytest.mark.parametrize(
    ("state", "to"), [(state, to) for state in STATES for to in STATES if to not in PART_STATES[state].to]
)
def test_refuses_every_move_that_is_not_a_transition(state: str, to: str) -> None:
    with pytest.raises(MoveNotAllowed) as refused:
        check_move(SupplierOrder(state=state), to, User(role="manager"))
    assert refused.value.facts["allowed"] == (", ".join(PART_STATES[state].to) or "nothing")


@pytest.mark.parametrize(
    ("state", "role", "allowed"),
    [
        ("new", "supplier", ("confirmed", "canceled")),
        ("new", "buyer", ("canceled",)),
        ("confirmed", "buyer", ("canceled",)),
        ("confirmed", "supplier", ("assembled", "sent", "canceled")),
        ("assembled", "buyer", ()),
        ("assembled", "supplier", ("sent", "canceled")),
        ("sent", "buyer", ("delivered", "refused")),
        ("sent", "supplier", ("delivered",)),
        ("delivered", "manager", ()),
    ],
)
def test_each_role_moves_what_is_its_own(state: str, role: str, allowed: tuple[str, ...]) -> None:
    part, by = SupplierOrder(state=state), User(role=role)
    assert moves_of(part, by) == allowed
    for to in set(PART_STATES[state].to) - set(allowed):
        with pytest.raises(MoveNotYours):
            check_move(part, to, by)


@pytest.mark.parametrize(
    ("states", "rolled_up"),
    [
        (["new", "sent"], "new"),
        (["canceled", "sent"], "sent"),
        (["canceled", "canceled"], "canceled"),
        (["delivered", "refused"], "refused"),
        (["confirmed", "assembled", "delivered"], "confirmed"),
    ],
)
def test_an_order_is_as_far_as_its_least_advanced_part(states: list[str], rolled_up: str) -> None:
    assert state_of(states) == rolled_up
