"""Throttling: one bucket per user, or per address without a log-in; exempt outside the API."""

import pytest
import redis
from flask import Flask

from shop import create_app
from shop.db import db
from shop.http.throttling import caller_address
from tests.conftest import make_settings
from tests.factories.auth import bearer, make_user

CATALOG = "/api/v1/catalog/categories"


@pytest.fixture
def throttled(app: Flask, settings, redis_url):
    """A second app on the same database that allows 3 requests without a log-in and 5 with one."""
    yield from build(settings, redis_url, throttle_anon="3/day", throttle_user="5/day")


def build(settings, redis_url, **limits):
    with redis.Redis.from_url(redis_url) as valkey:
        valkey.flushdb()
    changed = make_settings(settings.database_url, redis_url).model_copy(update=limits)
    app = create_app(changed)
    yield app
    with app.app_context():
        db.engine.dispose()


def statuses(client, times: int, path: str = CATALOG, **others) -> list[int]:
    return [client.get(path, **others).status_code for _ in range(times)]


def test_anonymous_callers_are_counted_by_address(throttled) -> None:
    client = throttled.test_client()
    assert statuses(client, 4) == [200, 200, 200, 429]
    assert statuses(client, 1, environ_base={"REMOTE_ADDR": "10.0.0.7"}) == [200]


def test_a_refusal_says_when_to_come_back_and_an_answer_does_not(throttled) -> None:
    client = throttled.test_client()
    first = client.get(CATALOG)
    assert (first.headers["X-RateLimit-Limit"], first.headers["X-RateLimit-Remaining"]) == ("3", "2")
    assert "Retry-After" not in first.headers
    statuses(client, 2)
    refused = client.get(CATALOG)
    assert (refused.status_code, refused.json["code"]) == (429, "TooManyRequests")
    assert int(refused.headers["Retry-After"]) > 0


def test_a_user_has_one_bucket_for_all_sessions_and_routes(throttled) -> None:
    client = throttled.test_client()
    user = make_user()
    first, second = bearer(user), bearer(user)
    assert statuses(client, 3, headers=first) == [200] * 3
    assert statuses(client, 2, "/api/v1/auth/me", headers=second) == [200] * 2
    assert statuses(client, 1, headers=first) == [429]
    assert statuses(client, 1, headers=bearer(make_user())) == [200]


def test_documents_and_health_are_exempt(throttled) -> None:
    client = throttled.test_client()
    statuses(client, 4)
    assert statuses(client, 2, "/api/schema/") + statuses(client, 2, "/health/live") == [200] * 4


def test_an_ipv6_customer_is_counted_by_his_network(app: Flask) -> None:
    def address(remote: str) -> str:
        with app.test_request_context(environ_base={"REMOTE_ADDR": remote}):
            return caller_address()

    assert address("2001:db8:1:2::5") == address("2001:db8:1:2:ffff::1") != address("2001:db8:1:3::5")
    assert address("10.0.0.7") == "10.0.0.7"
    assert address("not an address") == "unknown"


def test_a_forged_forwarding_header_has_no_effect(throttled) -> None:
    client = throttled.test_client()
    forged = [statuses(client, 1, headers={"X-Forwarded-For": f"10.1.1.{number}"}) for number in range(4)]
    assert forged == [[200], [200], [200], [429]]


def test_behind_a_proxy_of_ours_the_header_counts(app, settings, redis_url) -> None:
    for proxied in build(settings, redis_url, throttle_anon="1/day", trusted_proxies=1):
        client = proxied.test_client()
        answers = [statuses(client, 1, headers={"X-Forwarded-For": f"10.1.1.{number}"}) for number in (1, 1, 2)]
        assert answers == [[200], [429], [200]]


def test_without_valkey_limits_stay_on_in_memory(app, settings) -> None:
    for lonely in build_away(settings):
        assert statuses(lonely.test_client(), 4) == [200, 200, 200, 429]


def build_away(settings):
    changed = settings.model_copy(update={"throttle_anon": "3/day", "limits_url": "redis://127.0.0.1:1/0"})
    app = create_app(changed)
    yield app
    with app.app_context():
        db.engine.dispose()
