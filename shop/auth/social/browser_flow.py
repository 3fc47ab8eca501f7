"""The browser's part of a social log-in: /login/{provider}, the provider, /login/{provider}/authorized, the client.

It never logs a browser in: it ends at the client's address with a one-time code. The cookie holds only what belongs to
a log-in under way (state, PKCE's verifier, where to end), and nothing of it afterwards, so there is no session to fix.
"""

import hmac
import logging
import time
from dataclasses import asdict, dataclass
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import flask
import structlog
from flask import Flask, Response, current_app, g, render_template, request
from flask_babel import force_locale
from flask_dance.consumer import OAuth2ConsumerBlueprint, oauth_authorized
from flask_dance.consumer.requests import OAuth2Session
from flask_dance.consumer.storage import NullStorage
from oauthlib.oauth2 import OAuth2Error
from requests import RequestException

from shop.auth.access import public
from shop.auth.social import identities
from shop.auth.social.codes import CHALLENGE
from shop.auth.social.providers import (
    PATIENCE_SECONDS,
    Addresses,
    OfferedProvider,
    ProviderFailed,
    offered_providers,
)
from shop.auth.throttling import is_login_unlimited, login_limit
from shop.config import Settings, current_settings
from shop.database import transaction
from shop.errors import Forbidden, Invalid, Refusal
from shop.http.problems import status_of
from shop.http.throttling import caller_address, limiter
from shop.translations import preferred_language

log = structlog.get_logger()

PREFIX = "/login"
FLOW_SECONDS = 600
POLICY = "default-src 'none'; style-src 'self'; form-action 'none'; base-uri 'none'; frame-ancestors 'none'"
TALKATIVE = ("flask_dance", "oauthlib", "requests_oauthlib")  # at DEBUG they log client secrets, codes and tokens


class LogInNotBegun(Invalid):
    code = "LogInNotBegun"
    message = "This log-in was not begun in this browser, or too long ago. Start again."


class ConsentDenied(Forbidden):
    code = "ConsentDenied"
    message = "The log-in was canceled at the provider."


class StartNotValid(Invalid):
    code = "StartNotValid"
    message = "next must be one of the configured addresses, code_challenge the S256 of a code_verifier."


@dataclass(frozen=True)
class Flow:
    """A log-in under way, as the signed cookie of its browser carries it."""

    begun_at: float
    return_url: str | None
    challenge: str | None
    link_user_id: int | None


def init_app(app: Flask, settings: Settings) -> None:
    """One blueprint per offered provider; without any there is no /login at all."""
    for name in TALKATIVE:
        logging.getLogger(name).setLevel(logging.INFO)
    for offered in offered_providers(settings):
        app.register_blueprint(ProviderBlueprint(offered, settings), url_prefix=PREFIX)


def also_end_at(app: Flask, address: str) -> None:
    """A page of the product itself where a log-in may end, beside the addresses of the settings."""
    app.extensions.setdefault("social_endings", []).append(address)


def start_url(provider: str, settings: Settings, **query: str) -> str:
    """Where a browser begins. The cookie belongs to BASE_URL, so beginning under another name of ours does not work."""
    address = f"{settings.base_url.rstrip('/')}{PREFIX}/{provider}"
    return f"{address}?{urlencode(query)}" if query else address


def _address_key() -> str:
    return f"social:{caller_address()}"


class ProviderSession(OAuth2Session):  # type: ignore[misc]
    """Flask-Dance's session with the provider, which waits for nobody for ever and follows nobody elsewhere."""

    @property
    def redirect_uri(self) -> str:
        return f"{start_url(self.blueprint.name, current_settings())}/authorized"

    @redirect_uri.setter
    def redirect_uri(self, _: object) -> None:
        """Flask-Dance takes it from the Host header; the provider and we know the one under BASE_URL."""

    def request(self, method: str, url: str, data: Any = None, headers: Any = None, **kwargs: Any) -> Any:
        kwargs |= {"timeout": PATIENCE_SECONDS, "allow_redirects": False}
        return super().request(method, url, data=data, headers=headers, **kwargs)

    def fetch_token(self, token_url: str, *, authorization_response: str, **kwargs: Any) -> Any:
        # oauthlib raises a bare Warning where the scopes come back in other words, as Google's and GitHub's do; what
        # was granted shows when we ask for the profile.
        self.scope = None
        answer = f"{self.redirect_uri}?{urlsplit(authorization_response).query}"
        return super().fetch_token(token_url, authorization_response=answer, **kwargs)


class ProviderBlueprint(OAuth2ConsumerBlueprint):  # type: ignore[misc]
    """Flask-Dance's two routes for one provider, made safe for threads and for answers that nobody asked for.

    Flask-Dance keeps the session with the provider (state, token) and PKCE's parameters on the blueprint, which all
    threads share: one person's token could fetch another one's profile (its issue 430). Here they live in `g`.
    """

    def __init__(self, offered: OfferedProvider, settings: Settings) -> None:
        self.provider = offered.provider
        super().__init__(
            self.provider.key,
            __name__,
            client_id=offered.client_id,
            client_secret=offered.client_secret,
            scope=list(self.provider.scopes),
            session_class=ProviderSession,
            storage=NullStorage(),
            use_pkce=True,
        )
        oauth_authorized.connect(self._finish, sender=self)

    @property
    def session(self) -> ProviderSession:
        key = self._key("session")
        if key not in g:
            setattr(g, key, OAuth2ConsumerBlueprint.session.fget(self))
        session: ProviderSession = g.get(key)
        return session

    def teardown_session(self, exception: BaseException | None = None) -> None:
        g.pop(self._key("session"), None)

    @property
    def authorization_url_params(self) -> dict[str, str]:
        return self._of_request("authorization_url_params")

    @authorization_url_params.setter
    def authorization_url_params(self, _: object) -> None: ...

    @property
    def token_url_params(self) -> dict[str, str]:
        return self._of_request("token_url_params")

    @token_url_params.setter
    def token_url_params(self, _: object) -> None: ...

    @property
    def authorization_url(self) -> str:
        return self._addresses().authorization

    @authorization_url.setter
    def authorization_url(self, _: object) -> None: ...

    @property
    def token_url(self) -> str:
        return self._addresses().token

    @token_url.setter
    def token_url(self, _: object) -> None: ...

    @public
    def login(self) -> Response:
        """Sends the browser to the provider."""
        try:
            flow = _begin(self.name)
            away: Response = super().login()
        except Refusal as refusal:
            return _end_in_refusal(self.name, None, refusal)
        flask.session[self._cookie_key("flow")] = asdict(flow)
        return _unkept(away)

    @public
    @limiter.limit(login_limit, key_func=_address_key, exempt_when=is_login_unlimited)
    def authorized(self) -> Response:
        """Takes the provider's answer. Whatever it is, this log-in is over for the browser."""
        flow = self._flow()
        try:
            self._check_answer(flow)
            ended: Response = super().authorized()
        except Refusal as refusal:
            return _end_in_refusal(self.name, flow, refusal)
        except (OAuth2Error, RequestException, ValueError) as error:
            log.warning("social_provider_failed", provider=self.name, error=type(error).__name__)
            return _end_in_refusal(self.name, flow, ProviderFailed())
        finally:
            self._forget()
        return ended

    def _check_answer(self, flow: Flow | None) -> None:
        """Before Flask-Dance looks: without a state it would begin anew (a loop), with a wrong one it raises."""
        state = flask.session.get(self._cookie_key("state"), "")
        given = request.args.get("state", "")
        if flow is None or not state or not hmac.compare_digest(state.encode(), given.encode(errors="replace")):
            raise LogInNotBegun
        if not 0 <= time.time() - flow.begun_at <= FLOW_SECONDS:
            raise LogInNotBegun
        if "error" in request.args:
            raise ConsentDenied if request.args["error"] == "access_denied" else ProviderFailed
        if "code" not in request.args:
            raise ProviderFailed
        g.social_state = state

    def _finish(self, _blueprint: object, token: dict[str, Any]) -> Response:
        """Flask-Dance has a token of the person; it is used here and kept nowhere."""
        flow = self._flow()
        assert flow is not None
        identity = self.provider.identify(self._ask)
        with transaction():
            code = identities.issue_code(
                identity, state=g.social_state, challenge=flow.challenge, link_user_id=flow.link_user_id
            )
        purpose = "log_in" if flow.link_user_id is None else "link"
        return _end(flow, {"code": code, "purpose": purpose, "provider": self.name})

    def _ask(self, address: str) -> Any:
        answer = self.session.get(address, headers={"Accept": "application/json"})
        if answer.status_code != 200:
            raise ProviderFailed
        return answer.json()

    def _addresses(self) -> Addresses:
        return self.provider.find_addresses()

    def _flow(self) -> Flow | None:
        kept = flask.session.get(self._cookie_key("flow"))
        return Flow(**kept) if kept else None

    def _forget(self) -> None:
        for what in ("flow", "state", "code_verifier"):
            flask.session.pop(self._cookie_key(what), None)

    def _of_request(self, what: str) -> dict[str, str]:
        values: dict[str, str] = g.setdefault(self._key(what), {})
        return values

    def _key(self, what: str) -> str:
        return f"social_{self.name}_{what}"

    def _cookie_key(self, what: str) -> str:
        return f"{self.name}_oauth_{what}"


def _begin(provider: str) -> Flow:
    """Reads what the client asks for; `next` must be a configured address, letter by letter."""
    allowed = current_settings().social_return_urls
    return_url = request.args.get("next") or next(iter(allowed), None)
    challenge = request.args.get("code_challenge")
    known = (*allowed, *current_app.extensions.get("social_endings", ()))
    if (return_url is not None and return_url not in known) or (challenge and not CHALLENGE.fullmatch(challenge)):
        raise StartNotValid
    link_user_id = None
    if ticket := request.args.get("ticket"):
        with transaction():
            link_user_id = identities.use_ticket(ticket, provider)
    return Flow(time.time(), return_url, challenge or None, link_user_id)


def _end(flow: Flow, answer: dict[str, str]) -> Response:
    if flow.return_url is None:
        return _page("code", code=answer["code"])
    return _redirect(flow.return_url, answer)


def _end_in_refusal(provider: str, flow: Flow | None, refusal: Refusal) -> Response:
    """At the client's address where one is known, so that people are not left on a page without a way on."""
    log.warning("social_login_refused", provider=provider, reason=refusal.code)
    address = flow.return_url if flow else next(iter(current_settings().social_return_urls), None)
    if address is None or isinstance(refusal, StartNotValid):
        return _page(refusal.code, status=status_of(type(refusal)))
    answer = {"error": refusal.code, "error_description": refusal.detail, "provider": provider}
    return _redirect(address, answer)


def _page(kind: str, *, code: str = "", status: int = 200) -> Response:
    locale = preferred_language()
    with force_locale(locale):
        html = render_template("pages/log_in_ended.html", locale=locale, ended=kind, code=code)
    page = Response(html, status=status, mimetype="text/html")
    page.headers["Content-Security-Policy"] = POLICY
    return _unkept(page)


def _redirect(address: str, answer: dict[str, str]) -> Response:
    """What the configured address says of its own stays."""
    parts = urlsplit(address)
    query = urlencode([*parse_qsl(parts.query, keep_blank_values=True), *answer.items()])
    return _unkept(Response(status=303, headers={"Location": parts._replace(query=query).geturl()}))


def _unkept(response: Response) -> Response:
    response.headers["Cache-Control"] = "no-store"
    return response
