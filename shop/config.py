"""Settings: everything an operator can set, read once from the environment and .env, typed and frozen."""

import os
import re
from pathlib import Path
from typing import Literal, Self
from urllib.parse import urlsplit

from dotenv import dotenv_values, find_dotenv
from flask import current_app
from flask.helpers import get_load_dotenv
from limits import parse_many
from pydantic import Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict
from sqlalchemy import make_url
from sqlalchemy.exc import ArgumentError

DEVELOPMENT_KEY = "development-only-secret-key-that-protects-nothing"
ENV_FILE = Path(__file__).parent.parent / ".env"
POSTGRESQL = re.compile(r"postgres(?:ql)?(?:\+psycopg)?(?=://)")
# Words of texts that tell people to write a key: who copied one has none.
EXAMPLE_WORDS = ("secret key", "change me", "changeme", "example", "random characters", "development only", "openssl")
FEWEST_SIGNS = 8


class ConfigurationError(Exception):
    """The environment does not describe a product that may run; the message lists every reason."""


class Settings(BaseSettings):
    """One field per environment variable of the same name in capitals; .env.example lists them with their defaults."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore", env_ignore_empty=False)

    app_env: Literal["development", "testing", "production"] = Field("production", description="What may be relaxed")
    secret_key: SecretStr = Field(SecretStr(""), description="Signs links; at least 32 random characters")
    base_url: str = Field("http://127.0.0.1:8000", description="Where people reach the product: the links in mails")

    database_url: str = Field("", description="postgresql://user:password@host/name")
    database_pool_size: int = Field(5, description="Connections kept per process; when busy 2.5 times as many")
    database_statement_timeout_ms: int = Field(15_000, description="A statement of a request may take this long")
    database_lock_timeout_ms: int = Field(5_000, description="… and wait this long for a lock")
    redis_url: str = Field("", description="redis://host:6379/0, the default of the three below")
    cache_url: str = Field("", description="An evicting instance of its own is best")
    limits_url: str = Field("", description="Counters of the throttle (policy noeviction)")
    broker_url: str = Field("", description="Celery's queue (policy noeviction)")

    smtp_host: str = Field("127.0.0.1", description="Mail server")
    smtp_port: int = Field(25, description="… its port")
    smtp_user: str = Field("", description="… and log-in, where it wants one")
    smtp_password: SecretStr = Field(SecretStr(""), description="…")
    smtp_starttls: bool = Field(False, description="Refuse to send without TLS")
    smtp_timeout_seconds: float = Field(20, description="Give up on a silent server and try later")
    smtp_keep_seconds: float = Field(30, ge=0, description="A connection is kept so long for the next mail; 0 = not")
    mail_from: str = Field("Заказы <orders@shop.example>", description="Sender of all mails")
    mail_domain: str = Field("shop.example", description="Right side of Message-IDs; never change it under way")
    admin_email: str = Field("admin@shop.example", description="The administrator who gets a copy of every invoice")

    mail_log_days: int = Field(365, ge=1, description="The log forgets mails sent so long ago")
    mail_parked_days: int = Field(730, ge=1, description="… and those parked so long ago")

    throttle_anon: str = Field("100/day", description="Requests without a log-in, per address; empty = off")
    throttle_user: str = Field("1000/day", description="Requests per user; empty = off, with the next two")
    throttle_api_key: str = Field("20000/day", description="Requests per API key, which a user's own do not touch")
    throttle_upload: str = Field("100/day", description="Price lists and other files per user, beside the above")
    throttle_login: str = Field(
        "10/minute;100/hour", description="Log-ins per account and address; empty = off, with the next four"
    )
    throttle_login_account: str = Field("100/hour", description="Failed log-ins per account from places new to it")
    throttle_login_address: str = Field("300/hour", description="Failed log-ins per address, whatever the account")
    throttle_reset: str = Field("5/hour", description="Mails with a link that anybody can ask for, per mailbox")
    throttle_invitations: str = Field("50/day", description="Invitations that a company mails; empty = off")
    trusted_proxies: int = Field(0, ge=0, description="How many X-Forwarded-For hops are ours; 0 = believe none")

    catalog_public: bool = Field(True, description="May anybody read the catalog without a log-in?")
    export_folder: str = Field("instance/exports", description="Where web processes keep the catalog's latest export")
    compress_from_bytes: int = Field(
        1024, ge=0, description="Answers of the API from this size on are compressed for who takes it; 0 = off"
    )
    max_body_mib: int = Field(10, description="Largest request body")
    max_price_list_mib: int = Field(50, description="Largest price list")
    max_unpacked_price_list_mib: int = Field(200, description="… unpacked, where read row by row (CSV, XLSX, YML)")
    large_price_list_mib: float = Field(
        2, ge=0, description="From this size on, XLSX an eighth, one is imported at a time"
    )
    price_list_file_days: int = Field(90, ge=1, description="Files are kept so long; of each supplier the last applied")
    price_list_max_attempts: int = Field(5, description="Then a list that stops its worker is given up")
    price_list_fetch_seconds: float = Field(120, description="Fetching one from its address may take this long")
    price_list_url_allowed_hosts: str = Field(
        "", description="host or host:port, by commas: fetched from although not on the public internet"
    )
    webhook_allowed_hosts: str = Field(
        "", description="host or host:port, by commas: webhooks may go there without HTTPS and inside the own network"
    )
    webhook_timeout_seconds: float = Field(15, description="A receiver of webhooks must answer within")
    webhook_failing_days: int = Field(5, description="A webhook is switched off when nothing got through for so long")
    webhook_deliveries_kept_days: int = Field(30, description="The log of deliveries to webhooks goes back so far")
    max_webhooks_per_company: int = Field(20, description="Webhooks a company may keep")
    guard_price_percent: int = Field(50, description="A price that moves more waits for a person, with its old price")
    guard_median_percent: int = Field(15, description="A price list whose median price moves more is held")
    guard_withdrawn_percent: int = Field(20, description="A price list that withdraws more of the offers is held")
    max_contacts_per_user: int = Field(5, description="Delivery points a person may keep")
    max_contacts_per_company: int = Field(500, description="Delivery points a company may keep")

    session_lifetime_days: int = Field(30, description="A log-in ends after this many days")
    session_idle_days: int = Field(14, description="… and earlier when it was not used for so long")
    api_key_idle_days: int = Field(365, description="An API key ends when it was not used for so long")
    token_use_noted_minutes: int = Field(5, description="How exactly the last use of a token is known")
    confirmation_lifetime_hours: int = Field(72, description="A confirmation link works this long")
    reset_lifetime_minutes: int = Field(60, description="A link to set a new password works this long")
    invitation_lifetime_hours: int = Field(168, description="An invitation to a company stands this long")
    manager_totp_required: bool = Field(False, description="May managers work only with a second factor?")

    social_return_url: str = Field(
        "",
        description="Where a social log-in ends with ?code=…; several by blanks, the first is default; empty = a page",
    )
    google_client_id: str = Field("", description="Log-in with Google, offered with id and secret; callback:")
    google_client_secret: SecretStr = Field(SecretStr(""), description="… BASE_URL/login/google/authorized")
    github_client_id: str = Field("", description="The same with GitHub; callback:")
    github_client_secret: SecretStr = Field(SecretStr(""), description="… BASE_URL/login/github/authorized")
    yandex_client_id: str = Field("", description="The same with Yandex; callback:")
    yandex_client_secret: SecretStr = Field(SecretStr(""), description="… BASE_URL/login/yandex/authorized")
    oidc_issuer: str = Field("", description="Any OpenID Connect provider, its address exactly as it writes it itself")
    oidc_name: str = Field("OpenID Connect", description="… what people call it")
    oidc_client_id: str = Field("", description="… our id there; callback:")
    oidc_client_secret: SecretStr = Field(SecretStr(""), description="… BASE_URL/login/oidc/authorized")

    outbox_poll_seconds: float = Field(0.2, description="How often the relay looks for new events")
    outbox_resend_seconds: float = Field(
        30, description="What failed, or whose worker died, is tried again after this, then ever later"
    )
    outbox_max_attempts: int = Field(14, description="After so many tries of workers an event is parked for a person")

    metrics_token: SecretStr = Field(
        SecretStr(""), description="Bearer token of /metrics; empty = from this machine only"
    )
    sentry_dsn: SecretStr = Field(SecretStr(""), description="Where unforeseen errors are reported to; empty = nowhere")
    log_json: bool = Field(True, description="One JSON object a line; off = for reading by people")
    log_level: str = Field("INFO", description="DEBUG, INFO, WARNING or ERROR")

    @field_validator("database_url")
    @classmethod
    def _is_postgresql(cls, value: str) -> str:
        """Hosts hand out postgres:// and postgresql://; SQLAlchemy wants to be told the driver."""
        written = POSTGRESQL.sub("postgresql+psycopg", value, count=1)
        try:
            is_known = not value or make_url(written).drivername == "postgresql+psycopg"
        except (ArgumentError, ValueError):
            is_known = False
        if not is_known:
            raise ValueError("must be written as postgresql://user:password@host/name")
        return written

    @field_validator(
        "throttle_anon",
        "throttle_user",
        "throttle_api_key",
        "throttle_upload",
        "throttle_login",
        "throttle_login_account",
        "throttle_login_address",
        "throttle_reset",
        "throttle_invitations",
    )
    @classmethod
    def _is_a_limit(cls, value: str) -> str:
        """A typo would otherwise turn every request into an error."""
        if value:
            parse_many(value)
        return value

    @model_validator(mode="after")
    def _is_complete(self) -> Self:
        if not self.database_url or not self.redis_url:
            raise ValueError("DATABASE_URL and REDIS_URL must be set ('make run' brings servers of its own)")
        return self

    @model_validator(mode="after")
    def _keeps_its_secrets(self) -> Self:
        key = self.secret_key.get_secret_value()
        is_too_short = self.app_env == "testing" and (len(key) < 32 or key == DEVELOPMENT_KEY)
        if is_too_short or (self.app_env == "production" and is_guessable(key)):
            raise ValueError("SECRET_KEY must be set to at least 32 random characters outside development")
        if self.app_env == "production" and _given_beside("OAUTHLIB_INSECURE_TRANSPORT"):
            raise ValueError("OAUTHLIB_INSECURE_TRANSPORT must not be set: log-ins would go over plain HTTP")
        return self

    @model_validator(mode="after")
    def _ends_social_log_ins_at_addresses(self) -> Self:
        for address in self.social_return_urls:
            parts = urlsplit(address)
            if not parts.scheme or "#" in address or (parts.scheme in ("http", "https") and not parts.netloc):
                raise ValueError(f"SOCIAL_RETURN_URL: {address} is not a complete address without #")
        return self

    @property
    def social_return_urls(self) -> tuple[str, ...]:
        """Where social log-ins may end; the first is the default."""
        return tuple(self.social_return_url.split())

    @property
    def signing_key(self) -> str:
        return self.secret_key.get_secret_value() or DEVELOPMENT_KEY

    @property
    def allowed_url_hosts(self) -> frozenset[str]:
        return _hosts(self.price_list_url_allowed_hosts)

    @property
    def allowed_webhook_hosts(self) -> frozenset[str]:
        return _hosts(self.webhook_allowed_hosts)

    @property
    def urls(self) -> dict[str, str]:
        """The three uses of Valkey, each by its own address or all by REDIS_URL."""
        return {
            "cache": self.cache_url or self.redis_url,
            "limits": self.limits_url or self.redis_url,
            "broker": self.broker_url or self.redis_url,
        }


def _hosts(listed: str) -> frozenset[str]:
    return frozenset(filter(None, (host.strip().lower() for host in listed.split(","))))


def current_settings() -> Settings:
    """Those that the running app was built with: for edges. A story is given what it needs."""
    settings: Settings = current_app.extensions["settings"]
    return settings


def is_guessable(key: str) -> bool:
    """One letter forty times, a short piece again and again, blanks, or a text that says what to write here."""
    words = " ".join(re.findall(r"[a-z0-9]+", key.lower()))
    return (
        len(key.strip()) < 32
        or len(set(key)) < FEWEST_SIGNS
        or key in (key + key)[1:-1]
        or any(word in words for word in EXAMPLE_WORDS)
    )


def load_settings() -> Settings:
    """From .env beside wsgi.py and from the environment, which wins: the same for every process."""
    _refuse_another_env_file()
    try:
        return Settings(_env_file=ENV_FILE, _env_file_encoding="utf-8")
    except ValidationError as error:
        reasons = [f"{'.'.join(map(str, each['loc'])).upper()}: {each['msg']}".lstrip(": ") for each in error.errors()]
        raise ConfigurationError("The settings are not usable:\n  " + "\n  ".join(reasons)) from None


def _given_beside(name: str) -> str | None:
    """What libraries read by themselves, so that it is no setting of ours."""
    return os.environ.get(name) or dotenv_values(ENV_FILE).get(name)


def _refuse_another_env_file() -> None:
    """`flask` looks for such files by itself, in the working folder and those above it, as no other process does."""
    if os.environ.get("FLASK_RUN_FROM_CLI") != "true" or not get_load_dotenv():
        return
    for name in (".env", ".flaskenv"):
        found = find_dotenv(name, usecwd=True)
        is_other = bool(found) and Path(found).resolve() != ENV_FILE.resolve()
        if is_other and {each.lower() for each in dotenv_values(found)} & Settings.model_fields.keys():
            raise ConfigurationError(
                f"{found} is read by `flask` alone. Put its settings into {ENV_FILE}, which every process reads, or set"
                " FLASK_SKIP_DOTENV=1."
            )
