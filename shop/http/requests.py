"""Around every request: its id, who is calling, the access log, and the headers that protect browsers."""

import re
import secrets
import tempfile
import time
from collections.abc import Mapping
from contextlib import suppress
from itertools import dropwhile, islice
from typing import Any
from urllib.parse import quote

import orjson
import structlog
from flask import Flask, Response, current_app, g, request
from werkzeug.exceptions import RequestEntityTooLarge

from shop.config import Settings
from shop.http.problems import CODE_OF_STATUS, CONTENT_TYPE, problem_body
from shop.logs import ACCESS, access_log

HOST = re.compile(r"(?:[\w-]{1,63}(?:\.[\w-]{1,63})*\.?|\[[\da-fA-F:.]+\])(?::(\d{1,5}))?", re.ASCII)
LONGEST_HOST, HIGHEST_PORT = 262, 65535
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
MOST_PARAMETERS = 2_000
MOST_OBJECTS = 100_000  # objects and lists in a body: some hundred times what any operation takes


def init_app(app: Flask, settings: Settings) -> None:
    app.extensions[ACCESS] = access_log(settings)
    with suppress(OSError):
        tempfile.gettempdir()  # found by writing: on a full disk a large upload would find none
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
    """What a person can have typed into a field of one line; of megabytes no copy is made."""
    return "".join(islice(dropwhile(str.isspace, filter(str.isprintable, text)), MAX_TYPED)).rstrip()


def json_of_body() -> Any:
    """The body, read once. A million empty lists would take the reader a hundred times as long as they take to send."""
    if "json_of_body" not in g:
        body = request.get_data(cache=True)
        if body.count(b"[") + body.count(b"{") > MOST_OBJECTS:
            raise RequestEntityTooLarge
        g.json_of_body = orjson.loads(body)
    return g.json_of_body


def shown_file(name: str) -> str:
    """A Content-Disposition: to be shown, and kept under this name. Headers are ASCII, our numbers are Russian."""
    return f"inline; filename*=UTF-8''{quote(name, safe='')}"


def _begin() -> Response | None:
    given = request.environ.get("HTTP_X_REQUEST_ID", "")
    request_id = given if SAFE_REQUEST_ID.fullmatch(given) else secrets.token_hex(16)
    g.request_id, g.started = request_id, time.perf_counter()
    structlog.contextvars.clear_contextvars()
    structlog.contextvars.bind_contextvars(request_id=request_id)
    refused = _refused(request.environ)
    if refused is None:
        return None
    # Not raised: pages of errors have links, and where the host is none no address can be made for them.
    body = problem_body(400, CODE_OF_STATUS[400], refused, request_id=request_id)
    return Response(orjson.dumps(body), status=400, content_type=CONTENT_TYPE)


def _refused(environ: Mapping[str, Any]) -> str | None:
    """What is wrong with a request before anybody looks at what it wants."""
    if not _is_host(environ.get("HTTP_HOST")):
        return "The header Host names no host."
    if environ.get("QUERY_STRING", "").count("&") >= MOST_PARAMETERS:
        return f"The address has more than {MOST_PARAMETERS} parameters."
    return None


def _is_host(text: str | None) -> bool:
    """Also of what a proxy says in X-Forwarded-Host. HTTP/1.0 has none."""
    if text is None:
        return True
    found = HOST.fullmatch(text) if len(text) <= LONGEST_HOST else None
    return found is not None and int(found[1] or 80) <= HIGHEST_PORT


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
