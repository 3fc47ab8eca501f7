"""Logging in with a provider from end to end, through a real provider process."""

import base64
import hashlib
import re
from urllib.parse import parse_qs, urlsplit

import pytest
import time_machine
from sqlalchemy import text

from shop.auth.access import access_of
from tests.auth.social.conftest import AUTH, CLIENT, FORM, OTHER_CLIENT, Browser, arrived, consent, deny
from tests.factories.auth import bearer, make_user

VERIFIER = "v" * 43
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode()


def _me(client, token: str):
    return client.get(f"{AUTH}/me", headers={"Authorization": f"Bearer {token}"})


def test_a_stranger_registers_and_logs_in_again(client, browser, anna, exchange, drain, mailbox, edge):
    arrival = browser.log_in("google", anna)
    assert arrival["app"] == "1"
    assert (arrival["provider"], arrival["purpose"]) == ("google", "log_in")
    needed = exchange(arrival["code"])
    assert (needed.status_code, needed.json["code"]) == (409, "RegistrationNeeded")
    facts = needed.json["facts"]
    assert (facts["email"], facts["email_verified"]) == ("anna@gmail.com", True)
    assert (facts["first_name"], facts["last_name"]) == ("Анна", "Калинина")

    registered = client.post(f"{AUTH}/social/register", json={"code": facts["registration_code"], **FORM})
    assert registered.status_code == 201
    me = _me(client, registered.json["access_token"])
    with edge() as session:
        assert session.execute(text("SELECT is_owner FROM users")).scalar_one() is True
    assert (me.json["email"], me.json["company"]["name"]) == ("anna@gmail.com", "Рябинка")
    drain()
    assert [(mail["To"], mail["Subject"]) for mail in mailbox] == [
        ("anna@gmail.com", "Google открывает вашу учётную запись")
    ]
    assert mailbox[0].get_body(("html",)) is not None

    again = exchange(Browser(client.application).log_in("google", anna)["code"])
    assert again.status_code == 200
    assert again.json["token_type"] == "Bearer"
    assert _me(client, again.json["access_token"]).json["id"] == me.json["id"]


@pytest.mark.parametrize("provider", ["google", "github", "yandex", "oidc"])
def test_every_provider_says_who_it_is(provider, browser, person, exchange):
    person(
        "77",
        email="ivan@gmail.com",
        email_verified=True,
        name="Иван Петров",
        user={"id": 77, "login": "ivan", "name": "Иван Петров", "email": "public@other.example"},
        emails=[
            {"email": "old@other.example", "primary": False, "verified": True},
            {"email": "ivan@gmail.com", "primary": True, "verified": True},
        ],
        info={"id": "77", "first_name": "Иван", "last_name": "Петров", "default_email": "ivan@gmail.com"},
    )
    facts = exchange(browser.log_in(provider, "77")["code"]).json["facts"]
    assert {name: facts[name] for name in ("provider", "email", "first_name", "last_name")} == {
        "provider": provider,
        "email": "ivan@gmail.com",
        "first_name": "Иван",
        "last_name": "Петров",
    }
    assert facts["email_verified"] is (provider != "yandex")


def test_lists_what_is_offered_with_where_to_start(client, settings):
    answer = client.get(f"{AUTH}/social")
    items = {item["provider"]: item for item in answer.json["items"]}
    assert list(items) == ["google", "github", "yandex", "oidc"]
    assert items["yandex"]["name"] == "Яндекс"
    assert items["google"]["start_url"] == f"{settings.base_url}/login/google"


def test_asks_with_state_pkce_and_the_callback_under_our_own_address(browser, settings):
    query = parse_qs(urlsplit(browser.start("google")).query)
    assert query["redirect_uri"] == [f"{settings.base_url}/login/google/authorized"]
    assert query["code_challenge_method"] == ["S256"]
    assert len(query["state"][0]) >= 30
    forged = browser.client.get("/login/google", headers={"Host": "evil.example"})
    assert parse_qs(urlsplit(forged.location).query)["redirect_uri"] == query["redirect_uri"]


def test_the_cookie_is_protected_and_gone_afterwards(browser, anna):
    begun = browser.client.get("/login/google")
    cookie = begun.headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie
    assert "Expires" not in cookie
    assert begun.headers["Cache-Control"] == "no-store"
    ended = browser.come_back(consent(begun.location, anna))
    assert "session=;" in ended.headers["Set-Cookie"]
    assert browser.client.get_cookie("session") is None
    assert "access_token" not in ended.location


def test_cookies_are_secure_in_production(make_app):
    assert make_app(app_env="production").config["SESSION_COOKIE_SECURE"] is True


def test_ends_at_another_configured_address_where_the_client_asks(browser, anna):
    callback = consent(browser.start("google", next=OTHER_CLIENT), anna)
    assert arrived(browser.come_back(callback), at=OTHER_CLIENT)["code"]


def test_a_client_that_sends_a_challenge_needs_its_verifier(browser, anna, exchange):
    code = browser.log_in("google", anna, code_challenge=CHALLENGE)["code"]
    assert exchange(code).json["code"] == "SocialCodeNotValid"
    assert exchange(code, code_verifier="x" * 43).json["code"] == "SocialCodeNotValid"
    assert exchange(code, code_verifier=VERIFIER).json["code"] == "RegistrationNeeded"


class TestPage:
    @pytest.fixture(autouse=True)
    def _without_address(self, app):
        kept = app.extensions["settings"]
        app.extensions["settings"] = kept.model_copy(update={"social_return_url": ""})
        yield
        app.extensions["settings"] = kept

    def test_shows_the_code_without_scripts_where_no_address_is_configured(self, browser, anna, exchange):
        page = browser.come_back(consent(browser.start("google"), anna))
        assert page.status_code == 200
        assert "default-src 'none'" in page.headers["Content-Security-Policy"]
        assert page.headers["Cache-Control"] == "no-store"
        assert "<script" not in page.text
        [code] = re.findall(r"<code>(.+)</code>", page.text)
        assert exchange(code).json["code"] == "RegistrationNeeded"

    def test_says_what_went_wrong(self, browser):
        page = browser.client.get("/login/google/authorized", headers={"Accept-Language": "en"})
        assert (page.status_code, "Start again" in page.text) == (422, True)
        denied = browser.come_back(deny(browser.start("google")))
        assert (denied.status_code, "Вход отменён" in denied.text) == (403, True)


class TestTrouble:
    def test_a_denial_ends_at_the_client(self, browser):
        arrival = arrived(browser.come_back(deny(browser.start("google"))))
        assert arrival["error"] == "ConsentDenied"
        assert arrival["error_description"]
        assert browser.client.get_cookie("session") is None

    def test_a_provider_that_answers_nonsense_ends_at_the_client(self, browser, person):
        person("5", user="not an object", emails=[])
        assert browser.log_in("github", "5")["error"] == "ProviderFailed"

    def test_a_provider_that_is_away_ends_at_the_client(self, browser, app, monkeypatch):
        blueprint = app.blueprints["oidc"]
        monkeypatch.setattr(blueprint.provider.find_addresses, "_issuer", "http://127.0.0.1:9")
        monkeypatch.setattr(blueprint.provider.find_addresses, "_found", None)
        assert arrived(browser.client.get("/login/oidc"))["error"] == "ProviderFailed"

    def test_a_provider_whose_profile_is_out_of_order(self, browser, anna, provider_address, app, monkeypatch):
        callback = consent(browser.start("oidc"), anna)
        discovery = app.blueprints["oidc"].provider.find_addresses
        until, addresses = discovery._found
        broken = type(addresses)(addresses.authorization, addresses.token, f"{provider_address}/hangs-up")
        monkeypatch.setattr(discovery, "_found", (until, broken))
        assert arrived(browser.come_back(callback))["error"] == "ProviderFailed"

    def test_nothing_is_offered_that_is_not_configured(self, app, client):
        kept = app.extensions["settings"]
        app.extensions["settings"] = kept.model_copy(update={"google_client_id": "", "oidc_issuer": ""})
        try:
            listed = [item["provider"] for item in client.get(f"{AUTH}/social").json["items"]]
            refused = client.post(f"{AUTH}/social/google/link", headers=bearer(make_user()))
        finally:
            app.extensions["settings"] = kept
        assert listed == ["github", "yandex"]
        assert (refused.status_code, refused.json["code"]) == (404, "ProviderUnknown")
        assert client.get("/login/facebook").status_code == 404


def test_access_is_stated_by_every_browser_route(app):
    for provider in ("google", "github", "yandex", "oidc"):
        for view in ("login", "authorized"):
            assert access_of(app.view_functions[f"{provider}.{view}"]) is not None


def test_neither_database_nor_logs_keep_a_secret(browser, anna, exchange, app, edge, caplog):
    with caplog.at_level("DEBUG"), time_machine.travel("2026-11-25T10:00:00Z", tick=True):
        code = browser.log_in("google", anna)["code"]
    assert code not in caplog.text
    assert "client secret" not in caplog.text
    assert "code_verifier" not in caplog.text
    with edge() as session:
        assert code not in str(session.execute(text("SELECT * FROM social_codes")).all())


def test_the_client_address_is_untouched_by_the_provider(browser, anna):
    """Whatever the provider adds to the callback stays with us."""
    callback = consent(browser.start("google"), anna) + "&next=https://evil.example&return_url=https://evil.example"
    answer = browser.come_back(callback)
    assert answer.location.startswith(CLIENT)
    assert "evil" not in answer.location
