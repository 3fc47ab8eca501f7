"""Settings: .env.example tells the truth, and production does not start half set up."""

from pathlib import Path

import pytest
from flask import Flask

from shop.config import DEVELOPMENT_KEY, ConfigurationError, Settings, load_settings

EXAMPLE = Path(__file__).parents[2] / ".env.example"
COMPLETE = {
    "DATABASE_URL": "postgresql+psycopg://shop@localhost/shop",
    "REDIS_URL": "redis://localhost",
    "SECRET_KEY": "x" * 40,
}


@pytest.fixture(autouse=True)
def _empty_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in Settings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)


def set_environment(monkeypatch: pytest.MonkeyPatch, **values: str) -> None:
    for name, value in (COMPLETE | values).items():
        monkeypatch.setenv(name, value)


def test_the_example_lists_every_setting_with_its_default() -> None:
    listed = dict(line.split("=", 1) for line in EXAMPLE.read_text("utf-8").splitlines() if line and line[0] != "#")
    defaults = {}
    for name, field in Settings.model_fields.items():
        value = field.default.get_secret_value() if hasattr(field.default, "get_secret_value") else field.default
        defaults[name.upper()] = str(value).lower() if isinstance(value, bool) else str(value)
    assert listed == defaults


@pytest.mark.parametrize("app_env", ["production", "testing"])
@pytest.mark.parametrize("key", ["", "short", DEVELOPMENT_KEY])
def test_only_development_does_without_a_secret_of_its_own(
    monkeypatch: pytest.MonkeyPatch, key: str, app_env: str
) -> None:
    set_environment(monkeypatch, SECRET_KEY=key, APP_ENV=app_env)
    with pytest.raises(ConfigurationError, match="SECRET_KEY"):
        load_settings()


def test_an_environment_that_says_nothing_is_production(monkeypatch: pytest.MonkeyPatch) -> None:
    set_environment(monkeypatch, SECRET_KEY="")
    with pytest.raises(ConfigurationError, match="SECRET_KEY"):
        load_settings()


def test_every_unusable_setting_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    set_environment(monkeypatch, SMTP_PORT="abc", THROTTLE_ANON="3 per dya", OUTBOX_POLL_SECONDS="often")
    with pytest.raises(ConfigurationError, match=r"(?s)SMTP_PORT.*THROTTLE_ANON.*OUTBOX_POLL_SECONDS"):
        load_settings()


@pytest.mark.parametrize("missing", ["DATABASE_URL", "REDIS_URL"])
def test_addresses_of_the_servers_are_needed(monkeypatch: pytest.MonkeyPatch, missing: str) -> None:
    set_environment(monkeypatch, **{missing: ""})
    with pytest.raises(ConfigurationError, match="must be set"):
        load_settings()


def test_cache_limits_and_broker_default_to_one_server(monkeypatch: pytest.MonkeyPatch) -> None:
    set_environment(monkeypatch, LIMITS_URL="redis://limits")
    urls = load_settings().urls
    assert urls == {"cache": "redis://localhost", "limits": "redis://limits", "broker": "redis://localhost"}


def test_settings_do_not_change_under_way(app: Flask) -> None:
    with pytest.raises(ValueError, match="frozen"):
        app.extensions["settings"].base_url = "http://elsewhere"
