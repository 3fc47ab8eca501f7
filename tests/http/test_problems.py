"""Every error of the API is a problem+json that says what to do; elsewhere errors stay pages."""

import psycopg
import pytest
from flask import Flask
from sqlalchemy.exc import OperationalError, ProgrammingError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from shop.errors import Refusal
from shop.http.problems import Busy, status_of
from tests.factories.auth import bearer, make_user


def all_refusals(kind: type[Refusal] = Refusal) -> list[type[Refusal]]:
    return [kind, *(each for child in kind.__subclasses__() for each in all_refusals(child))]


def test_every_refusal_has_a_status_and_a_stable_code(app: Flask) -> None:
    kinds = [kind for kind in all_refusals() if kind is not Refusal and kind.__module__.startswith("shop.")]
    codes = [kind.code for kind in kinds]
    assert all(status_of(kind) in (400, 401, 403, 404, 409, 412, 422, 428, 503) for kind in kinds)
    assert len(codes) == len(set(codes)), sorted(code for code in codes if codes.count(code) > 1)


def test_a_problem_has_all_members_and_the_requests_id(client) -> None:
    answer = client.get("/api/v1/orders", headers={"X-Request-ID": "my-request-1"})
    assert answer.status_code == 401
    assert answer.content_type == "application/problem+json"
    assert answer.headers["WWW-Authenticate"] == "Bearer"
    assert answer.headers["X-Request-ID"] == answer.json["request_id"] == "my-request-1"
    assert answer.json.keys() == {
        "type",
        "title",
        "status",
        "detail",
        "code",
        "errors",
        "more_errors",
        "facts",
        "request_id",
    }


@pytest.mark.parametrize("given", ["", "short", "x" * 100, "a b c d e f", "line\tbreak"])
def test_a_request_id_that_could_harm_the_log_is_replaced(client, given: str) -> None:
    assert client.get("/health/live", headers={"X-Request-ID": given}).headers["X-Request-ID"] != given


def test_an_unknown_address_and_method_are_problems(client) -> None:
    assert client.get("/api/v1/nothing").json["code"] == "NotFound"
    answer = client.put("/api/v1/basket")
    assert (answer.status_code, answer.json["code"]) == (405, "MethodNotAllowed")
    assert {"GET", "DELETE"} <= set(answer.headers["Allow"].split(", "))


def test_outside_the_api_errors_stay_pages(client) -> None:
    answer = client.get("/nothing")
    assert (answer.status_code, answer.mimetype) == (404, "text/html")


def test_a_body_of_another_type_or_size_is_refused(app: Flask, client) -> None:
    headers = bearer(make_user())
    answer = client.post("/api/v1/orders", data="a=1", headers=headers | {"Content-Type": "text/plain"})
    assert (answer.status_code, answer.json["code"]) == (415, "UnsupportedMediaType")
    body = b'{"comment": "' + b"x" * app.config["MAX_CONTENT_LENGTH"] + b'"}'
    answer = client.post("/api/v1/orders", data=body, headers=headers | {"Content-Type": "application/json"})
    assert (answer.status_code, answer.json["code"]) == (413, "TooLarge")


@pytest.mark.parametrize("token", ["x", "shop_s_unknown", "shop_s_\xff", ""])
def test_a_token_that_opens_nothing_is_401(client, token: str) -> None:
    assert client.get("/api/v1/orders", headers={"Authorization": f"Bearer {token}"}).status_code == 401


def raising(app: Flask, monkeypatch, error: Exception):
    def fail(*_args, **_kwargs):
        raise error

    monkeypatch.setattr("shop.orders.routes.baskets.basket_view", fail)
    app.config["PROPAGATE_EXCEPTIONS"] = False
    return app.test_client().get("/api/v1/basket", headers=bearer(make_user()))


def database_error(cause: type[Exception], kind=OperationalError) -> Exception:
    return kind("SELECT 1", {}, cause("x"))


@pytest.mark.parametrize(
    ("error", "status", "code", "retry"),
    [
        (database_error(psycopg.errors.LockNotAvailable), 409, "Busy", "1"),
        (database_error(psycopg.errors.DeadlockDetected), 409, "Busy", "1"),
        (database_error(psycopg.OperationalError), 503, "Unavailable", "5"),
        (database_error(psycopg.errors.AdminShutdown), 503, "Unavailable", "5"),
        (PoolTimeout("no connection left"), 503, "Unavailable", "5"),
        (database_error(psycopg.errors.UndefinedTable, ProgrammingError), 500, "InternalError", None),
        (ValueError("a mistake of ours"), 500, "InternalError", None),
        (Busy(), 409, "Busy", "1"),
    ],
)
def test_trouble_is_told_apart(app: Flask, monkeypatch, error, status: int, code: str, retry: str | None) -> None:
    answer = raising(app, monkeypatch, error)
    assert (answer.status_code, answer.json["code"]) == (status, code)
    assert answer.headers.get("Retry-After") == retry
    assert "mistake of ours" not in answer.text


NO_HOSTS = (
    "a" * 5000,
    "a." * 200,
    *("", ".", "a..b", "a b", "a/b", "a@b", "a,b", "\x00", "\xfc.example", "%00", "a:", "a:b", "a:99999", "a:1:2"),
    *("[::1", "::1", "[]", "[::1]x", "[gg::]"),
)


@pytest.mark.parametrize("header", ["Host", "X-Forwarded-Host"])
def test_a_host_that_is_none_is_refused_everywhere(make_app, header: str) -> None:
    """Of several that a proxy names the last counts, and none is as if it said nothing."""
    client = make_app(trusted_proxies=1).test_client()
    no_hosts = [host for host in NO_HOSTS if header == "Host" or host not in ("", "a,b")]
    for path in ("/admin/", "/admin/nothing", "/api/v1/basket", "/nothing", "/confirm-email", "/health/live"):
        for host in no_hosts:
            answer = client.get(path, headers={header: host})
            assert (answer.status_code, answer.json["code"]) == (400, "MalformedRequest"), (path, host)
            assert len(answer.headers["X-Request-ID"]) == 32


@pytest.mark.parametrize(
    "host", ["a", "shop_web:8000", "a.example.", "xn--80ak6aa92e.com", "127.0.0.1:65535", "[::1]:80", "[2001:db8::1]"]
)
def test_a_host_may_be_written_as_hosts_are(client, host: str) -> None:
    assert client.get("/health/live", headers={"Host": host}).status_code == 200
    assert client.get("/admin/", headers={"Host": host}).status_code == 303
