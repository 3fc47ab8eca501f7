"""Requests that are made to be dear: refused before they cost anything, by answers that stay short.

Counted are calls, not seconds: what is looked at piece by piece makes some for each piece.
"""

import sys
from collections.abc import Callable
from io import BytesIO
from typing import Any

import orjson
import pytest
from flask import Flask
from flask.testing import FlaskClient

from shop.catalog.stock import OutOfStock
from shop.errors import FieldError
from shop.http.fields import MOST_ERRORS
from shop.http.problems import LARGEST_PROBLEM, problem_body, problem_of_refusal
from shop.http.requests import MAX_TYPED, typed
from tests.factories.auth import bearer, make_user

MOST_CALLS = 150_000
JSON = {"Content-Type": "application/json"}


@pytest.fixture
def send(client: FlaskClient) -> Callable[..., Any]:
    """`send(path, …)` is the answer to a request of a buyer; it must be short and have cost few calls."""
    headers = bearer(make_user("buyer")) | {"Idempotency-Key": "large-request-1"}

    def open_counted(path: str, *, method: str = "POST", **options: Any) -> Any:
        calls = 0

        def count(_frame: Any, event: str, _argument: Any) -> None:
            nonlocal calls
            calls += event in ("call", "c_call")

        options["headers"] = headers | options.get("headers", {})
        sys.setprofile(count)
        try:
            answer = client.open(path, method=method, **options)
        finally:
            sys.setprofile(None)
        assert answer.status_code < 500, answer.text[:500]
        assert len(answer.get_data()) <= LARGEST_PROBLEM
        assert calls < MOST_CALLS
        return answer

    return open_counted


def with_names(count: int) -> bytes:
    return b"{" + b",".join(b'"k%d":1' % number for number in range(count)) + b"}"


def repeated(name: str, piece: bytes, count: int) -> bytes:
    return b'{"%s":[' % name.encode() + b",".join([piece] * count) + b"]}"


BODIES: dict[str, bytes] = {
    "unknown names": with_names(400_000),
    "lines": repeated("lines", b'{"offer_id":"x"}', 90_000),
    "numbers for lines": repeated("lines", b"1", 3_000_000),
    "lists for lines": repeated("lines", b"[]", 3_000_000),
    "lists": b"[" + b",".join([b"[]"] * 3_000_000) + b"]",
    "a list": b"[" + b",".join([b"1"] * 3_000_000) + b"]",
    "deep lists": b"[" * 1_000_000,
    "deep objects": b'{"a":' * 1_000_000,
    "as deep as can be read": b'{"lines":' + b"[" * 900 + b"]" * 900 + b"}",
    "a long number": b'{"contact_id":' + b"9" * 1_000_000 + b"}",
    "a long power": b'{"contact_id":1e' + b"9" * 1_000_000 + b"}",
    "a long name": b'{"' + b"k" * 9_000_000 + b'":1}',
    "a long text": b'{"comment":"' + b"x " * 4_500_000 + b'"}',
    "a long e-mail": b'{"email":"' + b"a." * 4_500_000 + b'@b.c","password":"x"}',
    "a long password": b'{"email":"a@b.c","password":"' + b"a" * 9_000_000 + b'"}',
}
OPERATIONS = ("/api/v1/orders", "/api/v1/basket/lines", "/api/v1/auth/login", "/api/v1/auth/register")


@pytest.mark.parametrize("path", OPERATIONS)
@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
def test_a_dear_body_is_refused_cheaply(send, path: str, body: bytes) -> None:
    assert send(path, data=body, headers=JSON).status_code in (400, 401, 413, 422)


@pytest.mark.parametrize("unknown", [99, 900])
def test_many_unknown_fields_in_many_lines_are_counted(client, unknown: int) -> None:
    body = repeated("lines", with_names(unknown), 1000)
    answer = client.post("/api/v1/orders", data=body, headers=bearer(make_user("buyer")) | JSON)
    assert answer.status_code == 422
    assert len(answer.json["errors"]) == MOST_ERRORS
    assert answer.json["more_errors"] == 1000 * unknown + 1 - MOST_ERRORS  # the delivery point is not named either
    assert len(answer.get_data()) <= LARGEST_PROBLEM


def test_unknown_fields_are_named_up_to_a_hundred(send) -> None:
    few, many = (
        send("/api/v1/basket/lines", data=with_names(count), headers=JSON).json for count in (MOST_ERRORS, 100_000)
    )
    first = [f"k{number}" for number in range(MOST_ERRORS)]
    assert ([error["field"] for error in few["errors"]], few["more_errors"]) == (first, 0)
    assert ([error["field"] for error in many["errors"]], many["more_errors"]) == (first, 99_900)


def test_errors_of_lines_are_named_up_to_a_hundred(send) -> None:
    answer = send("/api/v1/basket/lines", json={"lines": [{"offer_id": 0, "quantity": 1}] * 1000}).json
    assert answer["errors"][99]["field"] == "lines.99.offer_id"
    assert (len(answer["errors"]), answer["more_errors"]) == (100, 900)


def test_too_many_lines_are_refused_by_their_count(send) -> None:
    answer = send("/api/v1/basket/lines", data=repeated("lines", b"{}", 90_000), headers=JSON).json
    assert [(error["field"], error["message"]) for error in answer["errors"]] == [
        ("lines", "Length must be between 1 and 1000.")
    ]


@pytest.mark.parametrize(
    ("path", "query"),
    [
        ("/api/v1/catalog/offers", "&".join(f"k{number}=1" for number in range(100_000))),
        ("/api/v1/catalog/offers", "&".join(f"param.{number}=1" for number in range(100_000))),
        ("/api/v1/catalog/offers", "&".join(["category=x"] * 100_000)),
        ("/api/v1/catalog/offers", "limit=" + "9" * 100_000),
        ("/api/v1/catalog/offers", "price_min=" + "9" * 100_000),
        ("/api/v1/catalog/offers", "q=" + "a+" * 50_000),
        ("/api/v1/catalog/offers", "cursor=" + "W1" * 50_000),
        ("/api/v1/orders", "&".join(f"k{number}=1" for number in range(100_000))),
        ("/api/v1/orders", "&".join(f"k{number}=1" for number in range(1_900))),
        ("/admin/orders/", "&".join(f"k{number}=1" for number in range(100_000))),
    ],
)
def test_a_dear_query_is_refused_cheaply(send, path: str, query: str) -> None:
    assert send(path, method="GET", query_string=query).status_code in (400, 422)


def test_a_form_of_many_parts_is_refused(client) -> None:
    parts = {f"k{number}": "1" for number in range(1_500)}
    headers = bearer(make_user("supplier"))
    answer = client.post("/api/v1/catalog/price-lists", data=parts, content_type="multipart/form-data", headers=headers)
    assert answer.status_code == 413


def test_what_a_form_holds_is_counted_too(client) -> None:
    columns = orjson.dumps({str(number): "price" for number in range(20_000)}).decode()
    form = {"file": (BytesIO(b"1"), "a.csv"), "columns": columns}
    answer = client.post("/api/v1/catalog/price-lists", data=form, headers=bearer(make_user("supplier")))
    assert [error["message"] for error in answer.json["errors"]] == ["Longer than maximum length 200."]


def test_long_facts_are_told_from_their_beginning(app: Flask) -> None:
    lines = [{"offer_id": number, "name": "Молоко" * 80, "requested": 2, "available": 1} for number in range(1000)]
    refusal = OutOfStock(lines=lines, goods=", ".join(str(line["name"]) for line in lines))
    with app.test_request_context("/api/v1/orders"):
        answer = problem_of_refusal(refusal)
    told = answer.get_json()["facts"]
    assert len(answer.get_data()) <= LARGEST_PROBLEM
    assert told["lines"] == lines[: len(told["lines"])]
    assert len(told["lines"]) + told["more_lines"] == 1000
    assert len(told["lines"]) >= 30


def test_a_name_as_long_as_a_body_is_shortened() -> None:
    body = problem_body(422, "x", "x", errors=[FieldError("json", "\x01" * 10**6, "no")] * 1000, request_id="x")
    assert len(orjson.dumps(body)) <= LARGEST_PROBLEM


@pytest.mark.parametrize("typed_in", ["\u200b" * 10**6 + "  Anna ", " " * 10**6 + "Anna\n", "Anna" + " " * 10**6])
def test_what_was_typed_is_the_same_however_much_surrounds_it(typed_in: str) -> None:
    assert typed(typed_in) == "Anna"
    assert typed("ab " * 10**6) == ("ab " * MAX_TYPED)[:MAX_TYPED].strip()
