"""A real provider process, the product with it as Google, GitHub, Yandex and OpenID Connect, and browsers."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
import requests
from flask import Flask
from pydantic import SecretStr
from werkzeug.test import TestResponse

from shop import create_app
from shop.auth.social import providers
from shop.auth.social.providers import Addresses
from shop.config import Settings
from shop.database import db

SECRET = "the provider's client secret"
AUTH = "/api/v1/auth"
CLIENT = "https://client.example/return?app=1"
OTHER_CLIENT = "com.example.app:/back"
FORM = {"first_name": "Анна", "last_name": "Калинина", "role": "buyer", "company": "Рябинка"}


@pytest.fixture(scope="session")
def provider_address() -> Iterator[str]:
    process = subprocess.Popen(
        [sys.executable, "-W", "ignore", "-m", "tests.auth.social.provider", SECRET],
        cwd=Path(__file__).parents[3],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert process.stdout is not None
    with process.stdout as output:
        yield output.readline().strip()
        process.terminate()
        process.wait(10)


@pytest.fixture(scope="package")
def built_app(built_app: Flask, settings: Settings, provider_address: str) -> Iterator[Flask]:
    """The same code paths as with the real ones: only the table of addresses is another."""
    registered = {f"{key}_client_id": "shop" for key in ("google", "github", "yandex", "oidc")}
    secrets = {f"{key}_client_secret": SecretStr(SECRET) for key in ("google", "github", "yandex", "oidc")}
    others = {"oidc_issuer": provider_address, "social_return_url": f"{CLIENT} {OTHER_CLIENT}"}
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OAUTHLIB_INSECURE_TRANSPORT", "1")
        patch.setattr(providers, "PROVIDERS", _local_providers(provider_address))
        app = create_app(settings.model_copy(update=registered | secrets | others))
        yield app
    with app.app_context():
        db.engine.dispose()
    built_app.extensions["celery"].set_default()


def _local_providers(address: str) -> list[providers.Provider]:
    profiles = {"google": "userinfo", "github": "profile/user", "yandex": "profile/info?format=json"}
    return [
        replace(
            provider,
            scopes=("openid", "email", "profile", *provider.scopes),
            find_addresses=lambda key=provider.key: Addresses(
                f"{address}/oauth2/authorize",
                f"{address}/oauth2/token",
                f"{address}/{profiles[key]}",
                f"{address}/profile/emails",
            ),
        )
        for provider in providers.PROVIDERS
    ]


class Browser:
    """Cookies of its own; goes to the provider and comes back."""

    def __init__(self, app: Flask) -> None:
        self.client = app.test_client()

    def start(self, provider: str, **query: str) -> str:
        """The address at the provider."""
        answer = self.client.get(f"/login/{provider}", query_string=query)
        assert answer.status_code == 302, answer.text
        return answer.location

    def come_back(self, callback: str) -> TestResponse:
        parts = urlsplit(callback)
        return self.client.get(f"{parts.path}?{parts.query}")

    def log_in(self, provider: str, sub: str, **query: str) -> dict[str, str]:
        """What the client finds behind its address."""
        return arrived(self.come_back(consent(self.start(provider, **query), sub)))


def consent(address: str, sub: str) -> str:
    """The person agrees at the provider; the callback that the browser is sent to."""
    answer = requests.post(address, data={"sub": sub}, allow_redirects=False, timeout=10)
    assert answer.status_code == 302, answer.text
    return answer.headers["Location"]


def deny(address: str) -> str:
    answer = requests.post(address, data={"action": "deny"}, allow_redirects=False, timeout=10)
    return answer.headers["Location"]


def arrived(answer: TestResponse, at: str = CLIENT) -> dict[str, str]:
    """The query with which the browser comes to the client's address."""
    assert answer.status_code == 303, (answer.status_code, answer.text)
    parts, expected = urlsplit(answer.location), urlsplit(at)
    assert (parts.scheme, parts.netloc, parts.path) == (expected.scheme, expected.netloc, expected.path)
    return dict(parse_qsl(parts.query))


@pytest.fixture
def browser(app: Flask) -> Browser:
    return Browser(app)


@pytest.fixture
def person(provider_address: str) -> Callable[..., str]:
    """`person("1", email=…)` sets what the provider says about somebody, and answers who that is."""

    def tell(sub: str, **claims: Any) -> str:
        answer = requests.put(f"{provider_address}/users/{sub}", json=claims, timeout=10)
        assert answer.status_code == 204, answer.text
        return sub

    return tell


@pytest.fixture
def anna(person: Callable[..., str]) -> str:
    return person("1001", email="anna@gmail.com", email_verified=True, given_name="Анна", family_name="Калинина")


@pytest.fixture
def exchange(client: Any) -> Callable[..., TestResponse]:
    def post(code: str, **others: str) -> TestResponse:
        return client.post(f"{AUTH}/social/token", json={"code": code, **others})

    return post


@pytest.fixture
def register(client: Any, browser: Browser, exchange: Callable[..., TestResponse]) -> Callable[..., TestResponse]:
    """From the provider to the answer of the registration."""

    def post(provider: str, sub: str, **others: str) -> TestResponse:
        needed = exchange(browser.log_in(provider, sub)["code"])
        assert needed.json["code"] == "RegistrationNeeded", needed.json
        code = needed.json["facts"]["registration_code"]
        return client.post(f"{AUTH}/social/register", json={"code": code, **FORM, **others})

    return post
