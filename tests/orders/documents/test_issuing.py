"""Numbers without gaps, years and days where the seller is, data that stays, PDFs that are always the same bytes."""

from datetime import UTC, date, datetime
from threading import Thread
from typing import Any

import pytest
import time_machine
from flask import Flask
from sqlalchemy import select, update

from shop.auth.models import SUPPLIER, LegalEntity
from shop.catalog.models import Offer
from shop.database import session
from shop.orders.documents import stored_pdf
from shop.orders.documents.pdf import render_invoice
from shop.orders.documents.stored_pdf import keep_paper
from shop.orders.models import Invoice, SupplierOrder
from shop.orders.parts.lifecycle import cancel_order, fulfill_order
from tests.factories.auth import bearer, make_company, make_user
from tests.factories.catalog import make_offer
from tests.factories.orders import make_order


@pytest.fixture
def manager(app: Flask):
    return make_user("manager")


def act(edge, order, story, manager, **others) -> None:
    with edge() as current:
        by = current.merge(manager)
        story(order.id, by=by, **others)


def invoices(edge) -> list[Invoice]:
    with edge():
        found = list(session().scalars(select(Invoice).order_by(Invoice.id)))
        assert all(invoice.data for invoice in found)
        return found


def supplier_at(edge, time_zone: str, prefix: str):
    company = make_company(SUPPLIER)
    with edge():
        entity = session().scalars(select(LegalEntity).filter_by(company_id=company.id)).one()
        entity.time_zone, entity.document_prefix = time_zone, prefix
    return company


def test_the_year_begins_where_the_seller_is(edge, manager) -> None:
    """At 12:30 UTC on December 31 it is New Year in Kamchatka, and not yet in Kaliningrad."""
    offers = [
        make_offer(supplier=supplier_at(edge, zone, prefix))
        for zone, prefix in (("Asia/Kamchatka", "ПК"), ("Europe/Kaliningrad", "КЛ"))
    ]
    before = make_order({offer.id: 1 for offer in offers})
    after = make_order({offer.id: 1 for offer in offers})
    with time_machine.travel(datetime(2026, 12, 31, 11, 30, tzinfo=UTC), tick=False):
        act(edge, before, fulfill_order, manager)
    with time_machine.travel(datetime(2026, 12, 31, 12, 30, tzinfo=UTC), tick=False):
        act(edge, after, fulfill_order, manager)
    assert [(each.number, each.issued_on, each.year) for each in invoices(edge)] == [
        ("ПК-26-000001", date(2026, 12, 31), 2026),
        ("КЛ-26-000001", date(2026, 12, 31), 2026),
        ("ПК-27-000001", date(2027, 1, 1), 2027),
        ("КЛ-26-000002", date(2026, 12, 31), 2026),
    ]


def test_an_annulled_number_is_never_given_again(edge, manager) -> None:
    offer = make_offer()
    for _ in range(2):
        order = make_order({offer.id: 1})
        act(edge, order, fulfill_order, manager)
        act(edge, order, cancel_order, manager, reason="передумали")
    act(edge, make_order({offer.id: 1}), fulfill_order, manager)
    assert [(each.sequence, each.annulled_at is None) for each in invoices(edge)] == [(1, False), (2, False), (3, True)]


def test_a_number_that_was_rolled_back_is_given_again(edge, manager) -> None:
    offer = make_offer()
    first, second = make_order({offer.id: 1}), make_order({offer.id: 1})
    with pytest.raises(RuntimeError), edge() as current:
        fulfill_order(first.id, by=current.merge(manager))
        raise RuntimeError("killed before the commit")
    act(edge, second, fulfill_order, manager)
    assert [each.sequence for each in invoices(edge)] == [1]


def test_many_at_once_leave_no_gap_and_no_double(edge, manager) -> None:
    offer = make_offer(on_hand=1000)
    orders = [make_order({offer.id: 1}) for _ in range(8)]
    threads = [Thread(target=act, args=(edge, order, fulfill_order, manager)) for order in orders]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert sorted(each.sequence for each in invoices(edge)) == list(range(1, 9))


def test_what_an_invoice_says_stays_whatever_becomes_of_those_it_names(edge, manager) -> None:
    order = make_order(client_reference="PO-1", requested_delivery_on=date(2999, 11, 24))
    act(edge, order, fulfill_order, manager)
    [before] = invoices(edge)
    with edge():
        for entity in session().scalars(select(LegalEntity)):
            entity.full_name, entity.bank_account, entity.time_zone = "Другое", "0", "Asia/Tokyo"
        for offer in session().scalars(select(Offer)):
            offer.name, offer.vat_rate = "Другой товар", "10"
    [after] = invoices(edge)
    assert after.data == before.data
    assert render_invoice(after.document) == render_invoice(before.document)
    assert before.data["shipment_on"] == "2999-11-24"


def test_names_the_contract_that_the_supplier_has_stated(edge, client, manager) -> None:
    company, words = make_company(SUPPLIER), "Договор поставки № 17/26 от 01.02.2026"
    offer, supplier = make_offer(supplier=company), make_user(SUPPLIER, company=company)
    before, buyer = make_order({offer.id: 1}), make_user()
    act(edge, before, fulfill_order, manager)
    after, others = make_order({offer.id: 1}, buyer=before.user), make_order({offer.id: 1}, buyer=buyer)
    with edge():
        [part_id] = session().scalars(select(SupplierOrder.id).filter_by(order_id=before.id))
    path = f"/api/v1/supplier-orders/{part_id}/contract"
    assert client.put(path, headers=bearer(supplier), json={"contract": words}).json["contract"] == words
    assert client.get(path, headers=bearer(before.user)).json["contract"] == words
    for order in (after, others):
        act(edge, order, fulfill_order, manager)
    assert [each.data["contract"] for each in invoices(edge)] == [None, words, None]
    assert client.put(path, headers=bearer(supplier), json={"contract": None}).json["contract"] is None
    assert client.get(path, headers=bearer(supplier)).json["contract"] is None


def test_remembers_who_stated_which_contract(edge, client, manager) -> None:
    company = make_company(SUPPLIER)
    offer, supplier = make_offer(supplier=company), make_user(SUPPLIER, company=company)
    make_order({offer.id: 1})
    with edge():
        [part_id] = session().scalars(select(SupplierOrder.id).filter_by(supplier_id=company.id))
    path = f"/api/v1/supplier-orders/{part_id}/contract"

    def state(words: str | None, by: Any, **headers: str) -> Any:
        return client.put(path, headers=bearer(by) | headers, json={"contract": words})

    unstated = client.get(path, headers=bearer(supplier))
    assert (unstated.json["history"], unstated.headers["ETag"]) == ([], '"0"')
    first = state("Договор № 1", supplier)
    again = state("Договор № 1", supplier)
    assert again.headers["ETag"] == first.headers["ETag"] != '"0"'
    stale = state("Договор № 2", manager, **{"If-Match": '"0"'})
    assert (stale.status_code, stale.json["code"]) == (412, "Stale")
    last = state(None, manager, **{"If-Match": first.headers["ETag"]})
    assert last.headers["ETag"] not in ('"0"', first.headers["ETag"])
    seen = client.get(path, headers=bearer(supplier))
    assert seen.headers["ETag"] == last.headers["ETag"]
    assert [(each["contract"], each["user_id"]) for each in seen.json["history"]] == [
        ("Договор № 1", supplier.id),
        (None, manager.id),
    ]


def test_its_paper_is_made_once_and_anew_only_for_the_stamp(edge, client, manager) -> None:
    order = make_order()
    act(edge, order, fulfill_order, manager)
    [invoice] = invoices(edge)
    path, headers = f"/api/v1/invoices/{invoice.id}", bearer(order.user)
    before_it_is_kept = client.get(path, headers=headers).data
    with edge():
        keep_paper(invoice.id)
    with edge():
        assert session().scalar(select(Invoice.paper)) == before_it_is_kept
        session().execute(update(Invoice).values(paper=b"%PDF of an earlier release"))
    assert client.get(path, headers=headers).data == b"%PDF of an earlier release"
    act(edge, order, cancel_order, manager)
    stamped = client.get(path, headers=headers).data
    with edge():
        keep_paper(invoice.id)
    with edge():
        assert session().scalar(select(Invoice.paper)) == stamped
    assert b"%PDF of an earlier release" != stamped != before_it_is_kept


def test_a_stamp_is_not_lost_to_a_paper_made_meanwhile(edge, manager, monkeypatch) -> None:
    order = make_order()
    act(edge, order, fulfill_order, manager)
    [invoice] = invoices(edge)

    def render_while_it_is_canceled(document: Any) -> bytes:
        canceling = Thread(target=act, args=(edge, order, cancel_order, manager))
        canceling.start()
        canceling.join(30)
        return render_invoice(document)

    monkeypatch.setattr(stored_pdf, "render_invoice", render_while_it_is_canceled)
    with edge():
        keep_paper(invoice.id)
    with edge():
        assert list(session().scalars(select(Invoice.paper))) == [None]


class TestDownload:
    @pytest.fixture
    def paper(self, edge, manager):
        order = make_order()
        act(edge, order, fulfill_order, manager)
        return order, f"/api/v1/invoices/{invoices(edge)[0].id}"

    def test_those_who_have_it_do_not_load_it_again(self, client, paper) -> None:
        order, path = paper
        headers = bearer(order.user)
        first = client.get(path, headers=headers)
        again = client.get(path, headers=headers | {"If-None-Match": first.headers["ETag"]})
        assert (first.status_code, again.status_code, again.data) == (200, 304, b"")
        assert first.headers["Cache-Control"] == "private, no-cache"

    def test_an_annulled_one_is_another_version(self, client, edge, manager, paper) -> None:
        order, path = paper
        headers = bearer(order.user)
        etag = client.get(path, headers=headers).headers["ETag"]
        act(edge, order, cancel_order, manager)
        stamped = client.get(path, headers=headers | {"If-None-Match": etag})
        assert (stamped.status_code, stamped.headers["ETag"] == etag) == (200, False)

    def test_a_stranger_finds_nothing(self, client, paper) -> None:
        for stranger in (make_user(), make_user(SUPPLIER)):
            answer = client.get(paper[1], headers=bearer(stranger) | {"If-None-Match": "*"})
            assert (answer.status_code, answer.json["code"]) == (404, "InvoiceNotFound")
