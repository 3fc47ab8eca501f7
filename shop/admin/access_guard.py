"""The admin's door: who gets in, and which requests are meant by the one who sends them.

The cookie carries an access token of kind session, checked on each request by one statement like any other. What
changes something needs a token bound to that session, in the form or in a header, whatever view it goes to. Whatever
lies under /admin is closed unless OPEN names it.
"""

import hashlib
import hmac
import re
import secrets
from datetime import UTC

import flask
from flask import Flask, Response, current_app, redirect, request, url_for
from werkzeug import Response as BaseResponse

from shop.auth.access import caller, current_user, identify, lacks_second_factor
from shop.auth.models import MANAGER, SESSION, AccessToken, User
from shop.config import current_settings
from shop.errors import Forbidden, Untrusted
from shop.http.problems import is_under
from shop.price_lists.routes.blueprint import take_larger_body

PREFIX = "/admin"
COOKIE = "shop_admin"
VISITOR = "admin_visitor"
SAFE_METHODS = ("GET", "HEAD", "OPTIONS")
OPEN = frozenset(
    {
        "admin_desk.ask_to_log_in",
        "admin_desk.log_in",
        "admin_desk.log_out",
        "admin_desk.static",
        "admin_desk.begin_with_provider",
        "admin_desk.come_back_from_provider",
        "admin_desk.log_in_with_provider",
    }
)
BEFORE_SECOND_FACTOR = frozenset(
    {"admin_desk.second_factor", "admin_desk.show_second_factor_secret", "admin_desk.set_up_second_factor"}
)
TAKE_PRICE_LISTS = ("admin_price_lists.create_view",)
STATIC = "admin_desk.static"
LONGEST_ADDRESS = 8_000
LOCAL_ADDRESS = re.compile(r"/admin(/[\w./%-]*)?(\?[\w=&.,%+:-]*)?", re.ASCII)
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self';"
    " base-uri 'none'; frame-ancestors 'none'"
)


class ManagersOnly(Forbidden):
    code = "ManagersOnly"
    message = "Only managers work here. Your account is another kind; use the ordering program of your company."


def init_app(app: Flask) -> None:
    app.before_request(_let_in)
    app.after_request(_seal)


def manager() -> User:
    """Who is at work; the door has made sure that somebody is."""
    return current_user()


def csrf_token() -> str:
    """Good for this session only; before the log-in for this browser only."""
    bound_to = request.cookies[COOKIE] if caller() else flask.session.get(VISITOR, "")
    if not bound_to:
        bound_to = flask.session[VISITOR] = secrets.token_urlsafe(16)
    key = current_settings().signing_key.encode()
    return hmac.new(key, f"admin csrf {bound_to}".encode(), hashlib.sha256).hexdigest()


def open_session(response: BaseResponse, token: AccessToken, secret: str) -> None:
    flask.session.pop(VISITOR, None)
    expires_at = token.expires_at.astimezone(UTC) if token.expires_at else None
    response.set_cookie(
        COOKIE, secret, path=PREFIX, expires=expires_at, httponly=True, secure=_is_secure(), samesite="Lax"
    )


def close_session(response: BaseResponse) -> None:
    response.delete_cookie(COOKIE, path=PREFIX, httponly=True, secure=_is_secure(), samesite="Lax")


def local_address(address: str | None) -> str:
    """Where to go on after the log-in: an address of the admin, or its first page."""
    return address if address and LOCAL_ADDRESS.fullmatch(address) else PREFIX + "/"


def _let_in() -> BaseResponse | None:
    if not is_under(PREFIX):
        return None
    identify(request.cookies.get(COOKIE, ""), kinds=(SESSION,))
    found = caller()
    if request.endpoint not in OPEN:
        if found is None:
            return _to_log_in()
        if found.role != MANAGER:
            raise ManagersOnly
    if request.method not in SAFE_METHODS:
        if request.endpoint in TAKE_PRICE_LISTS and found:
            take_larger_body()  # before the form is read for its token
        _check_meant()
    if found and lacks_second_factor(found) and request.endpoint not in OPEN | BEFORE_SECOND_FACTOR:
        return redirect(url_for("admin_desk.second_factor"), 303)
    return None


def _to_log_in() -> BaseResponse:
    """Back to where the person wanted to look, never to what would have changed something."""
    wanted = request.full_path.rstrip("?") if request.method in SAFE_METHODS else None
    return redirect(url_for("admin_desk.ask_to_log_in", next=wanted if wanted != f"{PREFIX}/" else None), 303)


def _check_meant() -> None:
    given = request.headers.get("X-CSRF-Token") or request.form.get("csrf_token", "")
    if not hmac.compare_digest(given.encode(errors="replace"), csrf_token().encode()):
        raise Untrusted


def _seal(response: Response) -> Response:
    if is_under(PREFIX):
        if len(response.headers.get("Location", "")) > LONGEST_ADDRESS:
            # Flask-Admin goes back to whatever a request names in `url`; no page of ours is called so.
            response.headers["Location"] = f"{PREFIX}/"
            response.set_data(b"")
        response.headers["Content-Security-Policy"] = POLICY
        response.headers["Cache-Control"] = "no-store"
        if request.endpoint == STATIC and response.status_code < 400:
            response.headers["Cache-Control"] = (
                "public, max-age=31536000, immutable" if "v" in request.args else "no-cache"
            )
    return response


def _is_secure() -> bool:
    return bool(current_app.config["SESSION_COOKIE_SECURE"])
