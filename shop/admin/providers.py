"""Providers at the desk: coming in by one that the manager has linked, linking and unlinking, on the own page.

The browser goes the same way as with the API (social/browser_flow.py) and comes back here with a one-time code. It is
bound by PKCE to the session cookie that began, and only a form sent by that browser uses it: looking at an address
logs nobody in.
"""

import secrets
from datetime import timedelta
from typing import Any

import flask
from flask import Flask, abort, make_response, redirect, render_template, request, url_for
from werkzeug import Response

from shop.admin.access_guard import PREFIX, ManagersOnly, local_address, manager
from shop.admin.audit_trail import audited
from shop.admin.base import tell
from shop.admin.login_views import desk, enter, field, log_in_page, password
from shop.admin.texts import refusal_text
from shop.auth.access import current_token
from shop.auth.password_changes import require_password
from shop.auth.routes import per_guesser, per_log_in
from shop.auth.social import identities
from shop.auth.social.browser_flow import ConsentDenied, LogInNotBegun, also_end_at, start_url
from shop.auth.social.codes import AnswerRepeated, challenge_of
from shop.auth.social.managers import ForManagers, HalfWay, log_in_manager
from shop.auth.social.providers import OfferedProvider, ProviderFailed, offered_providers
from shop.config import Settings, current_settings
from shop.database import now, transaction
from shop.errors import Refusal
from shop.http.problems import status_of
from shop.http.throttling import caller_address
from shop.translations import t

FLOW = "admin_social"  # in the signed cookie: the verifier, and where to go afterwards
LOG_IN, LINK = "/social/log-in", "/account/linked"
# What may stand in the address as the reason; its own words in there are anybody's.
REASONS = {reason.code: reason.message for reason in (ConsentDenied, LogInNotBegun, AnswerRepeated, ProviderFailed)}


def init_app(app: Flask) -> None:
    for ending in (LOG_IN, LINK):
        also_end_at(app, _ending(app.extensions["settings"], ending))


@desk.get("/social/<string:provider>")
def begin_with_provider(provider: str) -> Response:
    """Only this browser's cookie changes; the provider asks the person."""
    _offered(provider)
    return redirect(_away(provider, LOG_IN), 303)


@desk.get(LOG_IN)
def come_back_from_provider() -> Response:
    """The code waits in a form, which the page sends by itself."""
    if problem := _problem():
        return log_in_page(problem)
    return _form(url_for(".log_in_with_provider"), code=request.args.get("code", ""))


@desk.post(LOG_IN)
@per_log_in
def log_in_with_provider() -> Response:
    """A new session, or the question for the code of the app."""
    flow = flask.session.get(FLOW) or {}
    try:
        with transaction():
            outcome = log_in_manager(
                field("code"),
                verifier=flow.get("verifier", ""),
                email=field("email"),
                otp=field("otp") or None,
                secret_key=current_settings().signing_key,
                session_facts=_session_facts(),
            )
    except ForManagers:
        return log_in_page(t(ManagersOnly.message), status=403)
    except Refusal as refusal:
        return log_in_page(refusal_text(refusal), status=status_of(type(refusal)))
    if isinstance(outcome, HalfWay):
        problem = refusal_text(outcome.refusal) if field("otp") else ""
        page = {"code": outcome.code, "email": outcome.email, "problem": problem}
        return _form(url_for(".log_in_with_provider"), status=401 if problem else 200, **page)
    flask.session.pop(FLOW, None)
    return enter(*outcome, flow.get("next", ""))


@desk.get("/account")
def account() -> Response:
    return _account_page()


@desk.post("/account/link")
@per_guesser
def begin_linking() -> Response:
    """Only who knows the password: an open session alone must not open a second door."""
    provider = _offered(field("provider")).provider
    try:
        with transaction():
            require_password(manager(), password(), by_token=current_token())
            ticket, _ = identities.issue_ticket(manager(), provider.key)
    except Refusal as refusal:
        return _account_page(status_of(type(refusal)), problem=refusal_text(refusal))
    return _account_page(away=_away(provider.key, LINK, ticket=ticket), provider=provider)


@desk.get(LINK)
def come_back_to_link() -> Response:
    if problem := _problem():
        return _account_page(problem=problem)
    return _form(url_for(".link_provider"), code=request.args.get("code", ""))


@desk.post(LINK)
@per_guesser
def link_provider() -> Response:
    flow = flask.session.pop(FLOW, None) or {}
    try:
        with audited("user.link_provider", manager()) as trail:
            trail.reason = identities.link(manager(), field("code"), verifier=flow.get("verifier", "")).provider
    except Refusal as refusal:
        return _account_page(status_of(type(refusal)), problem=refusal_text(refusal))
    flask.flash(t("Linked. You can log in this way from now on."), "success")
    return redirect(url_for(".account"), 303)


@desk.post("/account/unlink")
def unlink_provider() -> Response:
    offered = frozenset(each.provider.key for each in offered_providers(current_settings()))
    try:
        with audited("user.unlink_provider", manager(), reason=field("provider")):
            identities.unlink(manager(), field("provider"), offered=offered)
    except Refusal as refusal:
        tell(refusal)
    else:
        flask.flash(t("Unlinked."), "success")
    return redirect(url_for(".account"), 303)


def _away(provider: str, ending: str, **query: str) -> str:
    """The address that the browser goes to; what only this browser knows stays in its cookie."""
    verifier = secrets.token_urlsafe(32)
    flask.session[FLOW] = {"verifier": verifier, "next": local_address(request.args.get("next"))}
    back = _ending(current_settings(), ending)
    return start_url(provider, current_settings(), next=back, code_challenge=challenge_of(verifier), **query)


def _problem() -> str:
    """What went wrong on the way, in our words, whatever the address says."""
    if "error" in request.args:
        return t(REASONS.get(request.args["error"], LogInNotBegun.message))
    return "" if flask.session.get(FLOW) else t(LogInNotBegun.message)


def _form(action: str, *, status: int = 200, **shown: Any) -> Response:
    return make_response(render_template("desk/social.html", action=action, **shown), status)


def _account_page(status: int = 200, **shown: Any) -> Response:
    linked = {account.provider: account for account in identities.social_accounts_of(manager())}
    offered = [each.provider for each in offered_providers(current_settings())]
    html = render_template(
        "desk/account.html",
        linked=linked,
        offered=offered,
        names={provider.key: provider.name for provider in offered},
        **shown,
    )
    return make_response(html, status)


def _offered(provider: str) -> OfferedProvider:
    offered = (each for each in offered_providers(current_settings()) if each.provider.key == provider)
    return next(offered, None) or abort(404)


def _ending(settings: Settings, path: str) -> str:
    return f"{settings.base_url.rstrip('/')}{PREFIX}{path}"


def _session_facts() -> dict[str, Any]:
    return {
        "expires_at": now() + timedelta(days=current_settings().session_lifetime_days),
        "opened_from": caller_address(),
        "user_agent": request.headers.get("User-Agent"),
    }
