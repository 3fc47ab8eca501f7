"""Where Flask-Limiter counts: Valkey, asked once per limit and request.

The library's own storage asks three times: it counts, and for the headers reads number and time left again. Here one
script answers all of it, and what it said is remembered for the length of the request.
"""

import time
from typing import Any, NamedTuple

from flask import g
from limits.storage import RedisStorage

SCHEME_PREFIX = "once-"

COUNT = b"""
local count = redis.call('INCRBY', KEYS[1], ARGV[2])
local left = redis.call('PTTL', KEYS[1])
if left < 0 then
    left = ARGV[1] * 1000
    redis.call('PEXPIRE', KEYS[1], left)
end
return {count, left}
"""
LOOK = b"return {redis.call('GET', KEYS[1]) or 0, redis.call('PTTL', KEYS[1])}"


class Window(NamedTuple):
    hits: int
    ends_at: float


class OneTripStorage(RedisStorage):
    """Registered with `limits` by its schemes: once-redis:// and the like."""

    STORAGE_SCHEME = [SCHEME_PREFIX + scheme for scheme in RedisStorage.STORAGE_SCHEME]

    def __init__(self, uri: str, **options: Any) -> None:
        super().__init__(uri.removeprefix(SCHEME_PREFIX), **options)

    def initialize_storage(self, _uri: str) -> None:
        super().initialize_storage(_uri)
        self._count = self.get_connection().register_script(COUNT)
        self._look = self.get_connection().register_script(LOOK)

    def incr(self, key: str, expiry: int, amount: int = 1) -> int:
        return self._remember(key, *self._count([self.prefixed_key(key)], [expiry, amount])).hits

    def get(self, key: str) -> int:
        return self._window(key).hits

    def get_expiry(self, key: str) -> float:
        return self._window(key).ends_at

    def _window(self, key: str) -> Window:
        return _seen().get(key) or self._remember(key, *self._look([self.prefixed_key(key)], []))

    def _remember(self, key: str, hits: Any, milliseconds_left: int) -> Window:
        window = Window(int(hits), time.time() + max(milliseconds_left, 0) / 1000)
        _seen()[key] = window
        return window


def _seen() -> dict[str, Window]:
    """This request's windows: another one may have counted since, but the headers speak of this one."""
    windows: dict[str, Window] = g.setdefault("limit_windows", {})
    return windows
