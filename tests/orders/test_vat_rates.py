"""Which VAT rate counts: the list's, else the seller's own; never «без НДС» for want of one; no total ever moves."""

from decimal import Decimal

import pytest
from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select, text, update

from shop.auth.models import MANAGER, SUPPLIER, LegalEntity
from shop.catalog.models import Offer
from shop.catalog.vat_rates import effective_vat_rate, sql_default_vat_rate
from shop.database import session, transaction
from shop.money import VAT_RATES
from shop.orders.basket.additions import Wanted, add_lines
from shop.orders.basket.basket_json import basket_view
from shop.orders.basket.contents import basket_lines
from shop.orders.models import Invoice, OrderEvent, SupplierOrder
from shop.orders.parts.lifecycle import fulfill_order
from shop.orders.placing.placement import place_order
from shop.orders.queries import find_order
from tests import factories
from tests.factories.auth import bearer, make_company, make_contact, make_user
from tests.factories.catalog import make_offer
from tests.factories.orders import make_order

API = "/api/v1"
NET = {"price_includes_vat": False}


@pytest.fixture
def buyer(app: Flask):
    return make_user()


def seller(**terms):
    return make_user(SUPPLIER, company=make_company(SUPPLIER, **terms))


def state_default(edge, company, rate: str | None) -> None:
    with edge():
        session().execute(update(LegalEntity).where(LegalEntity.company_id == company.id).values(default_vat_rate=rate))


def order(client, buyer, *offers: Offer, quantity: float = 10):
    lines = [{"offer_id": offer.id, "quantity": quantity} for offer in offers]
    body = {"contact_id": make_contact(buyer).id, "lines": lines}
    return client.post(f"{API}/orders", json=body, headers=bearer(buyer))


def act(client, part_id: int, who, verb: str, **body):
    path = f"{API}/supplier-orders/{part_id}"
    return client.post(f"{path}/{verb}", json=body, headers=bearer(who) | {"If-Match": "*"})


def documents(edge) -> list[dict]:
    with edge():
        return [invoice.document for invoice in session().scalars(select(Invoice).order_by(Invoice.id))]


def forget_rates(edge, part: SupplierOrder) -> None:
    """As a part stood that was placed before every line had its rate."""
    with edge() as current:
        found = current.get_one(SupplierOrder, part.id)
        for line in found.lines:
            line.vat_rate, line.vat_is_default = None, False
            line.total = line.total if found.price_includes_vat else line.net
            line.net, line.vat = line.total, Decimal(0)
        found.delivery_vat_rate = None
        found.subtotal = sum((line.total for line in found.lines), Decimal(0))
        found.vat_total, found.total = found.delivery_vat, found.subtotal + found.delivery_fee
        for name in ("subtotal", "vat_total", "total"):
            setattr(found.order, name, getattr(found, name))


def test_the_sellers_rate_counts_where_the_list_states_none(client, edge, buyer) -> None:
    company = seller(**NET, delivery_fee=Decimal(120)).company
    unknown, stated, free = (make_offer(supplier=company, vat_rate=rate) for rate in (None, "10", "none"))
    lines = [{"offer_id": offer.id, "quantity": 1} for offer in (unknown, stated, free)]
    basket = client.post(f"{API}/basket/lines", json={"lines": lines}, headers=bearer(buyer)).json
    shown = [(line["vat_rate"], line["vat_is_default"], line["total"]) for line in basket["lines"]]
    assert shown == [("22", True, "122.00"), ("10", False, "110.00"), ("none", False, "100.00")]
    placed = client.post(f"{API}/orders", json={"contact_id": make_contact(buyer).id}, headers=bearer(buyer)).json
    [part] = placed["parts"]
    assert [(line["vat_rate"], line["vat_is_default"], line["total"]) for line in part["lines"]] == shown
    assert (placed["total"], part["total_to_agree"]) == (basket["total"], None)
    with edge():
        assert session().get_one(Offer, unknown.id).vat_rate is None

    state_default(edge, company, "5")  # moves nothing that was placed, the delivery neither
    manager = bearer(make_user(MANAGER))
    confirmed = client.post(f"{API}/orders/{placed['id']}/fulfill", json={}, headers=manager).json
    assert (confirmed["total"], confirmed["vat_total"]) == (placed["total"], placed["vat_total"])
    [document] = documents(edge)
    assert [line["vat_rate"] for line in document["lines"]] == ["22", "10", "none"]
    assert (document["delivery"]["vat_rate"], document["delivery"]["vat"]) == ("22", "21.64")
    assert document["totals"]["total"] == placed["total"]


def test_neither_known_is_refused_by_name_and_goes_through_once_stated(client, edge, buyer) -> None:
    company = seller().company
    nameless, other = make_offer(supplier=company, vat_rate=None, name="Сито"), make_offer(supplier=company)
    state_default(edge, company, None)
    lines = {"lines": [{"offer_id": nameless.id, "quantity": 1}]}
    [line] = client.post(f"{API}/basket/lines", json=lines, headers=bearer(buyer)).json["lines"]
    assert (line["vat_rate"], line["vat_is_default"], line["is_orderable"]) == (None, False, False)
    assert [change["code"] for change in line["changes"]] == ["VatRateUnknown"]
    refused = order(client, buyer, nameless, other)
    assert (refused.status_code, refused.json["code"]) == (409, "VatRateUnknown")
    assert refused.json["facts"]["lines"] == [{"offer_id": nameless.id, "name": "Сито"}]
    assert order(client, buyer, other).status_code == 201
    state_default(edge, company, "10")
    again = order(client, buyer, nameless, other)
    assert (again.status_code, again.json["parts"][0]["lines"][0]["vat_rate"]) == (201, "10")


def test_a_delivery_of_unknown_rate_is_refused_too(client, edge, buyer) -> None:
    company = seller(delivery_fee=Decimal(50)).company
    state_default(edge, company, None)
    refused = order(client, buyer, make_offer(supplier=company)).json
    assert (refused["code"], refused["facts"]["delivery_by"]) == ("VatRateUnknown", [company.name])


class TestPlacedBefore:
    def test_prices_with_vat_hold_it_already(self, client, edge) -> None:
        supplier = seller(delivery_fee=Decimal(120))
        part = make_order({make_offer(supplier=supplier.company, vat_rate=None).id: 1}).parts[0]
        forget_rates(edge, part)
        confirmed = act(client, part.id, supplier, "confirm").json
        assert (confirmed["total"], confirmed["total_to_agree"], confirmed["vat_total"]) == ("220.00", None, "39.67")
        [line] = confirmed["lines"]
        assert (line["vat_rate"], line["vat_is_default"], line["net"]) == ("22", True, "81.97")
        [document] = documents(edge)
        assert document["totals"]["vat_by_rate"] == [{"rate": "22", "net": "180.33", "vat": "39.67", "total": "220.00"}]

    def test_prices_without_vat_wait_until_the_buyer_agrees_to_the_total(self, client, edge, buyer) -> None:
        supplier = seller(**NET)
        part = make_order({make_offer(supplier=supplier.company, vat_rate=None).id: 10}, buyer=buyer).parts[0]
        forget_rates(edge, part)
        cut = {"line_id": part.lines[0].id, "quantity": 9, "reason": "Бой"}
        for body in ({}, {"lines": [cut]}):
            refused = act(client, part.id, supplier, "confirm", **body).json
            assert (refused["code"], refused["facts"]["placed"], refused["facts"]["total"]) == (
                "TotalNotAgreed",
                "1000.00",
                "1220.00",
            )
        seen = client.get(f"{API}/orders/{part.order_id}", headers=bearer(buyer)).json
        assert (seen["total"], seen["parts"][0]["total_to_agree"]) == ("1000.00", "1220.00")

        assert act(client, part.id, supplier, "agree-total", total="1220.00").status_code == 403
        other = act(client, part.id, buyer, "agree-total", total="1200.00")
        assert (other.json["code"], other.json["facts"]["total"]) == ("TotalChanged", "1220.00")
        agreed = act(client, part.id, buyer, "agree-total", total="1220.00").json
        assert (agreed["total"], agreed["vat_total"], agreed["total_to_agree"]) == ("1220.00", "220.00", None)
        assert (agreed["state"], agreed["version"], agreed["history"][-1]["reason"]) == ("new", 2, "1000.00 → 1220.00")
        again = act(client, part.id, buyer, "agree-total", total="1220.00")
        assert (again.status_code, again.json["code"]) == (409, "NothingToAgree")

        state_default(edge, supplier.company, "10")  # agreed is agreed
        confirmed = act(client, part.id, supplier, "confirm", lines=[cut]).json
        assert (confirmed["state"], confirmed["total"]) == ("confirmed", "1098.00")
        assert client.get(f"{API}/orders/{part.order_id}", headers=bearer(buyer)).json["total"] == "1098.00"
        assert documents(edge)[0]["lines"][0]["vat_rate"] == "22"

    def test_a_default_that_changes_meanwhile_is_not_agreed_to_unseen(self, client, edge, buyer) -> None:
        supplier = seller(**NET)
        part = make_order({make_offer(supplier=supplier.company, vat_rate=None).id: 10}, buyer=buyer).parts[0]
        forget_rates(edge, part)
        state_default(edge, supplier.company, "10")
        assert act(client, part.id, buyer, "agree-total", total="1220.00").json["code"] == "TotalChanged"
        assert act(client, part.id, buyer, "agree-total", total="1100.00").status_code == 200

    def test_a_manager_says_how_the_buyer_has_agreed(self, client, edge) -> None:
        manager, supplier = make_user(MANAGER), seller(**NET)
        part = make_order({make_offer(supplier=supplier.company, vat_rate=None).id: 10}).parts[0]
        forget_rates(edge, part)
        silent = act(client, part.id, manager, "agree-total", total="1220.00")
        assert (silent.status_code, silent.json["errors"][0]["field"]) == (422, "reason")
        assert act(client, part.id, manager, "agree-total", total="1220.00", reason="По телефону").status_code == 200
        with edge():
            told = session().scalars(select(OrderEvent).order_by(OrderEvent.id.desc()).limit(1)).one()
            assert told.reason == "1000.00 → 1220.00 (По телефону)"
        assert act(client, part.id, supplier, "confirm").status_code == 200

    @pytest.mark.parametrize("rate", ["none", "0"])
    def test_a_rate_that_adds_nothing_needs_nobody(self, client, edge, buyer, rate) -> None:
        supplier = seller(**NET)
        part = make_order({make_offer(supplier=supplier.company, vat_rate=None).id: 10}, buyer=buyer).parts[0]
        forget_rates(edge, part)
        state_default(edge, supplier.company, rate)
        assert act(client, part.id, buyer, "agree-total", total="1000.00").json["code"] == "NothingToAgree"
        confirmed = act(client, part.id, supplier, "confirm").json
        assert (confirmed["total"], confirmed["lines"][0]["vat_rate"]) == ("1000.00", rate)

    def test_without_any_rate_it_is_not_confirmed_and_can_be_canceled(self, client, edge, buyer) -> None:
        supplier = seller()
        part = make_order({make_offer(supplier=supplier.company, vat_rate=None).id: 1}, buyer=buyer).parts[0]
        forget_rates(edge, part)
        state_default(edge, supplier.company, None)
        refused = act(client, part.id, supplier, "confirm")
        assert (refused.status_code, refused.json["code"]) == (409, "VatRateUnknown")
        assert documents(edge) == []
        assert act(client, part.id, buyer, "cancel").json["state"] == "canceled"

    def test_a_correction_states_the_rate_of_the_invoice_that_it_corrects(self, client, edge) -> None:
        supplier = seller()
        offer = make_offer(supplier=supplier.company, vat_rate="none")
        part = make_order({offer.id: 10}).parts[0]
        act(client, part.id, supplier, "confirm")
        forget_rates(edge, part)  # the release before printed «без НДС» and kept no rate
        cut = {"line_id": part.lines[0].id, "quantity": 7, "reason": "Бой"}
        assert act(client, part.id, supplier, "send", lines=[cut]).status_code == 200
        invoice, correction = documents(edge)
        assert correction["changes"][0]["vat_rate"] == invoice["lines"][0]["vat_rate"] == "none"


rates = st.sampled_from((None, *VAT_RATES))
goods = st.lists(
    st.tuples(
        st.decimals("0.0001", "99999.9999", places=4), st.decimals("0.001", "999.999", places=3), rates, st.booleans()
    ),
    min_size=1,
    max_size=6,
)


@given(goods=goods, default=st.sampled_from(VAT_RATES), later=st.sampled_from(VAT_RATES), fee=st.integers(0, 999))
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_basket_order_and_document_come_to_the_same_kopeck(app: Flask, goods, default, later, fee) -> None:
    with factories.app.app_context(), transaction() as current:
        buyer, manager = make_user(), make_user(MANAGER)
        contact = make_contact(buyer)
        sellers = {
            includes_vat: make_company(SUPPLIER, price_includes_vat=includes_vat, delivery_fee=Decimal(fee))
            for includes_vat in (True, False)
        }
        wanted = [
            Wanted(quantity, offer_id=_sold_by_weight(sellers[includes_vat], price, rate).id)
            for price, quantity, rate, includes_vat in goods
        ]
        current.execute(update(LegalEntity).values(default_vat_rate=default))
        add_lines(buyer, wanted)
        basket = basket_view(basket_lines(buyer))
        order_id = place_order(buyer, contact=contact)
        current.execute(update(LegalEntity).values(default_vat_rate=later))
        order = find_order(order_id, by=manager)
        assert str(order.total) == basket["total"]
        fulfill_order(order.id, by=manager)
        current.flush()
        papers = [invoice.document["totals"] for invoice in current.scalars(select(Invoice))]
        papers = papers[-len(order.parts) :]
        assert (_sum(papers, "total"), _sum(papers, "vat"), _sum(papers, "net")) == (
            order.total,
            order.vat_total,
            order.total - order.vat_total,
        )
        for paper in papers:
            assert {name: _sum(paper["vat_by_rate"], name) for name in ("net", "vat", "total")} == {
                name: Decimal(paper[name]) for name in ("net", "vat", "total")
            }
        lines = [line for part in order.parts for line in part.lines]
        assert {line.vat_rate for line in lines} <= {rate or default for _, _, rate, _ in goods}
        current.rollback()


def _sold_by_weight(company, price: Decimal, rate: str | None) -> Offer:
    thousandth = Decimal("0.001")
    return make_offer(
        supplier=company, price=str(price), vat_rate=rate, on_hand=10**6, unit="кг", unit_code="166",
        quantity_step=thousandth, minimum_quantity=thousandth,
    )  # fmt: skip


def _sum(rows, name: str) -> Decimal:
    return sum((Decimal(row[name]) for row in rows), Decimal(0))


@pytest.mark.parametrize("stated", [None, "10", "none"])
@pytest.mark.parametrize("default", [None, "22", "none"])
def test_sql_has_the_same_rate(edge, stated: str | None, default: str | None) -> None:
    offer = make_offer(vat_rate=stated)
    with edge() as current:
        current.execute(update(LegalEntity).values(default_vat_rate=default))
        ordering = sql_default_vat_rate("offers.supplier_id")
        comparing = "(SELECT default_rate FROM vat_terms(offers.supplier_id))"
        rates = ", ".join(f"coalesce(vat_rate, {default_rate})" for default_rate in (ordering, comparing))
        in_sql = current.execute(text(f"SELECT {rates} FROM offers WHERE id = :id"), {"id": offer.id}).one()
    assert set(in_sql) == {effective_vat_rate(stated, default)}
