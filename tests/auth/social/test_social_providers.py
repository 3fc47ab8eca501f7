"""How the providers' answers are read, and which of their e-mails are believed."""

import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import orjson
import pytest

from shop.auth.social.providers import (
    PROVIDERS,
    Addresses,
    Discovery,
    Identity,
    Provider,
    ProviderFailed,
    open_id_connect,
)

ADDRESSES = Addresses("https://p.example/a", "https://p.example/t", "profile", "emails")


def _read(provider: Provider, **answers: Any) -> Identity:
    return provider.read(lambda address: answers["emails" if address == "emails" else "profile"], ADDRESSES)


def _named(key: str) -> Provider:
    return next(provider for provider in PROVIDERS if provider.key == key)


@pytest.mark.parametrize(
    ("claims", "believed"),
    [
        ({"email": "a@gmail.com", "email_verified": True}, True),
        ({"email": "a@chain.example", "email_verified": True, "hd": "chain.example"}, True),
        ({"email": "a@chain.example", "email_verified": True}, False),
        ({"email": "a@gmail.com", "email_verified": False}, False),
        ({"email": "a@gmail.com", "email_verified": "true"}, False),
        ({"email": "a@gmail.com"}, False),
        ({"email_verified": True, "hd": "chain.example"}, False),
    ],
)
def test_google_vouches_for_its_own_mailboxes(claims: dict[str, Any], believed: bool) -> None:
    assert _read(_named("google"), profile={"sub": "1", **claims}).email_verified is believed


@pytest.mark.parametrize(
    ("emails", "expected"),
    [
        ([{"email": "a@x.example", "primary": True, "verified": True}], ("a@x.example", True)),
        ([{"email": "a@x.example", "primary": True, "verified": False}], ("a@x.example", False)),
        ([{"email": "a@x.example", "primary": False, "verified": True}], (None, False)),
        ([], (None, False)),
    ],
)
def test_github_vouches_for_the_verified_primary_email(emails: list[Any], expected: tuple[str | None, bool]) -> None:
    identity = _read(_named("github"), profile={"id": 7, "email": "public@x.example"}, emails=emails)
    assert (identity.email, identity.email_verified) == expected


def test_yandex_vouches_for_nothing() -> None:
    identity = _read(_named("yandex"), profile={"id": "7", "default_email": "a@yandex.ru"})
    assert (identity.email, identity.email_verified) == ("a@yandex.ru", False)


def test_the_issuer_is_part_of_who_somebody_is() -> None:
    ids = {
        _read(open_id_connect(issuer, "SSO"), profile={"sub": "1"}).provider_user_id
        for issuer in ("https://a.example", "https://b.example")
    }
    assert len(ids) == 2


@pytest.mark.parametrize("sub", [None, "", True, {"id": 1}, ["1"], "x" * 256, "1\x00", " 1"])
def test_without_a_usable_id_nobody_is_anybody(sub: Any) -> None:
    with pytest.raises(ProviderFailed):
        _read(_named("google"), profile={"sub": sub})


@pytest.mark.parametrize("email", ["nonsense", '"a b"@x.example', "a\x00b", {"x": 1}, "a" * 300 + "@x.example"])
def test_an_email_that_cannot_be_one_counts_as_none(email: Any) -> None:
    identity = _read(_named("google"), profile={"sub": "1", "email": email, "email_verified": True, "hd": "x"})
    assert (identity.email, identity.email_verified) == (None, False)


def test_names_are_made_storable() -> None:
    identity = _read(_named("google"), profile={"sub": "1", "given_name": "А\x00нна\ud800" + "x" * 200, "name": 5})
    assert identity.first_name.startswith("Аннаx")
    assert len(identity.first_name) == 100


@pytest.mark.parametrize("answer", [[], "text", None, 5])
def test_an_answer_of_another_shape_is_the_providers_failure(answer: Any) -> None:
    for provider in PROVIDERS:
        with pytest.raises(ProviderFailed):
            provider.identify(lambda _address: answer)


class TestDiscovery:
    @pytest.fixture
    def issuer(self) -> Any:
        """`issuer(document)` serves the document and answers the issuer's address; `.asked` counts."""
        servers: list[HTTPServer] = []

        def serve(change: Callable[[str], Any]) -> str:
            class Handler(BaseHTTPRequestHandler):
                def do_GET(self) -> None:
                    self.server.asked += 1
                    body = orjson.dumps(change(f"http://127.0.0.1:{self.server.server_port}"))
                    self.send_response(200)
                    self.end_headers()
                    self.wfile.write(body)

                def log_message(self, *_: Any) -> None: ...

            server = HTTPServer(("127.0.0.1", 0), Handler)
            server.asked = 0
            servers.append(server)
            threading.Thread(target=server.serve_forever, daemon=True).start()
            serve.server = server
            return f"http://127.0.0.1:{server.server_port}"

        yield serve
        for server in servers:
            server.shutdown()
            server.server_close()

    @staticmethod
    def _document(issuer: str, **changes: Any) -> dict[str, Any]:
        names = ("authorization", "token", "userinfo")
        return {"issuer": issuer} | {f"{name}_endpoint": f"https://p.example/{name}" for name in names} | changes

    def test_is_fetched_when_needed_and_kept(self, issuer: Any) -> None:
        address = issuer(self._document)
        discovery = Discovery(address)
        assert issuer.server.asked == 0
        assert discovery() == discovery()
        assert discovery().profile == "https://p.example/userinfo"
        assert issuer.server.asked == 1

    @pytest.mark.parametrize(
        "changes",
        [{"issuer": "https://another.example"}, {"token_endpoint": None}, {"userinfo_endpoint": 5}],
    )
    def test_refuses_what_another_issuer_says_or_what_lacks(self, issuer: Any, changes: dict[str, Any]) -> None:
        with pytest.raises(ProviderFailed):
            Discovery(issuer(lambda own: self._document(own, **changes)))()

    def test_refuses_addresses_without_tls(self, issuer: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.delenv("OAUTHLIB_INSECURE_TRANSPORT", raising=False)
        with pytest.raises(ProviderFailed):
            Discovery(issuer(lambda own: self._document(own, token_endpoint="http://p.example/token")))()

    def test_refuses_an_answer_that_is_no_object(self, issuer: Any) -> None:
        with pytest.raises(ProviderFailed):
            Discovery(issuer(lambda _own: []))()
