"""Throttling: one bucket per user, API key, or address without a log-in; exempt outside the API."""

import itertools
import math
import os
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
import redis
from flask import Flask
from werkzeug.exceptions import ServiceUnavailable

from shop.auth.access import public
from shop.database import db
from shop.http.throttling import caller_address, limiter
from tests.factories.auth import bearer, make_api_key, make_user

CATALOG = "/api/v1/catalog/categories"
ME = "/api/v1/auth/me"
LISTS = "/api/v1/catalog/price-lists"


@pytest.fixture
def limited(make_app, redis_url):
    """`limited(throttle_anon="3/day")` is a second app on the same database, which has not counted anything yet."""
    with redis.Redis.from_url(redis_url) as valkey:
        valkey.flushdb()
    return make_app


@pytest.fixture
def throttled(limited) -> Flask:
    """Allows 3 requests without a log-in and 5 with one."""
    return limited(throttle_anon="3/day", throttle_user="5/day")


def statuses(client, times: int, path: str = CATALOG, **others) -> list[int]:
    return [client.get(path, **others).status_code for _ in range(times)]


def test_anonymous_callers_are_counted_by_address(throttled) -> None:
    client = throttled.test_client()
    assert statuses(client, 4) == [200, 200, 200, 429]
    assert statuses(client, 1, environ_base={"REMOTE_ADDR": "10.0.0.7"}) == [200]


def test_every_answer_says_what_is_left_and_only_a_refusal_when_to_come_back(throttled) -> None:
    client = throttled.test_client()
    began = time.time()
    first = client.get(CATALOG)
    took = math.ceil(time.time() - began)
    assert (first.headers["X-RateLimit-Limit"], first.headers["X-RateLimit-Remaining"]) == ("3", "2")
    assert first.headers["RateLimit-Policy"] == '"address-day";q=3;w=86400'
    assert 86400 - took <= int(first.headers["RateLimit"].removeprefix('"address-day";r=2;t=')) <= 86400
    assert -1 <= int(first.headers["X-RateLimit-Reset"]) - 86400 - began <= took
    assert "Retry-After" not in first.headers
    statuses(client, 2)
    refused = client.get(CATALOG)
    assert (refused.status_code, refused.json["code"]) == (429, "TooManyRequests")
    assert refused.headers["RateLimit"].startswith('"address-day";r=0;t=')
    assert 86000 < int(refused.headers["Retry-After"]) <= 86400


def test_a_refusal_that_knows_better_says_itself_when_to_come_back(throttled) -> None:
    throttled.add_url_rule("/api/v1/busy", view_func=public(busy))
    answer = throttled.test_client().get("/api/v1/busy")
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "7")


def busy():
    raise ServiceUnavailable(retry_after=7)


BEGINS_A_CONNECTION = ("HELLO", "AUTH", "CLIENT", "SELECT")  # a busy machine may need a second one


def test_a_count_costs_one_question(throttled, redis_url) -> None:
    client, headers = throttled.test_client(), bearer(make_user())
    statuses(client, 1, headers=headers)
    with redis.Redis.from_url(redis_url) as valkey, redis.Redis.from_url(redis_url).monitor() as monitor:
        database = valkey.get_connection_kwargs()["db"]
        assert statuses(client, 3, ME, headers=headers) == [200] * 3
        valkey.echo("done")
        asked = itertools.takewhile(lambda entry: entry["command"] != "ECHO done", monitor.listen())
        named = [entry["command"].split()[0] for entry in asked if is_asked_by_a_client(entry, database)]
    assert [name for name in named if name not in BEGINS_A_CONNECTION] == ["EVALSHA"] * 3


def is_asked_by_a_client(entry, database: int) -> bool:
    """What scripts call, and what other tests ask in databases of theirs, left out."""
    return entry["client_type"] != "lua" and entry["db"] == database


def test_the_window_begins_with_the_first_request_and_ends_for_all(throttled, redis_url) -> None:
    client = throttled.test_client()
    statuses(client, 4)
    with redis.Redis.from_url(redis_url) as valkey:
        (key,) = valkey.keys("*address*")
        assert valkey.get(key) == b"4"
        valkey.pexpire(key, 1)
        time.sleep(0.01)
    assert statuses(client, 1) == [200]


def test_a_counter_that_lost_its_end_gets_one(throttled, redis_url) -> None:
    client = throttled.test_client()
    statuses(client, 4)
    with redis.Redis.from_url(redis_url) as valkey:
        (key,) = valkey.keys("*address*")
        valkey.persist(key)
        statuses(client, 1)
        assert 86390 < valkey.ttl(key) <= 86400


def test_a_user_has_one_bucket_for_all_sessions_and_routes(throttled) -> None:
    client = throttled.test_client()
    user = make_user()
    first, second = bearer(user), bearer(user)
    assert statuses(client, 3, headers=first) == [200] * 3
    assert statuses(client, 2, "/api/v1/auth/me", headers=second) == [200] * 2
    assert statuses(client, 1, headers=first) == [429]
    assert statuses(client, 1, headers=bearer(make_user())) == [200]


def test_an_api_key_has_a_bucket_of_its_own(limited) -> None:
    keyed = limited(throttle_user="1/day", throttle_api_key="2/day")
    client, user = keyed.test_client(), make_user()
    first, second = make_api_key(user, "account:read"), make_api_key(user, "account:read")
    assert statuses(client, 3, ME, headers=first) == [200, 200, 429]
    assert statuses(client, 1, ME, headers=second) == statuses(client, 1, ME, headers=bearer(user)) == [200]
    assert client.get(ME, headers=first).headers["RateLimit-Policy"] == '"api-key-day";q=2;w=86400'


def test_refused_requests_count(throttled) -> None:
    client, headers = throttled.test_client(), bearer(make_user())
    assert statuses(client, 6, "/api/v1/orders/404", headers=headers) == [404] * 5 + [429]
    assert [*statuses(client, 2, ME), *statuses(client, 2, "/api/v1/unknown")] == [401, 401, 404, 429]


def test_several_limits_hold_at_once(limited) -> None:
    client = limited(throttle_anon="2/hour;100/day").test_client()
    assert statuses(client, 3) == [200, 200, 429]
    assert client.get(CATALOG).headers["RateLimit-Policy"] == '"address-hour";q=2;w=3600'


def test_asking_how_far_an_import_is_does_not_count(throttled) -> None:
    client, headers = throttled.test_client(), bearer(make_user("supplier"))
    assert statuses(client, 9, f"{LISTS}/404", headers=headers) == [404] * 9
    assert statuses(client, 1, LISTS, headers=headers) == [200]


def test_a_stranger_who_asks_for_imports_does_count(throttled) -> None:
    assert statuses(throttled.test_client(), 4, f"{LISTS}/404") == [401] * 3 + [429]


def test_files_have_a_limit_of_their_own(limited) -> None:
    counting = limited(throttle_user="100/day", throttle_upload="2/day")
    client, headers = counting.test_client(), bearer(make_user("supplier"))
    answers = [client.post(LISTS, json={"url": None}, headers=headers) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [422, 422, 429]
    assert answers[2].headers["RateLimit-Policy"] == '"upload-day";q=2;w=86400'
    assert statuses(client, 1, LISTS, headers=headers) == [200]


def test_without_a_limit_for_users_nothing_of_theirs_is_counted(limited) -> None:
    free = limited(throttle_user="", throttle_api_key="1/day", throttle_upload="1/day")
    client, user = free.test_client(), make_user("supplier")
    key = make_api_key(user, "account:read")
    assert statuses(client, 3, ME, headers=key) == [200] * 3
    answers = [client.post(LISTS, json={"url": None}, headers=bearer(user)) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [422] * 3


def test_what_is_not_the_api_is_exempt(throttled) -> None:
    client = throttled.test_client()
    statuses(client, 4)
    for path in ("/api/schema/", "/api/docs/", "/health/live", "/health/ready", "/metrics"):
        answer = client.get(path)
        assert (answer.status_code, "RateLimit" in answer.headers) == (200, False), path


def test_several_processes_and_a_restart_share_one_exact_count(limited, make_app) -> None:
    counted = limited(throttle_anon="50/day")
    with counted.app_context():
        db.engine.dispose()
    limiter.storage.storage.connection_pool.disconnect()
    assert sum(in_processes(3, counted, requests=30)) == 50
    restarted = make_app(throttle_anon="50/day")
    assert statuses(restarted.test_client(), 1) == [429]


def in_processes(processes: int, app: Flask, *, requests: int) -> list[int]:
    """How many of its requests, from two threads each, every process got answered."""

    def run(sink: int) -> None:
        with ThreadPoolExecutor(2) as threads:
            halves = threads.map(lambda half: statuses(app.test_client(), half), [requests // 2] * 2)
        os.write(sink, bytes([sum(answers.count(200) for answers in halves)]))

    source, sink = os.pipe()
    children = []
    for _ in range(processes):
        child = os.fork()
        if not child:
            try:
                run(sink)
            finally:
                os._exit(0)
        children.append(child)
    for child in children:
        os.waitpid(child, 0)
    os.close(sink)
    with os.fdopen(source, "rb") as answers:
        counts = list(answers.read())
    assert len(counts) == processes
    return counts


def test_an_ipv6_customer_is_counted_by_his_network(app: Flask) -> None:
    def address(remote: str) -> str:
        with app.test_request_context(environ_base={"REMOTE_ADDR": remote}):
            return caller_address()

    assert address("2001:db8:1:2::5") == address("2001:db8:1:2:ffff::1") != address("2001:db8:1:3::5")
    assert address("10.0.0.7") == address("::ffff:10.0.0.7") == "10.0.0.7"
    assert address("not an address") == "unknown"


def test_a_forged_forwarding_header_has_no_effect(throttled) -> None:
    client = throttled.test_client()
    forged = [statuses(client, 1, headers={"X-Forwarded-For": f"10.1.1.{number}"}) for number in range(4)]
    assert forged == [[200], [200], [200], [429]]


def test_behind_a_proxy_of_ours_the_header_counts(limited) -> None:
    proxied = limited(throttle_anon="1/day", trusted_proxies=1)
    client = proxied.test_client()
    answers = [statuses(client, 1, headers={"X-Forwarded-For": f"10.1.1.{number}"}) for number in (1, 1, 2)]
    assert answers == [[200], [429], [200]]


@pytest.mark.parametrize(
    "addresses",
    [
        [f"66.1.1.{number}:400{number}" for number in range(8)],
        [f"[2001:db8:0:{number}::7]:4000" for number in range(8)],
        [f"64:ff9b::{number}" for number in range(1, 9)],
        [f"[64:ff9b::66.1.1.{number}]:443" for number in range(8)],
        [f"64:ff9b:1::{number}" for number in range(1, 9)],
        [f"::ffff:66.1.1.{number}" for number in range(8)],
        [f"2002:4201:10{number}::1" for number in range(8)],
    ],
)
def test_each_customer_is_counted_by_himself_however_a_proxy_writes_it(limited, addresses: list[str]) -> None:
    client = limited(throttle_anon="1/day", trusted_proxies=1).test_client()
    answers = [statuses(client, 2, headers={"X-Forwarded-For": address}) for address in addresses]
    assert answers == [[200, 429]] * 8


def test_another_port_makes_nobody_another_customer(limited) -> None:
    client = limited(throttle_anon="1/day", trusted_proxies=1).test_client()
    written = ("66.1.1.7:4000", "66.1.1.7:4001", "66.1.1.7", "64:ff9b::66.1.1.7", "[::ffff:66.1.1.7]:80")
    answers = [statuses(client, 1, headers={"X-Forwarded-For": address}) for address in written]
    assert answers == [[200], [429], [429], [429], [429]]


def test_without_valkey_limits_stay_on_in_memory(lonely) -> None:
    client = lonely.test_client()
    assert statuses(client, 4) == [200, 200, 200, 429]
    assert client.get(CATALOG).headers["RateLimit"].startswith('"address-day";r=0;t=')


@pytest.fixture
def lonely(app, make_app) -> Iterator[Flask]:
    yield make_app(throttle_anon="3/day", limits_url="redis://127.0.0.1:1/0")
    limiter.init_app(app)  # one for all apps of a process: other tests want to count in Valkey again
    limiter._storage_dead = False
