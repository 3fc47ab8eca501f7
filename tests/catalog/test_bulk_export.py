"""The whole catalog in one file."""

import csv
import gzip
import tracemalloc
from collections.abc import Callable
from typing import Any

import orjson
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import text

from shop.auth.models import BLOCKED, SUPPLIER
from shop.catalog.bulk_export import NDJSON, export_catalog
from shop.catalog.schemas import OfferSchema
from shop.db import db
from tests.factories.auth import make_company
from tests.factories.catalog import make_category, make_offer

EXPORT = "/api/v1/catalog/export"


def test_holds_every_listed_offer_as_the_search_shows_it(client: FlaskClient) -> None:
    offers = [make_offer(category=make_category(), parameters={"Цвет": "белый"}) for _ in range(3)]
    make_offer(is_listed=False)
    make_offer(supplier=make_company(SUPPLIER, status=BLOCKED))

    response = client.get(EXPORT)
    lines = [orjson.loads(line) for line in gzip.decompress(response.data).splitlines()]

    assert (response.status_code, response.content_type) == (200, "application/gzip")
    assert [line["id"] for line in lines] == [offer.id for offer in offers]
    assert OfferSchema(many=True).validate(lines) == {}
    assert lines[0] == client.get(f"/api/v1/catalog/offers/{offers[0].id}").json
    since = {"changed_since": response.headers["X-As-Of"]}
    assert client.get("/api/v1/catalog/offers", query_string=since).json["items"] == []


def test_is_not_sent_again_while_the_catalog_stays_the_same(client: FlaskClient, edge: Callable[[], Any]) -> None:
    make_offer()
    etag = client.get(EXPORT).headers["ETag"]

    same = client.get(EXPORT, headers={"If-None-Match": etag})
    other_format = client.get(f"{EXPORT}?format=csv", headers={"If-None-Match": etag})
    with edge() as session:
        session.execute(text("UPDATE offers SET price = 1"))
    changed = client.get(EXPORT, headers={"If-None-Match": etag})

    assert [answer.status_code for answer in (same, other_format, changed)] == [304, 200, 200]


def test_a_spreadsheet_runs_nothing(client: FlaskClient) -> None:
    make_offer(name='=HYPERLINK("http://evil","x")', sku="@1", model="+7", barcodes=["4601234567893"])
    make_offer(name='Чай; «Утро», "100"\nг', sku="-2")

    response = client.get(f"{EXPORT}?format=csv")
    rows = list(csv.DictReader(gzip.decompress(response.data).decode().splitlines(keepends=True)))

    assert [row["name"] for row in rows] == ['\'=HYPERLINK("http://evil","x")', 'Чай; «Утро», "100"\nг']
    assert [row["sku"] for row in rows] == ["'@1", "'-2"]
    assert (rows[0]["model"], rows[0]["barcodes"], rows[0]["price"]) == ("'+7", "4601234567893", "100.00")
    assert "catalog.csv.gz" in response.headers["Content-Disposition"]
    assert client.get(f"{EXPORT}?format=xml").status_code == 422


def test_memory_does_not_grow_with_the_catalog(app: Flask, edge: Callable[[], Any]) -> None:
    offer = make_offer(parameters={"Описание": "я" * 500})
    with edge() as session:
        session.execute(
            text(
                "INSERT INTO offers (product_id, supplier_id, external_id, sku, name, price, parameters)"
                " SELECT product_id, supplier_id, 'x' || n, 'x' || n, name, price, parameters"
                " FROM offers, generate_series(1, 5000) AS n WHERE id = :id"
            ),
            {"id": offer.id},
        )

    with app.app_context():
        sum(len(part) for part in export_catalog(NDJSON))  # what is made once does not count
        tracemalloc.start()
        size = sum(len(part) for part in export_catalog(NDJSON))
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()

    assert size > 10_000
    assert peak < 8 * 2**20


def test_a_client_that_leaves_gives_the_connection_back(app: Flask) -> None:
    make_offer()
    with app.app_context():
        parts = export_catalog(NDJSON)
        db.session.remove()
        used = db.engine.pool.checkedout()
        next(parts)
        parts.close()
        assert db.engine.pool.checkedout() == used
