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
    return mailbox_key(stated("email"))


def mailbox_key(email: str) -> str:
    """The mailbox alone: what it got already works, so its owner is not locked out by who fills it.

    Many servers deliver a.nna+1@ and anna@ to the same one.
    """
    local_part, _, domain = email.strip().casefold().rpartition("@")
    return f"reset:{_digest(local_part.partition('+')[0].replace('.', '') + '@' + domain)}"


def email_change_key() -> str:
    """Whoever names one foreign mailbox after the other as the new one."""
    return f"email-change:{caller_id()}"


def states_no_email() -> bool:
    return is_reset_unlimited() or not stated("email")


def invitation_limit() -> str:
    return _settings().throttle_invitations


def password_key() -> str:
    """Whoever holds an open session and guesses the password or the code."""
    return f"password:{caller_id()}"


def stated(field: str) -> str:
    """What the body says, JSON or a form, before anybody has looked at its shape."""
    if request.mimetype == "application/x-www-form-urlencoded":
        return request.form.get(field, "")
    try:
        body = orjson.loads(request.get_data(cache=True))
    except orjson.JSONDecodeError:
        return ""
    return str(body.get(field) or "") if isinstance(body, dict) else ""


def _account() -> str:
    return _digest(stated("email").strip().casefold())


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode(errors="replace")).hexdigest()[:32]


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
