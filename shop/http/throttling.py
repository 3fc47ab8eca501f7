"""How often who may ask: one bucket per user, API key, or address without a log-in, over the whole API."""

import math
import time
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any, TypeVar, cast

import orjson
from flask import Flask, Response, current_app, g, request
from flask_limiter import ApplicationLimit, Limiter, RateLimitExceeded, RequestLimit
from flask_limiter._extension import LimiterContext
from limits import RateLimitItem, parse_many
from werkzeug.exceptions import RequestEntityTooLarge
from werkzeug.middleware.proxy_fix import ProxyFix

from shop.config import Settings, current_settings
from shop.http.addresses import counted_address, without_ports
from shop.http.limit_storage import SCHEME_PREFIX
from shop.http.requests import api_key_id, caller_id, json_of_body

View = TypeVar("View", bound=Callable[..., Any])

THROTTLED_PREFIX = "/api/v1/"
SCOPE = "global"  # one count over the whole API
FORMS = ("application/x-www-form-urlencoded", "multipart/form-data")


def init_app(app: Flask, settings: Settings) -> None:
    """The limiter's hook must come after the one that reads the token: the bucket is the user's."""
    if settings.trusted_proxies:
        app.wsgi_app = ProxyFix(  # type: ignore[method-assign]
            without_ports(app.wsgi_app), x_for=settings.trusted_proxies, x_proto=1, x_host=1
        )
    app.config["RATELIMIT_STORAGE_URI"] = SCHEME_PREFIX + settings.urls["limits"]
    app.config["RATELIMIT_STORAGE_OPTIONS"] = {"socket_timeout": 0.2, "socket_connect_timeout": 0.2}
    app.after_request(_tell)  # registered before the limiter's own, so it runs after it
    limiter.init_app(app)


def caller_address() -> str:
    return counted_address(request.remote_addr or "")


def polled(view: View) -> View:
    """Asking again and again how far something is costs no allowance."""
    cast(Any, view).is_polled = True
    return view


def per_upload(view: View) -> View:
    """Files are dear: their count is their own, beside that of all requests."""
    return cast(View, limiter.limit(upload_limit, key_func=upload_key, exempt_when=is_upload_unlimited)(view))


def upload_limit() -> str:
    return current_settings().throttle_upload


def is_upload_unlimited() -> bool:
    return not (current_settings().throttle_user and upload_limit())


def upload_key() -> str:
    return f"upload:{caller_id()}"


def stated(field: str) -> str:
    """What the body says, JSON or a form, before anybody has looked at its shape."""
    if request.mimetype in FORMS:
        return request.form.get(field, "")
    try:
        body = json_of_body()
    except (orjson.JSONDecodeError, RequestEntityTooLarge):
        return ""
    return str(body.get(field) or "") if isinstance(body, dict) else ""


def _bucket() -> str:
    if key_id := api_key_id():
        return f"api-key:{key_id}"
    user_id = caller_id()
    return f"user:{user_id}" if user_id else f"address:{caller_address()}"


def _limit_of_caller() -> str:
    settings = current_settings()
    if not caller_id():
        return settings.throttle_anon
    return settings.throttle_api_key if settings.throttle_user and api_key_id() else settings.throttle_user


def _is_exempt() -> bool:
    return not request.path.startswith(THROTTLED_PREFIX) or not _limit_of_caller() or _is_polling()


def _is_polling() -> bool:
    """Only who is logged in: a stranger's refusals count, wherever he knocks."""
    return caller_id() is not None and getattr(current_app.view_functions.get(_asked_for()), "is_polled", False)


def _asked_for() -> str:
    """Unknown addresses count, too."""
    return request.endpoint or "unknown"


def _tell(response: Response) -> Response:
    """X-RateLimit-* as many clients read it, RateLimit and RateLimit-Policy of the IETF's draft; on a refusal when to
    come back.

    Flask-Limiter's own headers would add Retry-After to every answer, and put a day into that of a 503.
    """
    limit = limiter.current_limit
    if limit is not None:
        left = max(0, math.ceil(limit.window.reset_time - time.time()))
        name = _policy_name(limit)
        response.headers["X-RateLimit-Limit"] = str(limit.limit.amount)
        response.headers["X-RateLimit-Remaining"] = str(limit.remaining)
        response.headers["X-RateLimit-Reset"] = str(limit.reset_at)
        response.headers["RateLimit-Policy"] = f'"{name}";q={limit.limit.amount};w={limit.limit.get_expiry()}'
        response.headers["RateLimit"] = f'"{name}";r={limit.remaining};t={left}'
        if limit.breached:
            response.headers["Retry-After"] = str(max(1, left))
    return response


def _policy_name(limit: RequestLimit) -> str:
    """What is counted, and over what time: "user-day", "login-minute"."""
    bucket, item = limit.request_args[1], limit.limit
    window = f"{item.multiples}-{item.GRANULARITY.name}" if item.multiples > 1 else item.GRANULARITY.name
    return f"{bucket.partition(':')[0]}-{window}"


class _Limiter(Limiter):
    """The library finds out anew with each request which limits hold; before a view it is one for all, and often none.

    What it finds out so costs five times the CPU of counting. The limits of single views stay its own.
    """

    @property
    def context(self) -> LimiterContext:
        """The library's, found by a shorter way."""
        found: LimiterContext | None = g.get("limiter_context")
        if found is None:
            found = g.limiter_context = LimiterContext()
        return found

    def _check_request_limit(self, callable_name: str | None = None, in_middleware: bool = True) -> None:
        if not in_middleware or not (_is_exempt() or self._is_counted()):
            super()._check_request_limit(callable_name, in_middleware)

    def _is_counted(self) -> bool:
        """False where the library must see to it: several limits, or a storage that does not answer."""
        limits = _limits(_limit_of_caller())
        if len(limits) > 1 or self._storage_dead:
            return False
        key = [self._key_prefix, _bucket(), SCOPE]
        try:
            is_breached = not self.limiter.hit(limits[0], *key)
        except Exception:  # as the library does: whatever goes wrong is the storage's fault
            return False
        limit = RequestLimit(self, limits[0], key, is_breached, shared=True)
        self.context.view_rate_limit, self.context.view_rate_limits = limit, [limit]
        if is_breached:
            raise RateLimitExceeded(next(iter(self.limit_manager.application_limits)))
        return True


@lru_cache
def _limits(written: str) -> Sequence[RateLimitItem]:
    return parse_many(written)


limiter = _Limiter(
    _bucket,
    application_limits=[ApplicationLimit(_limit_of_caller, scope=SCOPE, exempt_when=_is_exempt)],
    strategy="fixed-window",
    in_memory_fallback_enabled=True,
    key_prefix="shop",
    request_identifier=_asked_for,
)
