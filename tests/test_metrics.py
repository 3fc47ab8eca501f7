"""/metrics: what a person on duty has to see, for those who may see it."""

import os
import subprocess
import sys

import pytest
from flask import Flask
from flask.testing import FlaskClient
from prometheus_client.parser import text_string_to_metric_families
from pydantic import SecretStr

from shop.auth.events import UserRegistered
from shop.outbox.events import publish


def read(client: FlaskClient, **headers: str) -> dict[tuple[str, ...], float]:
    answer = client.get("/metrics", headers=headers)
    assert answer.status_code == 200
    families = text_string_to_metric_families(answer.text)
    return {(s.name, *s.labels.values()): s.value for family in families for s in family.samples}


def test_counts_requests_by_operation_and_status(client: FlaskClient) -> None:
    before = read(client).get(("shop_request_seconds_count", "search_offers", "200"), 0)
    client.get("/api/v1/catalog/offers")
    client.get("/api/v1/nothing-here")
    after = read(client)
    assert after["shop_request_seconds_count", "search_offers", "200"] == before + 1
    assert after["shop_request_seconds_count", "unknown", "404"] >= 1


def test_shows_what_waits(client: FlaskClient, edge) -> None:
    with edge():
        publish(UserRegistered(user_id=1))
    values = read(client)
    assert values["shop_outbox_open",] == 1
    assert values["shop_outbox_parked",] == 0
    assert values["shop_queue_length", "mail"] == 0


def test_without_a_broker_the_rest_is_shown(app: Flask, client, settings, monkeypatch) -> None:
    monkeypatch.setitem(app.extensions, "settings", settings.model_copy(update={"broker_url": "redis://127.0.0.1:1/0"}))
    values = read(client)
    assert "shop_outbox_open" in {name for name, *_ in values}
    assert "shop_queue_length" not in {name for name, *_ in values}


@pytest.mark.parametrize("headers", [{"X-Forwarded-For": "127.0.0.1"}, {"REMOTE_ADDR": "203.0.113.5"}])
def test_is_closed_to_strangers_where_no_token_is_set(client: FlaskClient, headers: dict[str, str]) -> None:
    environ = {name: value for name, value in headers.items() if name == "REMOTE_ADDR"}
    others = {name: value for name, value in headers.items() if name not in environ}
    assert client.get("/metrics", headers=others, environ_overrides=environ).status_code == 404


def test_is_open_with_the_token_only_where_one_is_set(app: Flask, client, settings, monkeypatch) -> None:
    guarded = settings.model_copy(update={"metrics_token": SecretStr("for the scraper only")})
    monkeypatch.setitem(app.extensions, "settings", guarded)
    assert client.get("/metrics").status_code == 401
    assert client.get("/metrics", headers={"Authorization": "Bearer of bad news"}).status_code == 401
    assert read(client, Authorization="Bearer for the scraper only")


def test_sums_over_the_processes_of_the_server(app: Flask, tmp_path) -> None:
    """In a process of its own: the library decides when it is imported."""
    code = (
        "import sys; from tests.conftest import make_settings; from shop import create_app;"
        "client = create_app(make_settings(sys.argv[1], sys.argv[2])).test_client();"
        "client.get('/health/live');"
        "print(client.get('/metrics').text)"
    )
    settings = app.extensions["settings"]
    command = [sys.executable, "-c", code, settings.database_url, settings.redis_url]
    environment = {**os.environ, "PROMETHEUS_MULTIPROC_DIR": str(tmp_path)}
    outputs = [subprocess.check_output(command, env=environment, text=True) for _ in range(2)]
    counts = [
        sample.value
        for output in outputs
        for family in text_string_to_metric_families(output)
        for sample in family.samples
        if sample.name == "shop_request_seconds_count" and sample.labels["operation"] == "health.live"
    ]
    assert counts == [1, 2]
