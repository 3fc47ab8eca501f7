"""A client's copy stays in step: every change once it is visible, in order, withdrawn offers too."""

from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import text

from shop.auth.models import ACTIVE, BLOCKED, MANAGER, PENDING, SUPPLIER, Company, User
from shop.catalog.categories import map_supplier_category, rename_category
from shop.catalog.feed import as_of, changed_offers
from shop.catalog.models import Offer, SupplierCategory
from shop.catalog.offers import show_offer
from shop.catalog.products import merge_products
from shop.catalog.search.filters import OfferFilter
from shop.catalog.stock import reserve
from shop.companies.approval import block
from shop.companies.terms_of_trade import change_terms
from shop.database import db, now, session
from tests.factories.auth import make_company, make_user
from tests.factories.catalog import make_category, make_offer, shown
from tests.outbox_drain import Drain


def pull(edge: Callable[[], Any], since: datetime, limit: int = 2) -> tuple[list[int], datetime]:
    """All pages."""
    ids, cursor = [], None
    while True:
        with edge():
            page = changed_offers(OfferFilter(), since=since, limit=limit, cursor=cursor)
        cursor, moment = page.next_cursor, page.as_of
        ids += [item["id"] for item in shown(page.items)]
        if cursor is None:
            return ids, moment


def test_brings_what_changed_in_the_order_of_change(app: Flask, edge: Callable[[], Any]) -> None:
    first, second, third, fourth = (make_offer() for _ in range(4))
    make_offer(supplier=make_company(SUPPLIER, status=BLOCKED))
    everything, moment = pull(edge, now() - timedelta(days=1))
    with edge() as session:
        session.get_one(Offer, third.id).updated_at = now()
        session.get_one(Offer, third.id).is_listed = False
    with edge():
        reserve({first.id: Decimal(1)})

    changed, later = pull(edge, moment)
    nothing, _ = pull(edge, later)

    assert everything == [first.id, second.id, third.id, fourth.id]
    assert changed == [third.id, first.id]
    assert nothing == []


def test_a_transaction_that_ends_late_is_not_missed(app: Flask, edge: Callable[[], Any]) -> None:
    offer = make_offer()
    with app.app_context(), db.engine.connect() as importing:
        importing.execute(text("UPDATE offers SET price = 1, updated_at = now()"))
        _, moment = pull(edge, now())
        importing.commit()

    assert pull(edge, moment)[0] == [offer.id]


def test_a_moment_is_before_everything_that_is_still_running(app: Flask, edge: Callable[[], Any]) -> None:
    with app.app_context(), db.engine.connect() as running:
        began = running.scalar(text("SELECT now()"))
        with edge():
            assert as_of() <= began


def test_pages_through_http(client: FlaskClient) -> None:
    offers = [make_offer() for _ in range(3)]
    query = {"changed_since": "2026-01-01T00:00:00Z", "limit": 2}

    page = client.get("/api/v1/catalog/offers", query_string=query).json
    rest = client.get("/api/v1/catalog/offers", query_string=query | {"cursor": page["next_cursor"]}).json
    other = client.get(
        "/api/v1/catalog/offers",
        query_string=query | {"cursor": page["next_cursor"], "changed_since": "2026-01-02T00:00:00Z"},
    )
    next_time = client.get("/api/v1/catalog/offers", query_string={"changed_since": rest["as_of"]}).json

    assert [offer["id"] for offer in page["items"] + rest["items"]] == [offer.id for offer in offers]
    assert (rest["next_cursor"], page["as_of"]) == (None, rest["as_of"])
    assert next_time["items"] == []
    assert other.json["code"] == "BadCursor"


def switch_vat(offer: Offer, user: User) -> None:
    change_terms(session().get_one(Company, offer.supplier_id), terms={"price_includes_vat": False}, by=user)


def stop_taking_orders(offer: Offer, user: User) -> None:
    change_terms(session().get_one(Company, offer.supplier_id), terms={"accepts_orders": False}, by=user)


def rename_supplier(offer: Offer, _: User) -> None:
    session().get_one(Company, offer.supplier_id).name = "ООО Другое"


def rename_its_category(offer: Offer, by: User) -> None:
    rename_category(offer.category_id, name="Другая", by=by)


def map_its_category(offer: Offer, by: User) -> None:
    mapped = SupplierCategory(supplier_id=offer.supplier_id, external_id="7", name="x", category_id=offer.category_id)
    session().add(mapped)
    session().get_one(Offer, offer.id).supplier_category = "7"
    session().flush()
    map_supplier_category(mapped.id, category_id=make_category().id, by=by)


def merge_its_product(offer: Offer, by: User) -> None:
    merge_products(make_offer().product_id, other_id=offer.product_id, by=by)


def reserve_it(offer: Offer, _: User) -> None:
    reserve({offer.id: Decimal(1)})


@pytest.mark.parametrize(
    "change",
    [
        switch_vat,
        stop_taking_orders,
        rename_supplier,
        rename_its_category,
        map_its_category,
        merge_its_product,
        reserve_it,
    ],
)
def test_brings_whatever_shows_something_else(
    app: Flask, edge: Callable[[], Any], drain: Drain, change: Callable[[Offer, User], None]
) -> None:
    offer, manager = make_offer(category=make_category()), make_user(MANAGER)
    make_offer(category=make_category())
    with edge():
        before = shown(show_offer(offer.id))
    _, moment = pull(edge, now() - timedelta(days=1))

    with edge() as current:
        change(current.get_one(Offer, offer.id), current.merge(manager))
    drain()
    with edge():
        after = shown(show_offer(offer.id))
        changed = changed_offers(OfferFilter(), since=moment, limit=40, cursor=None).items

    assert after != before
    assert after["updated_at"] > before["updated_at"]
    assert after in shown(changed)


def test_changes_that_no_offer_shows_bring_nothing(app: Flask, edge: Callable[[], Any]) -> None:
    offer = make_offer()
    _, moment = pull(edge, now() - timedelta(days=1))
    with edge():
        terms = {"delivery_fee": Decimal(5), "minimum_order": Decimal(9), "accepts_orders": True}
        change_terms(session().get_one(Company, offer.supplier_id), terms=terms, by=make_user(SUPPLIER))

    assert pull(edge, moment)[0] == []


def test_says_when_a_supplier_is_blocked_and_when_it_is_back(app: Flask, edge: Callable[[], Any]) -> None:
    offers = [make_offer(supplier=make_company(SUPPLIER, approved_at=now())) for _ in range(2)]
    never_approved = make_offer(supplier=make_company(SUPPLIER, status=PENDING))
    _, moment = pull(edge, now() - timedelta(days=1))

    with edge() as current:
        block(current.get_one(Company, offers[1].supplier_id), by=None)
        block(current.get_one(Company, never_approved.supplier_id), by=None)
    with edge():
        blocked = changed_offers(OfferFilter(), since=moment, limit=40, cursor=None)
        narrowed = changed_offers(OfferFilter(orderable=True), since=moment, limit=40, cursor=None)
    with edge() as current:
        current.get_one(Company, offers[1].supplier_id).status = ACTIVE
    with edge():
        back = changed_offers(OfferFilter(), since=blocked.as_of, limit=40, cursor=None)

    assert (blocked.items, blocked.gone) == ([], [offers[1].id])  # not even its last price
    assert narrowed.gone == blocked.gone  # a copy of what can be ordered must hear of it, too
    [again] = shown(back.items)
    assert (again["id"], again["is_listed"], again["is_orderable"], back.gone) == (offers[1].id, True, True, [])


def test_every_offer_of_a_supplier_comes_page_by_page(app: Flask, edge: Callable[[], Any], drain: Drain) -> None:
    supplier = make_company(SUPPLIER)
    ids = [make_offer(supplier=supplier).id for _ in range(5)]
    _, moment = pull(edge, now() - timedelta(days=1))
    with edge() as current:
        current.get_one(Company, supplier.id).price_includes_vat = False
    drain()

    assert pull(edge, moment)[0] == ids
