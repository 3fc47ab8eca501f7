"""Answers that are kept for a while, computed once however many ask, and not sent twice to who has them (ETag, 304).

The cache is a convenience: where it does not answer, what was asked for is computed, and for some seconds nobody waits
for it again.
"""

import hashlib
import time
from collections.abc import Callable
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeout
from threading import Lock
from typing import Any, NamedTuple

import orjson
import structlog
from cachelib.serializers import JSONSerializer
from flask import Flask, Response, request
from flask_caching import Cache
from redis import RedisError
from redis.backoff import NoBackoff
from redis.retry import Retry
from werkzeug.http import quote_etag

from shop.config import Settings
from shop.expiring_cache import Recent

log = structlog.get_logger()

SOCKET_TIMEOUT = 0.2
DEAD_FOR = 5.0
COMPUTING_AT_MOST = 10  # seconds that others wait for whoever computes, and that its claim lasts if it dies
LOOK_AGAIN = 0.02
FOR_A_MOMENT = 5.0  # that a process answers from its own memory what many ask for
MOST_RECENT = 100


class _Cache(Cache):
    def clear(self) -> Any:
        _recent.clear()
        return super().clear()


cache = _Cache()


class _Serializer(JSONSerializer):
    """JSON and not pickle: whoever can write into the cache must not be able to run code here."""

    def loads(self, bvalue: str | bytes | bytearray | None, *args: Any, **kwargs: Any) -> Any:
        return None if bvalue is None else super().loads(bvalue)  # a key that is not there is no broken one


def init_app(app: Flask, settings: Settings) -> None:
    app.config.update(
        CACHE_TYPE="RedisCache",
        CACHE_REDIS_URL=settings.urls["cache"],
        CACHE_KEY_PREFIX="shop:cache:",
        CACHE_SERIALIZER=_Serializer,
        CACHE_OPTIONS={
            "socket_timeout": SOCKET_TIMEOUT,
            "socket_connect_timeout": SOCKET_TIMEOUT,
            "retry": Retry(NoBackoff(), 0),
        },
    )
    cache.init_app(app)


def remembered(key: str, compute: Callable[[], str], *, seconds: int) -> str:
    """The text kept under `key`, or computed and kept. The key must hold all that the text depends on."""
    recent = _recent.fresh()
    found = recent.get(key)
    if found is None and (found := _get(key)) is not None:
        recent[key] = found
    if found is not None:
        return found
    with _lock:
        flight = _flights.get(key)
        is_first = flight is None
        flight = _flights.setdefault(key, Future())
    if not is_first:
        return _share(flight, compute)
    try:
        flight.set_result(_compute_once(key, compute, seconds))
    except BaseException as error:
        flight.set_exception(error)
        raise
    finally:
        with _lock:
            del _flights[key]
    return flight.result()


class Versioned(NamedTuple):
    """A body, and what names its version."""

    body: bytes
    etag: str


def json_answer(answer: Any, *, etag: str | None = None) -> Response:
    """Finished JSON (a text that is JSON already goes out as it stands), or 304 to who has it."""
    return send(finished(answer, etag=etag))


def finished(answer: Any, *, etag: str | None = None) -> Versioned:
    """Without an `etag` the body names its version itself. Bytes are a body already, a text is JSON already."""
    body = answer if isinstance(answer, bytes) else answer.encode() if isinstance(answer, str) else orjson.dumps(answer)
    return Versioned(body, etag or hashlib.sha256(body).hexdigest()[:24])  # by the processor itself: half as long


def send(answer: Versioned, content_type: str = "application/json") -> Response:
    """The body, or 304 to who has it."""
    return not_modified(answer.etag) or _revalidated(Response(answer.body, content_type=content_type), answer.etag)


def not_modified(etag: str) -> Response | None:
    """304 where the caller says that it has this version; nothing has to be computed then."""
    if request.method in ("GET", "HEAD") and request.if_none_match.contains_weak(etag):
        return _revalidated(Response(status=304), etag)
    return None


def _revalidated(response: Response, etag: str) -> Response:
    """May be kept by the caller alone, who has to ask each time whether it still holds."""
    response.headers["ETag"] = quote_etag(etag)
    response.headers["Cache-Control"] = "private, no-cache"
    return response


_recent: Recent[str, str] = Recent(seconds=FOR_A_MOMENT, most=MOST_RECENT)
_lock = Lock()
_flights: dict[str, Future[str]] = {}
_dead_until = 0.0


def _share(flight: Future[str], compute: Callable[[], str]) -> str:
    """What another thread is computing; whatever became of it, this caller gets an answer."""
    try:
        return flight.result(timeout=COMPUTING_AT_MOST)
    except (FutureTimeout, Exception) as error:  # its refusal need not be ours
        log.info("computed_again", reason=type(error).__name__)
        return compute()


def _compute_once(key: str, compute: Callable[[], str], seconds: int) -> str:
    """Among all processes; without a cache among the threads of this one."""
    claim = f"{key}:computing"
    if not _ask("add", claim, 1, timeout=COMPUTING_AT_MOST, if_dead=True):
        found = _wait_for(key)
        if found is not None:
            return found
    try:
        text = compute()
        _ask("set", key, text, timeout=seconds)
        return text
    finally:
        _ask("delete", claim)  # also when it failed: nobody must wait for what does not come


def _wait_for(key: str) -> str | None:
    until = time.monotonic() + COMPUTING_AT_MOST
    while time.monotonic() < until and time.monotonic() >= _dead_until:
        time.sleep(LOOK_AGAIN)
        found = _get(key)
        if found is not None:
            return found
    return None


def _get(key: str) -> str | None:
    found = _ask("get", key)
    return found if isinstance(found, str) else None


def _ask(operation: str, *args: Any, if_dead: Any = None, **options: Any) -> Any:
    """Flask-Caching lets errors of the connection through; a read must not fail because of them, nor wait each time."""
    global _dead_until
    if time.monotonic() < _dead_until:
        return if_dead
    try:
        return getattr(cache.cache, operation)(*args, **options)
    except (RedisError, OSError) as error:
        _dead_until = time.monotonic() + DEAD_FOR
        log.warning("cache_does_not_answer", reason=str(error))
        return if_dead
