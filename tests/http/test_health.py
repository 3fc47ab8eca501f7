"""Health: live says that the process answers, ready what it depends on."""

from flask import Flask
from sqlalchemy.exc import OperationalError

from shop.http import health


def test_live_and_ready(client) -> None:
    assert client.get("/health/live").json == {"status": "ok"}
    answer = client.get("/health/ready")
    assert answer.status_code == 200
    checks = {"database": True, "cache": True, "limits": True, "broker": True}
    assert answer.json == {"status": "ok", "checks": checks}


def test_without_valkey_it_still_serves_and_says_so(app: Flask, client, settings, monkeypatch) -> None:
    away = settings.model_copy(update={"broker_url": "redis://127.0.0.1:1/0"})
    monkeypatch.setitem(app.extensions, "settings", away)
    answer = client.get("/health/ready")
    assert (answer.status_code, answer.json["status"]) == (200, "degraded")
    assert answer.json["checks"]["broker"] is False


def test_without_its_database_it_is_not_ready(client, monkeypatch) -> None:
    def fail() -> None:
        raise OperationalError("SELECT 1", {}, Exception("away"))

    monkeypatch.setattr(health, "_ping_database", fail)
    answer = client.get("/health/ready")
    assert (answer.status_code, answer.json["status"]) == (503, "unavailable")
    assert client.get("/health/live").status_code == 200
