"""How often who may ask: one bucket per user (or per address without a log-in) over the whole API."""

import hashlib
import ipaddress

import orjson
from flask import Flask, Response, current_app, request
from flask_limiter import ApplicationLimit, Limiter
from werkzeug.middleware.proxy_fix import ProxyFix

from shop.config import Settings
from shop.http.requests import caller_id

THROTTLED_PREFIX = "/api/v1/"


def init_app(app: Flask, settings: Settings) -> None:
    """The limiter's hook must come after the one that reads the token: the bucket is the user's."""
    if settings.trusted_proxies:
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=settings.trusted_proxies, x_proto=1, x_host=1)  # type: ignore[method-assign]
    app.config["RATELIMIT_STORAGE_URI"] = settings.urls["limits"]
    app.config["RATELIMIT_STORAGE_OPTIONS"] = {"socket_timeout": 0.2, "socket_connect_timeout": 0.2}
    app.after_request(_drop_needless_retry_after)  # registered before the limiter's own, so it runs after it
    limiter.init_app(app)


def caller_address() -> str:
    """The address to count by: an IPv6 customer has a whole /64."""
    try:
        address = ipaddress.ip_address(request.remote_addr or "0.0.0.0")  # noqa: S104 - counts, binds nothing
    except ValueError:
        return "unknown"
    if isinstance(address, ipaddress.IPv6Address):
        return str(ipaddress.ip_network((address, 64), strict=False).network_address)
    return str(address)


def login_limit() -> str:
    return _settings().throttle_login


def is_login_unlimited() -> bool:
    return not login_limit()


def login_key() -> str:
    """Account and address together: a stranger's failures do not lock the owner out at home."""
    return f"login:{caller_address()}:{_account()}"


def login_account_limit() -> str:
    return _settings().throttle_login_account


def login_account_key() -> str:
    """The account alone: many addresses guess together."""
    return f"login-account:{_account()}"


def login_address_limit() -> str:
    return _settings().throttle_login_address


def login_address_key() -> str:
    """The address alone: one password is tried on many accounts."""
    return f"login-address:{caller_address()}"


def reset_limit() -> str:
    return _settings().throttle_reset


def is_reset_unlimited() -> bool:
    return is_login_unlimited() or not reset_limit()


def reset_key() -> str:
    """The mailbox alone: what it got already works, so its owner is not locked out by who fills it."""
    return f"reset:{_account()}"


def password_key() -> str:
    """Whoever holds an open session and guesses the password or the code."""
    return f"password:{caller_id()}"


def stated_email() -> str:
    """Of a JSON body or of a form."""
    if request.mimetype == "application/x-www-form-urlencoded":
        return request.form.get("email", "")
    try:
        body = orjson.loads(request.get_data(cache=True))
    except orjson.JSONDecodeError:
        return ""
    return str(body.get("email", "")) if isinstance(body, dict) else ""


def _account() -> str:
    return hashlib.sha256(stated_email().strip().casefold().encode(errors="replace")).hexdigest()[:32]


def _settings() -> Settings:
    settings: Settings = current_app.extensions["settings"]
    return settings


def _bucket() -> str:
    user_id = caller_id()
    return f"user:{user_id}" if user_id else f"address:{caller_address()}"


def _limit_of_caller() -> str:
    return _settings().throttle_user if caller_id() else _settings().throttle_anon


def _is_exempt() -> bool:
    return not request.path.startswith(THROTTLED_PREFIX) or not _limit_of_caller()


def _drop_needless_retry_after(response: Response) -> Response:
    """Flask-Limiter sends Retry-After with every answer; it means something only on a refusal."""
    if response.status_code < 400:
        response.headers.pop("Retry-After", None)
    return response


limiter = Limiter(
    _bucket,
    application_limits=[ApplicationLimit(_limit_of_caller, exempt_when=_is_exempt)],
    headers_enabled=True,
    strategy="fixed-window",
    in_memory_fallback_enabled=True,
    key_prefix="shop",
)
