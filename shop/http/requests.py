"""Around every request: its id, who is calling, the access log, and the headers that protect browsers."""

import re
import secrets
import time
from urllib.parse import quote

import structlog
from flask import Flask, Response, current_app, g, request

from shop.config import Settings
from shop.logs import ACCESS, access_log

SAFE_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{8,64}")
REQUEST_ID_PARAMETER = {
    "in": "header",
    "name": "X-Request-ID",
    "required": False,
    "schema": {"type": "string"},
    "description": "Your own id of this request, 8 to 64 letters, digits, dots and hyphens: it is answered and logged",
}
HEADERS = (("X-Content-Type-Options", "nosniff"), ("X-Frame-Options", "DENY"), ("Referrer-Policy", "no-referrer"))
HEADERS_OF_API = (
    *HEADERS,
    ("Cache-Control", "no-store"),
    ("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'"),
)
QUIET_PATHS = ("/health/", "/api/docs/", "/static/")
MAX_TYPED = 500


def init_app(app: Flask, settings: Settings) -> None:
    app.extensions[ACCESS] = access_log(settings)
    app.before_request(_begin)
    app.after_request(_finish)


def caller_id() -> int | None:
    """The id of the user who is calling, once the token has been read; None for anonymous callers."""
    found = g.get("caller")
    return found.user_id if found else None


def api_key_id() -> int | None:
    """The id of the API key with which a program is calling; None for people."""
    found = g.get("caller")
    return found.token_id if found and not found.is_session else None


def is_program() -> bool:
    """Whether the caller is a program with an API key, not a person who has logged in."""
    return api_key_id() is not None


def typed(text: str) -> str:
    """What a person can have typed into a field of one line."""
    return "".join(filter(str.isprintable, text)).strip()[:MAX_TYPED].rstrip()


def shown_file(name: str) -> str:
    """A Content-Disposition: to be shown, and kept under this name. Headers are ASCII, our numbers are Russian."""
    return f"inline; filename*=UTF-8''{quote(name, safe='')}"


def _begin() -> None:
    given = request.environ.get("HTTP_X_REQUEST_ID", "")
    request_id = given if SAFE_REQUEST_ID.fullmatch(given) else secrets.token_hex(16)
    g.request_id, g.started = request_id, time.perf_counter()
    structlog.contextvars.clear_contextvars()
    structlog.contextvars.bind_contextvars(request_id=request_id)


def _finish(response: Response) -> Response:
    if "request_id" not in g:
        return response
    path = request.path
    headers = response.headers
    present = {name.lower() for name, _ in headers}
    for name, value in HEADERS_OF_API if path.startswith("/api/v1/") else HEADERS:
        if name.lower() not in present:
            headers.add(name, value)
    headers.add("X-Request-ID", g.request_id)
    if not path.startswith(QUIET_PATHS):
        current_app.extensions[ACCESS](
            method=request.method,
            path=path,
            status=response.status_code,
            ms=round((time.perf_counter() - g.started) * 1000, 1),
            user_id=caller_id(),
            request_id=g.request_id,
        )
    return response
