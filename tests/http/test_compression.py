"""Compression: only the API's larger answers, only for who takes it, and ETags go on working."""

import gzip

import pytest
from backports import zstd
from flask import Flask
from flask.testing import FlaskClient

from tests.factories.auth import bearer, make_user
from tests.factories.catalog import make_offer
from tests.factories.orders import make_order

OFFERS = "/api/v1/catalog/offers"
TAKES_GZIP = {"Accept-Encoding": "gzip, deflate"}
UNPACK = {"gzip": gzip.decompress, "zstd": zstd.decompress}


@pytest.fixture
def many(app: Flask) -> list[object]:
    return [make_offer(name=f"Бумага {number}") for number in range(5)]


@pytest.mark.parametrize(
    ("taken", "got"), [("gzip, deflate, br, zstd", "zstd"), ("gzip, br", "gzip"), ("zstd;q=0, gzip", "gzip")]
)
def test_a_larger_answer_comes_as_its_reader_likes_it(client: FlaskClient, many, taken: str, got: str) -> None:
    plain = client.get(OFFERS)
    packed = client.get(OFFERS, headers={"Accept-Encoding": taken})
    assert packed.headers["Content-Encoding"] == got
    assert UNPACK[got](packed.data) == plain.data
    assert len(packed.data) < len(plain.data) / 2
    assert packed.content_length == len(packed.data)


@pytest.mark.parametrize("taken", ["", "br", "identity", "gzip;q=0", "*;q=0"])
def test_who_takes_nothing_gets_it_plain(client: FlaskClient, many, taken: str) -> None:
    answer = client.get(OFFERS, headers={"Accept-Encoding": taken})
    assert (answer.status_code, answer.headers.get("Content-Encoding")) == (200, None)
    assert "Accept-Encoding" in answer.headers["Vary"]  # a cache in between must not give it to everybody
    assert len(answer.json["items"]) == 5


def test_small_answers_stay_as_they_are(client: FlaskClient) -> None:
    assert "Content-Encoding" not in client.get(OFFERS, headers=TAKES_GZIP).headers


def test_who_has_a_compressed_answer_gets_it_no_second_time(client: FlaskClient, many) -> None:
    plain, packed = client.get(OFFERS), client.get(OFFERS, headers=TAKES_GZIP)
    assert packed.headers["ETag"] == f"W/{plain.headers['ETag']}"
    for tag in (plain.headers["ETag"], packed.headers["ETag"]):
        for wish in ({}, TAKES_GZIP):
            again = client.get(OFFERS, headers={"If-None-Match": tag} | wish)
            assert (again.status_code, again.data) == (304, b"")
            assert "Accept-Encoding" in again.headers["Vary"]


def test_the_tag_of_a_compressed_answer_names_its_version(app: Flask, client: FlaskClient) -> None:
    order = make_order({make_offer(name="Длинное название " * 20).id: 2})
    path, headers = f"/api/v1/orders/{order.id}", bearer(order.user)
    tag = client.get(path, headers=headers | TAKES_GZIP).headers["ETag"]
    assert tag.startswith('W/"')
    canceled = client.post(f"{path}/cancel", json={}, headers=headers | {"If-Match": tag})
    assert canceled.status_code == 200, canceled.text
    assert client.post(f"{path}/cancel", json={}, headers=headers | {"If-Match": tag}).status_code == 412


def test_what_is_packed_already_is_not_packed_again(client: FlaskClient, many) -> None:
    packed = client.get("/api/v1/catalog/export", headers=TAKES_GZIP)
    assert "Content-Encoding" not in packed.headers
    assert len(gzip.decompress(packed.data).splitlines()) == 5


def test_pages_that_come_by_a_cookie_stay_as_they_are(client: FlaskClient) -> None:
    """A secret in them could be guessed by how long they are beside words of a stranger's choice."""
    page = client.get("/admin/login", headers=TAKES_GZIP)
    assert (page.status_code, len(page.data) > 1024) == (200, True)
    assert "Content-Encoding" not in page.headers
    assert "Content-Encoding" not in client.get("/api/docs/", headers=TAKES_GZIP).headers


def test_it_can_be_left_to_the_proxy(make_app, many) -> None:
    plain = make_app(compress_from_bytes=0)
    answer = plain.test_client().get(OFFERS, headers=bearer(make_user()) | TAKES_GZIP)
    assert not {"Content-Encoding", "Vary"} & set(answer.headers.keys())
