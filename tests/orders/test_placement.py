"""Placing an order: prices frozen, stock reserved, split by supplier, all of it or nothing."""

from decimal import Decimal

import pytest
from flask import Flask
from sqlalchemy import select, update

from shop.auth.models import SUPPLIER, Company
from shop.catalog.models import Offer, StockLevel
from shop.catalog.stock import OutOfStock, TooMuchReserved
from shop.database import session
from shop.orders.basket.additions import Wanted, add_lines
from shop.orders.basket.contents import acknowledge_changes, basket_lines, take_basket
from shop.orders.errors import (
    AmountTooLarge,
    BasketChanged,
    BasketEmpty,
    BelowMinimumOrder,
    OfferOnHold,
    OfferUnknown,
    OfferWithdrawn,
    QuantityNotMultiple,
    SupplierNotAccepting,
)
from shop.orders.models import Order, OrderEvent
from shop.orders.placing.placement import place_order
from shop.orders.queries import find_order
from shop.outbox.models import OutboxEvent
from tests.factories.auth import make_company, make_contact, make_user
from tests.factories.catalog import make_offer

MANY_LINES = """
INSERT INTO offers (product_id, supplier_id, external_id, sku, name, category_id, price)
SELECT product_id, supplier_id, 'many ' || n, sku, name, category_id, price FROM offers, generate_series(1, 3000) AS n;
INSERT INTO basket_lines (basket_id, offer_id, quantity, price_seen, unit_seen)
SELECT baskets.id, offers.id, 1, price, unit FROM baskets, offers WHERE external_id LIKE 'many %' LIMIT 999;
ANALYZE offers, baskets, basket_lines
"""


@pytest.fixture
def buyer(app: Flask):
    return make_user()


@pytest.fixture
def contact(buyer):
    return make_contact(buyer)


def place(edge, buyer, contact, lines=None, **others) -> Order:
    with edge() as current:
        wanted = None if lines is None else {offer.id: Decimal(str(quantity)) for offer, quantity in lines.items()}
        by = current.merge(buyer)
        return find_order(place_order(by, contact=current.merge(contact), lines=wanted, **others), by=by)


def reserved(edge, offer) -> Decimal:
    with edge():
        return session().get_one(StockLevel, offer.id).reserved


def test_splits_by_supplier_and_freezes_what_was_agreed(edge, buyer, contact) -> None:
    first, second = make_offer(price="10.50", name="Сахар"), make_offer(price="99.99")
    third = make_offer(price="1.00", supplier=first.supplier)
    order = place(edge, buyer, contact, {first: 2, second: 1, third: 5}, client_reference="PO-1")
    assert [[line.offer_id for line in part.lines] for part in order.parts] == [[first.id, third.id], [second.id]]
    with edge():
        session().execute(update(Offer).values(price=1, name="другое"))
    with edge():
        line = session().get_one(Order, order.id).parts[0].lines[0]
        assert (line.name, line.price, line.total) == ("Сахар", Decimal("10.50"), Decimal("21.00"))
    assert (order.total, order.number, order.state) == (Decimal("125.99"), f"{order.created_at:%Y}-000001", "new")


def test_reserves_the_stock_and_leaves_a_history(edge, buyer, contact) -> None:
    offer = make_offer(on_hand=10)
    order = place(edge, buyer, contact, {offer: 3})
    assert reserved(edge, offer) == 3
    with edge():
        event = session().scalars(select(OrderEvent)).one()
        published = session().scalars(select(OutboxEvent)).one()
        assert (event.from_state, event.to_state, event.user_id) == (None, "new", buyer.id)
        assert (published.type, published.payload) == ("order.placed", {"order_id": order.id})


def test_takes_the_basket_and_leaves_it_empty(edge, buyer, contact) -> None:
    offer = make_offer()
    with edge() as current:
        add_lines(current.merge(buyer), [Wanted(Decimal(4), offer_id=offer.id)])
    order = place(edge, buyer, contact)
    assert order.parts[0].lines[0].quantity == 4
    with edge() as current:
        assert basket_lines(current.merge(buyer)) == []
    with pytest.raises(BasketEmpty):
        place(edge, buyer, contact)


def test_taking_the_basket_does_not_read_the_catalog_for_it(edge, buyer, count_statements) -> None:
    """However many lines the planner takes a basket to have."""
    offer = make_offer()
    with edge() as current:
        add_lines(current.merge(buyer), [Wanted(Decimal(4), offer_id=offer.id)])
        current.connection().connection.driver_connection.execute(MANY_LINES)
    with edge() as current, count_statements() as sent:
        taken = [len(take_basket(current.merge(buyer))) for _ in range(2)]
        driver = current.connection().connection.driver_connection
        plan = driver.execute(f"EXPLAIN {sent[-1]}", {"user_id": buyer.id}).fetchall()
    assert taken == [1000, 0]
    assert any("Index Cond: (id = ANY" in line for (line,) in plan)


def test_refuses_a_price_that_the_buyer_has_not_seen(edge, buyer, contact) -> None:
    offer = make_offer(price="10.00")
    with edge() as current:
        add_lines(current.merge(buyer), [Wanted(Decimal(1), offer_id=offer.id)])
        current.execute(update(Offer).values(price=Decimal("11.00")))
    with pytest.raises(BasketChanged) as refused:
        place(edge, buyer, contact)
    [change] = refused.value.facts["lines"]
    assert (change["offer_id"], change["price_seen"], change["price"]) == (offer.id, "10.00", "11.00")
    with edge() as current:
        acknowledge_changes(current.merge(buyer))
    assert place(edge, buyer, contact).total == Decimal("11.00")


def test_names_every_short_line_and_reserves_nothing(edge, buyer, contact) -> None:
    scarce, plenty, gone = make_offer(on_hand=2), make_offer(on_hand=100), make_offer(on_hand=0)
    with pytest.raises(OutOfStock) as refused:
        place(edge, buyer, contact, {scarce: 3, plenty: 3, gone: 1})
    assert {(line["offer_id"], line["available"]) for line in refused.value.facts["lines"]} == {
        (scarce.id, 2),
        (gone.id, 0),
    }
    assert reserved(edge, plenty) == 0


def test_stock_of_unknown_size_is_taken_subject_to_confirmation(edge, buyer, contact) -> None:
    offer = make_offer(on_hand=0, stock_kind="on_order")
    place(edge, buyer, contact, {offer: 7})
    assert reserved(edge, offer) == 7


def test_nobody_makes_an_offer_unorderable_by_reserving_without_end(edge, buyer, contact) -> None:
    offer = make_offer(price="0.01", stock_kind="unknown")
    for _ in range(10):
        place(edge, buyer, contact, {offer: 10**9})
    with pytest.raises(TooMuchReserved):
        place(edge, buyer, contact, {offer: 1})


def test_refuses_when_the_offer_was_withdrawn(edge, buyer, contact) -> None:
    with pytest.raises(OfferWithdrawn):
        place(edge, buyer, contact, {make_offer(is_listed=False): 1})


def test_refuses_while_a_change_of_the_offer_is_being_checked(edge, buyer, contact) -> None:
    with pytest.raises(OfferOnHold):
        place(edge, buyer, contact, {make_offer(is_quarantined=True): 1})


def test_refuses_when_the_supplier_takes_no_orders(edge, buyer, contact) -> None:
    offer = make_offer(supplier=make_company(SUPPLIER, accepts_orders=False))
    with pytest.raises(SupplierNotAccepting):
        place(edge, buyer, contact, {offer: 1})


@pytest.mark.parametrize("status", ["pending", "blocked"])
def test_an_offer_of_an_invisible_supplier_is_unknown(edge, buyer, contact, status: str) -> None:
    offer = make_offer(supplier=make_company(SUPPLIER, status=status))
    with pytest.raises(OfferUnknown):
        place(edge, buyer, contact, {offer: 1})


def test_refuses_less_than_the_suppliers_minimum_naming_what_is_missing(edge, buyer, contact) -> None:
    offer = make_offer(price="40.00", supplier=make_company(SUPPLIER, minimum_order=Decimal(100)))
    with pytest.raises(BelowMinimumOrder) as refused:
        place(edge, buyer, contact, {offer: 2})
    assert refused.value.facts["missing"] == "20.00"


@pytest.mark.parametrize(
    ("quantity", "below", "above"), [("7", 5, 10), ("2.5", None, 5), ("4999.9", 4997.5, 5000), ("0.001", None, 5)]
)
def test_names_the_nearest_quantities_that_can_be_ordered(edge, buyer, contact, quantity, below, above) -> None:
    offer = make_offer(unit="кг", quantity_step=Decimal("2.5"), minimum_quantity=Decimal(5), on_hand=10**6)
    with pytest.raises(QuantityNotMultiple) as refused:
        place(edge, buyer, contact, {offer: quantity})
    facts = refused.value.facts
    assert (facts["below"], facts["above"]) == (below if quantity != "7" else 5, above if quantity != "7" else 7.5)


def test_refuses_a_sum_that_no_order_can_hold(edge, buyer, contact) -> None:
    offer = make_offer(price="9999999999", on_hand=10**9)
    with pytest.raises(AmountTooLarge):
        place(edge, buyer, contact, {offer: 10**9})


def test_takes_a_constant_number_of_statements(edge, buyer, contact, count_statements) -> None:
    supplier = make_company(SUPPLIER)
    offers = [make_offer(supplier=supplier) for _ in range(60)]
    counts = []
    for lines in (offers[:3], offers):
        with count_statements() as statements:
            place(edge, buyer, contact, dict.fromkeys(lines, 1))
        counts.append(len(statements))
    assert counts[0] == counts[1], statements
    assert counts[0] <= 12, statements


def test_company_terms_are_read_when_the_order_is_placed(edge, buyer, contact) -> None:
    supplier = make_company(SUPPLIER, delivery_fee=Decimal(600))
    offer = make_offer(supplier=supplier, price="100.00")
    order = place(edge, buyer, contact, {offer: 1})
    with edge():
        session().execute(update(Company).values(delivery_fee=0))
    assert (order.delivery_total, order.total, order.vat_total) == (
        Decimal("600.00"),
        Decimal("700.00"),
        Decimal("108.20") + Decimal("18.03"),
    )
