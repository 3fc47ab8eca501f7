"""A client's copy stays in step: every change once it is visible, in order, withdrawn offers too."""

from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import text

from shop.auth.models import BLOCKED, SUPPLIER
from shop.catalog.feed import as_of, changed_offers
from shop.catalog.filters import OfferFilter
from shop.catalog.models import Offer
from shop.catalog.stock import reserve
from shop.db import db, now
from tests.factories.auth import make_company
from tests.factories.catalog import make_offer


def pull(edge: Callable[[], Any], since: datetime, limit: int = 2) -> tuple[list[int], datetime]:
    """All pages."""
    ids, cursor = [], None
    while True:
        with edge():
            items, cursor, moment = changed_offers(OfferFilter(), since=since, limit=limit, cursor=cursor)
        ids += [item["id"] for item in items]
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
