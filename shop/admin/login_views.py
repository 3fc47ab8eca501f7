"""Logging in and out, the second factor, the language: what a manager does at the admin's door."""

from datetime import timedelta
from zoneinfo import available_timezones

import flask
import structlog
from flask import Blueprint, Flask, make_response, redirect, render_template, request, url_for
from werkzeug import Response

from shop.admin.access_guard import PREFIX, ManagersOnly, close_session, local_address, manager, open_session
from shop.admin.texts import refusal_text
from shop.auth import accounts
from shop.auth.access import caller, current_token
from shop.auth.models import MANAGER, AccessToken
from shop.auth.password_changes import FreshLogInNeeded, PasswordWrong, require_password
from shop.auth.passwords import MAX_BYTES
from shop.auth.profile import change_profile
from shop.auth.routes import per_guesser, per_log_in
from shop.auth.second_factor import OtpInvalid, SecondFactorOn, set_up_totp, switch_on
from shop.auth.social.providers import offered_providers
from shop.config import current_settings
from shop.database import transaction
from shop.errors import Forbidden, Unauthenticated
from shop.http.problems import status_of
from shop.http.requests import typed
from shop.http.throttling import caller_address

log = structlog.get_logger()

TIME_ZONE = "admin_time_zone"

desk = Blueprint(
    "admin_desk",
    __name__,
    url_prefix=PREFIX,
    template_folder="templates",
    static_folder="static",
    static_url_path="/assets",
)


def init_app(app: Flask) -> None:
    app.register_blueprint(desk)


@desk.get("/login")
def ask_to_log_in() -> Response:
    """Who is in already goes on."""
    if (found := caller()) and found.role == MANAGER:
        return redirect(local_address(request.args.get("next")), 303)
    return log_in_page()


@desk.post("/login")
@per_log_in
def log_in() -> Response:
    """Always a new session: nobody can have fixed it before."""
    try:
        with transaction() as current:
            token, secret = accounts.log_in(
                field("email"),
                password=password(),
                otp=field("otp") or None,
                lifetime=timedelta(days=current_settings().session_lifetime_days),
                secret_key=current_settings().signing_key,
                opened_from=caller_address(),
                user_agent=request.headers.get("User-Agent"),
            )
            current.flush()
            if not token.user.is_manager:
                log.warning("admin_refused", user_id=token.user_id)
                raise ManagersOnly
    except (Unauthenticated, Forbidden) as refusal:
        return log_in_page(refusal_text(refusal), status=status_of(type(refusal)))
    return enter(token, secret, field("next"))


def enter(token: AccessToken, secret: str, wanted: str) -> Response:
    """With a new session to where the person wanted to go."""
    log.info("admin_entered", user_id=token.user_id, session_id=token.id, opened_from=token.opened_from)
    if (zone := field("time_zone")) in available_timezones():
        flask.session[TIME_ZONE] = zone
    response = redirect(local_address(wanted), 303)
    open_session(response, token, secret)
    return response


@desk.post("/logout")
def log_out() -> Response:
    if caller():
        with transaction():
            accounts.log_out(current_token())
    response = redirect(url_for(".ask_to_log_in"), 303)
    close_session(response)
    return response


@desk.post("/language")
def choose_language() -> Response:
    """The language of the person, so of mails, too."""
    if request.form.get("locale") in ("ru", "en"):
        with transaction():
            change_profile(manager(), by_token=current_token(), locale=request.form["locale"])
    return redirect(local_address(request.form.get("next")), 303)


@desk.get("/second-factor")
def second_factor() -> str:
    return render_template("desk/second_factor.html")


@desk.post("/second-factor/secret")
@per_guesser
def show_second_factor_secret() -> Response:
    """Only to who knows the password: an open session alone must not lock its owner out with another app."""
    try:
        with transaction():
            require_password(manager(), password(), by_token=current_token())
            secret, address = set_up_totp(manager(), secret_key=current_settings().signing_key)
    except (PasswordWrong, FreshLogInNeeded) as refusal:
        return _second_factor_page(status_of(type(refusal)), problem=refusal_text(refusal))
    except SecondFactorOn:
        return redirect(f"{PREFIX}/", 303)
    return _second_factor_page(secret=secret, address=address)


@desk.post("/second-factor")
@per_guesser
def set_up_second_factor() -> Response:
    """The first code switches it on; the recovery codes are shown this once."""
    try:
        with transaction():
            key = current_settings().signing_key
            codes = switch_on(manager(), otp=field("otp"), secret_key=key, keep=current_token())
    except OtpInvalid as refusal:
        shown = {name: field(name) for name in ("secret", "address")}
        return _second_factor_page(422, problem=refusal_text(refusal), **shown)
    except SecondFactorOn:
        return redirect(f"{PREFIX}/", 303)
    return _second_factor_page(codes=codes)


def _second_factor_page(status: int = 200, **shown: object) -> Response:
    return make_response(render_template("desk/second_factor.html", **shown), status)


def log_in_page(problem: str = "", *, status: int = 200) -> Response:
    html = render_template(
        "desk/log_in.html",
        email=field("email"),
        next=local_address(request.values.get("next")),
        problem=problem,
        providers=[each.provider for each in offered_providers(current_settings())],
        base_url=current_settings().base_url.rstrip("/"),
    )
    return make_response(html, status)


def field(name: str) -> str:
    """What the form says, on one line."""
    return typed(request.form.get(name, ""))


def password() -> str:
    return request.form.get("password", "")[: MAX_BYTES + 1]
