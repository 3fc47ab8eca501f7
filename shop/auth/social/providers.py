"""The providers that people may log in with: their addresses, what to ask for, and who they say somebody is."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import requests
from oauthlib.oauth2.rfc6749.utils import is_secure_transport

from shop.auth.email_addresses import MAX_LENGTH, EmailInvalid, clean_email
from shop.config import Settings
from shop.errors import Unavailable

OIDC = "oidc"
PATIENCE_SECONDS = (5, 10)  # to connect, to answer
KEEP_DISCOVERY_SECONDS = 3600
LONGEST_ID = 255
LONGEST_NAME = 100


class ProviderFailed(Unavailable):
    code = "ProviderFailed"
    message = "The provider did not answer as it should. Try again, or log in with your password."


@dataclass(frozen=True)
class Identity:
    """Who somebody is at a provider. `email_verified` only where the provider vouches that it is theirs today."""

    provider: str
    provider_user_id: str
    email: str | None
    email_verified: bool
    first_name: str
    last_name: str


@dataclass(frozen=True)
class Addresses:
    authorization: str
    token: str
    profile: str
    emails: str = ""


Ask = Callable[[str], Any]  # the JSON at an address of the provider, with the person's token


@dataclass(frozen=True)
class Provider:
    """`find_addresses` may go over the network; `read` asks the provider who the person is.

    Who somebody is comes from the provider's API (userinfo at OpenID Connect), not from an ID token. We get the access
    token ourselves, over TLS, for a code that PKCE binds to the browser which began, and use it at once: nothing that
    came through the browser is believed, so there is no signature or nonce to check, and no keys to fetch and rotate.
    Every provider has a callback address of its own, which keeps the answer of one from being taken for another's.
    """

    key: str
    name: str
    scopes: tuple[str, ...]
    find_addresses: Callable[[], Addresses]
    read: Callable[[Ask, Addresses], Identity]

    def identify(self, ask: Ask) -> Identity:
        try:
            return self.read(ask, self.find_addresses())
        except (AttributeError, TypeError) as error:  # JSON, but not of the shape that was agreed
            raise ProviderFailed from error


@dataclass(frozen=True)
class OfferedProvider:
    """A provider with which this installation is registered."""

    provider: Provider
    client_id: str
    client_secret: str


def offered_providers(settings: Settings) -> list[OfferedProvider]:
    """Those whose client id and secret are set; the generic one needs its issuer, too."""
    known = [*PROVIDERS, open_id_connect(settings.oidc_issuer, settings.oidc_name)]
    offered = [OfferedProvider(provider, *_credentials(settings, provider.key)) for provider in known]
    return [each for each in offered if each.client_id and each.client_secret and _has_address(each, settings)]


def provider_name(key: str, settings: Settings) -> str:
    """What people call it, even where it is not offered any more."""
    names = {provider.key: provider.name for provider in PROVIDERS} | {OIDC: settings.oidc_name}
    return names.get(key, key)


def open_id_connect(issuer: str, name: str) -> Provider:
    """Any provider that describes itself under /.well-known/openid-configuration.

    The issuer is part of the person's id: with another issuer in the settings the same number is another person.
    """

    def read(ask: Ask, addresses: Addresses) -> Identity:
        claims = ask(addresses.profile)
        return _open_id_identity(OIDC, claims, prefix=f"{issuer}|", vouched=claims.get("email_verified") is True)

    return Provider(OIDC, name, ("openid", "email", "profile"), Discovery(issuer), read)


class Discovery:
    """The addresses that an issuer publishes, fetched when they are first needed and kept for an hour."""

    def __init__(self, issuer: str) -> None:
        self._issuer = issuer
        self._found: tuple[float, Addresses] | None = None

    def __call__(self) -> Addresses:
        if self._found is None or self._found[0] < time.monotonic():
            self._found = (time.monotonic() + KEEP_DISCOVERY_SECONDS, self._fetch())
        return self._found[1]

    def _fetch(self) -> Addresses:
        address = self._issuer.rstrip("/") + "/.well-known/openid-configuration"
        try:
            document = requests.get(address, timeout=PATIENCE_SECONDS, allow_redirects=False).json()
            endpoints = [document[f"{name}_endpoint"] for name in ("authorization", "token", "userinfo")]
            is_usable = document["issuer"] == self._issuer and all(map(_is_secure, endpoints))
        except (requests.RequestException, ValueError, KeyError, TypeError, AttributeError) as error:
            raise ProviderFailed from error
        if not is_usable:
            raise ProviderFailed
        return Addresses(*endpoints)


def _is_secure(endpoint: object) -> bool:
    return isinstance(endpoint, str) and bool(is_secure_transport(endpoint))


def _credentials(settings: Settings, key: str) -> tuple[str, str]:
    return {
        "google": (settings.google_client_id, settings.google_client_secret.get_secret_value()),
        "github": (settings.github_client_id, settings.github_client_secret.get_secret_value()),
        "yandex": (settings.yandex_client_id, settings.yandex_client_secret.get_secret_value()),
        OIDC: (settings.oidc_client_id, settings.oidc_client_secret.get_secret_value()),
    }[key]


def _has_address(offered: OfferedProvider, settings: Settings) -> bool:
    return offered.provider.key != OIDC or bool(settings.oidc_issuer)


def _read_google(ask: Ask, addresses: Addresses) -> Identity:
    """Google vouches for its own mailboxes and those of Workspace domains (`hd`).

    Any other address was verified once, when the account was made; by now it may be somebody else's.
    """
    claims = ask(addresses.profile)
    email = str(claims.get("email") or "").casefold()
    is_googles = email.endswith("@gmail.com") or bool(claims.get("hd"))
    return _open_id_identity("google", claims, vouched=claims.get("email_verified") is True and is_googles)


def _read_github(ask: Ask, addresses: Addresses) -> Identity:
    """The e-mail of the public profile says nothing about whose it is; the list of e-mails does."""
    person = ask(addresses.profile)
    emails = ask(addresses.emails)
    primary: dict[str, Any] = next((each for each in emails if each.get("primary") is True), {})
    first_name, _, last_name = _text(person.get("name") or person.get("login")).partition(" ")
    return _identity(
        "github",
        person.get("id"),
        email=primary.get("email"),
        vouched=primary.get("verified") is True,
        names=(first_name, last_name),
    )


def _read_yandex(ask: Ask, addresses: Addresses) -> Identity:
    """Yandex documents `default_email` as the address to reach the person at and says nothing of its being verified."""
    person = ask(addresses.profile)
    names = (person.get("first_name"), person.get("last_name"))
    return _identity("yandex", person.get("id"), email=person.get("default_email"), vouched=False, names=names)


def _open_id_identity(provider: str, claims: dict[str, Any], *, prefix: str = "", vouched: bool) -> Identity:
    first_name, _, last_name = _text(claims.get("name")).partition(" ")
    names = (claims.get("given_name") or first_name, claims.get("family_name") or last_name)
    return _identity(
        provider, claims.get("sub"), prefix=prefix, email=claims.get("email"), vouched=vouched, names=names
    )


def _identity(
    provider: str, user_id: object, *, prefix: str = "", email: object, vouched: bool, names: Sequence[object]
) -> Identity:
    """Without an id nobody is anybody; an e-mail that cannot be one counts as none."""
    plain_id = _text(user_id, length=LONGEST_ID + 1) if isinstance(user_id, str | int) else ""
    if not plain_id or isinstance(user_id, bool) or len(plain_id) > LONGEST_ID or plain_id != str(user_id):
        raise ProviderFailed
    usable_email = _usable_email(email)
    first_name, last_name = map(_text, names)
    return Identity(
        provider, prefix + plain_id, usable_email, vouched and usable_email is not None, first_name, last_name
    )


def _usable_email(email: object) -> str | None:
    try:
        return clean_email(_text(email, length=MAX_LENGTH + 1)) if email else None
    except EmailInvalid:
        return None


def _text(value: object, *, length: int = LONGEST_NAME) -> str:
    """As the database can keep it: people call themselves all kinds of things at providers."""
    if not isinstance(value, str | int):
        return ""
    return str(value).replace("\x00", "").encode(errors="ignore").decode().strip()[:length]


def _always(addresses: Addresses) -> Callable[[], Addresses]:
    return lambda: addresses


PROVIDERS: Sequence[Provider] = (
    Provider(
        "google",
        "Google",
        ("openid", "email", "profile"),
        _always(
            Addresses(
                authorization="https://accounts.google.com/o/oauth2/v2/auth",
                token="https://oauth2.googleapis.com/token",  # noqa: S106 - an address
                profile="https://openidconnect.googleapis.com/v1/userinfo",
            )
        ),
        _read_google,
    ),
    Provider(
        "github",
        "GitHub",
        ("read:user", "user:email"),
        _always(
            Addresses(
                authorization="https://github.com/login/oauth/authorize",
                token="https://github.com/login/oauth/access_token",  # noqa: S106 - an address
                profile="https://api.github.com/user",
                emails="https://api.github.com/user/emails",
            )
        ),
        _read_github,
    ),
    Provider(
        "yandex",
        "Яндекс",
        ("login:info", "login:email"),
        _always(
            Addresses(
                authorization="https://oauth.yandex.ru/authorize",
                token="https://oauth.yandex.ru/token",  # noqa: S106 - an address
                profile="https://login.yandex.ru/info?format=json",
            )
        ),
        _read_yandex,
    ),
)
