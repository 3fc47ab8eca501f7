"""The whole catalog in one file."""

import csv
import fcntl
import gzip
import os
import threading
import time
import tracemalloc
from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, BinaryIO

import orjson
import time_machine
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import text

from shop.auth.models import BLOCKED, SUPPLIER
from shop.catalog.bulk_export import NDJSON, export_catalog
from shop.catalog.caching import catalog_generation
from shop.catalog.export_files import export_file
from shop.catalog.schemas import OfferSchema
from shop.catalog.stock import reserve
from shop.database import db
from tests.catalog.test_caching import in_threads
from tests.factories.auth import make_company
from tests.factories.catalog import make_category, make_offer

EXPORT = "/api/v1/catalog/export"


def test_holds_every_listed_offer_as_the_search_shows_it(client: FlaskClient) -> None:
    offers = [make_offer(category=make_category(), parameters={"Цвет": "белый"}) for _ in range(3)]
    make_offer(is_listed=False)
    make_offer(supplier=make_company(SUPPLIER, status=BLOCKED))

    response = client.get(EXPORT)
    lines = lines_of(response.data)

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


def test_is_written_once_however_many_ask(app: Flask, count_statements: Callable[[], Any]) -> None:
    """Eight connections are not needed for eight readers: who waits holds none."""
    make_offer()
    answers: list[tuple[bytes, str]] = []

    def ask() -> None:
        response = app.test_client().get(EXPORT)
        answers.append((response.data, response.headers["X-As-Of"]))

    with count_statements() as statements:
        in_threads([ask] * 8)

    assert len(answers) == 8
    assert len(set(answers)) == 1
    assert len([each for each in statements if "FROM offers" in each]) == 1


def test_who_waits_or_reads_slowly_holds_no_connection(app: Flask, client: FlaskClient) -> None:
    make_offer()
    with app.app_context():
        used = db.engine.pool.checkedout()
    folder = Path(app.extensions["settings"].export_folder)
    folder.mkdir(exist_ok=True)
    answers: list[int] = []
    waiting = threading.Thread(target=lambda: answers.append(app.test_client().get(EXPORT).status_code))
    with (folder / "ndjson.gz.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        waiting.start()
        time.sleep(0.3)
        with app.app_context():
            assert (answers, db.engine.pool.checkedout()) == ([], used)
    waiting.join()

    with client.get(EXPORT, buffered=False) as slow, app.app_context():
        assert len(list(slow.iter_encoded())) == 1  # in one piece: nothing is left to be done while it is sent
        assert db.engine.pool.checkedout() == used
    assert answers == [200]


def test_one_who_dies_while_writing_leaves_nothing_half(app: Flask, client: FlaskClient) -> None:
    offer = make_offer()
    folder = Path(app.extensions["settings"].export_folder)
    with app.app_context():
        db.engine.dispose()

    def die(file: BinaryIO) -> datetime:
        file.write(b"half")
        file.flush()
        os.kill(os.getpid(), 9)
        raise AssertionError

    child = os.fork()
    if not child:
        with app.app_context():
            export_file(folder, generation=catalog_generation(), suffix="ndjson.gz", write=die)
    _, status = os.waitpid(child, 0)

    assert os.WTERMSIG(status) == 9
    assert [each["id"] for each in lines_of(client.get(EXPORT).data)] == [offer.id]
    assert not list(folder.glob("*.part"))


def test_the_file_of_an_older_catalog_goes(app: Flask, client: FlaskClient, edge: Callable[[], Any]) -> None:
    make_offer()
    client.get(EXPORT)
    client.get(f"{EXPORT}?format=csv")
    with edge() as session:
        session.execute(text("UPDATE offers SET price = 1"))

    first = client.get(EXPORT)

    assert lines_of(first.data)[0]["price"] == "1.00"
    folder = Path(app.extensions["settings"].export_folder)
    assert len(list(folder.glob("catalog-*.ndjson.gz"))) == 1
    assert client.get(EXPORT).headers["X-As-Of"] == first.headers["X-As-Of"]


def test_is_written_again_after_a_quarter_of_an_hour(client: FlaskClient, edge: Callable[[], Any]) -> None:
    """Stock is in it, and does not make another file."""
    offer = make_offer(on_hand=10)
    client.get(EXPORT)
    with edge():
        reserve({offer.id: Decimal(4)})

    soon = client.get(EXPORT)
    with time_machine.travel(time.time() + 15 * 60 + 1):
        later = client.get(EXPORT)

    assert lines_of(soon.data)[0]["stock"]["available"] == 10
    assert lines_of(later.data)[0]["stock"]["available"] == 6
    assert later.headers["X-As-Of"] > soon.headers["X-As-Of"]
    assert later.headers["ETag"] == soon.headers["ETag"]


def test_memory_does_not_grow_with_the_catalog(app: Flask, edge: Callable[[], Any], tmp_path: Path) -> None:
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
        export_catalog(NDJSON, generation=1, folder=tmp_path)  # what is made once does not count
        tracemalloc.start()
        size = len(export_catalog(NDJSON, generation=2, folder=tmp_path).content)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()

    assert size > 10_000
    assert peak < 8 * 2**20


def lines_of(file: bytes) -> list[dict[str, Any]]:
    return [orjson.loads(line) for line in gzip.decompress(file).splitlines()]
