"""Settings: .env.example tells the truth, and production does not start half set up."""

from pathlib import Path
from secrets import token_hex, token_urlsafe

import pytest
from flask import Flask

from shop import config
from shop.config import DEVELOPMENT_KEY, ConfigurationError, Settings, load_settings

EXAMPLE = Path(__file__).parents[2] / ".env.example"
COMPLETE = {
    "DATABASE_URL": "postgresql+psycopg://shop@localhost/shop",
    "REDIS_URL": "redis://localhost",
    "SECRET_KEY": "8d1c0f6be94a4d0d9a3b5c7e21f60fa4",
}


@pytest.fixture(autouse=True)
def env_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Neither the environment nor the .env of whoever runs the tests."""
    for name in (*Settings.model_fields, "OAUTHLIB_INSECURE_TRANSPORT", "FLASK_RUN_FROM_CLI", "FLASK_SKIP_DOTENV"):
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.setattr(config, "ENV_FILE", tmp_path / "checkout" / ".env")
    config.ENV_FILE.parent.mkdir()
    return config.ENV_FILE


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


@pytest.mark.parametrize(
    "key",
    [
        "x" * 40,
        " " * 40,
        "\t" * 20 + "8d1c0f6be94a4d0d" + " " * 20,
        "0123456789abcdef" * 4,
        "ab" * 32,
        "1234567" * 3 + "7654321" * 3,
        "put a SECRET_KEY of 32 random characters or more into .env",
        "changeme-changeme-changeme-and-then-some",
        "$(openssl rand -hex 32) and what is behind it",
        "at least 32 random characters, like these here",
    ],
)
def test_a_key_that_can_be_guessed_is_refused_in_production(monkeypatch: pytest.MonkeyPatch, key: str) -> None:
    set_environment(monkeypatch, SECRET_KEY=key)
    with pytest.raises(ConfigurationError, match="SECRET_KEY must be set"):
        load_settings()


def test_keys_that_are_made_by_chance_are_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    for make in (token_hex, token_urlsafe):
        for _ in range(200):
            set_environment(monkeypatch, SECRET_KEY=make(32))
            load_settings()


@pytest.mark.parametrize("place", ["environment", ".env"])
def test_log_ins_over_plain_http_are_refused_in_production(
    monkeypatch: pytest.MonkeyPatch, env_file: Path, place: str
) -> None:
    set_environment(monkeypatch)
    if place == ".env":
        env_file.write_text("OAUTHLIB_INSECURE_TRANSPORT=1\n")
    else:
        monkeypatch.setenv("OAUTHLIB_INSECURE_TRANSPORT", "1")
    with pytest.raises(ConfigurationError, match="OAUTHLIB_INSECURE_TRANSPORT"):
        load_settings()
    monkeypatch.setenv("APP_ENV", "development")
    load_settings()


@pytest.mark.parametrize("app_env", ["production", "testing", "development"])
def test_fewer_proxies_than_none_are_refused_everywhere(monkeypatch: pytest.MonkeyPatch, app_env: str) -> None:
    set_environment(monkeypatch, APP_ENV=app_env, TRUSTED_PROXIES="-1")
    with pytest.raises(ConfigurationError, match="TRUSTED_PROXIES"):
        load_settings()


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+psycopg", "postgres+psycopg"])
def test_addresses_of_the_database_are_taken_as_hosts_hand_them_out(
    monkeypatch: pytest.MonkeyPatch, scheme: str
) -> None:
    set_environment(monkeypatch, DATABASE_URL=f"{scheme}://user:pw@host/db?sslmode=require")
    assert load_settings().database_url == "postgresql+psycopg://user:pw@host/db?sslmode=require"


@pytest.mark.parametrize(
    "address", ["mysql://host/db", "postgresql+psycopg2://host/db", "host/db", "postgres://user:hidden@host:port/db"]
)
def test_another_database_is_refused_by_a_sentence(monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    set_environment(monkeypatch, DATABASE_URL=address)
    with pytest.raises(ConfigurationError, match=r"DATABASE_URL: .*postgresql://") as refused:
        load_settings()
    assert "hidden" not in str(refused.value)


def test_the_file_beside_wsgi_is_read_and_the_environment_wins(monkeypatch: pytest.MonkeyPatch, env_file: Path) -> None:
    set_environment(monkeypatch, BASE_URL="https://environment.example")
    env_file.write_text("BASE_URL=https://file.example\nMAIL_FROM=Заказы <a@b.example>\nPORT=9001\n", "utf-8")
    settings = load_settings()
    assert (settings.base_url, settings.mail_from) == ("https://environment.example", "Заказы <a@b.example>")


@pytest.mark.parametrize("name", [".env", ".flaskenv"])
def test_a_file_that_flask_alone_would_read_is_refused(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str
) -> None:
    set_environment(monkeypatch)
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    (tmp_path / name).write_text("TZ=UTC\n")
    monkeypatch.setenv("FLASK_RUN_FROM_CLI", "true")
    load_settings()
    (tmp_path / name).write_text("DATABASE_URL=postgresql://another\n")
    with pytest.raises(ConfigurationError, match=f"{name} is read by `flask` alone"):
        load_settings()
    monkeypatch.setenv("FLASK_SKIP_DOTENV", "1")
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
