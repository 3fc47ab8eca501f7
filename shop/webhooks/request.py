"""One request to a receiver: public addresses only, no redirects, short patience; how it ended, and no more."""

import contextlib
import http.client
import ssl
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from shop.config import Settings
from shop.database import now
from shop.http.outgoing import AddressRefused, Clock, HostRefused, check_url, connect, target_of
from shop.webhooks.subscriptions import check_address

CONNECT_PATIENCE = 5.0
MOST_BYTES = 16 * 2**10
GONE_STATUS = 410

# What an attempt's log may say. Unknown hosts, hosts that are not public and closed ports look the same: who may write
# an address must not find out with our help what there is in our network.
UNREACHABLE, TIMEOUT, TLS, NOT_HTTP = "unreachable", "timeout", "tls", "not_http"
REDIRECT, REFUSED, SECRET_LOST = "redirect", "refused", "secret_lost"


@dataclass(frozen=True)
class Request:
    """What leaves; without a signature nothing does."""

    url: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True)
class Outcome:
    """`error` is None where the receiver has taken the message."""

    started_at: datetime
    duration_ms: int
    status: int | None
    error: str | None

    @property
    def is_gone(self) -> bool:
        return self.status == GONE_STATUS


def post(request: Request, settings: Settings) -> Outcome:
    """Outside of any transaction: it may take as long as `webhook_timeout_seconds`."""
    started_at, started = now(), time.monotonic()
    status, error = _status_of(request, settings) if request.headers["webhook-signature"] else (None, SECRET_LOST)
    return Outcome(started_at, round((time.monotonic() - started) * 1000), status, error)


def _status_of(request: Request, settings: Settings) -> tuple[int | None, str | None]:
    clock = Clock(settings.webhook_timeout_seconds)
    try:
        status = _talk(request, settings, clock)
    except (OSError, UnicodeError, ValueError, http.client.HTTPException, AddressRefused) as error:
        return None, _error(error, clock)
    finally:
        clock.rest()
    return status, None if 200 <= status < 300 else REDIRECT if 300 <= status < 400 else REFUSED


def _talk(request: Request, settings: Settings, clock: Clock) -> int:
    check_address(request.url, settings)  # the allow-list may have changed since the webhook was made
    parts = check_url(request.url)
    allowed_hosts = settings.allowed_webhook_hosts
    connection = connect(parts, allowed_hosts=allowed_hosts, clock=clock, patience=CONNECT_PATIENCE)
    try:
        connection.sock.settimeout(max(clock.left, 0.01))
        connection.request("POST", target_of(parts), body=request.body, headers=dict(request.headers))
        answer = connection.getresponse()
        if clock.expired:  # cut off in the middle of the headers
            raise TimeoutError
        with contextlib.suppress(OSError, ValueError, http.client.HTTPException):
            answer.read(MOST_BYTES)  # nobody wants it, but some receivers take a hang-up for an error
        return answer.status
    finally:
        connection.close()


def _error(error: Exception, clock: Clock) -> str:
    if isinstance(error, HostRefused):
        return UNREACHABLE
    if clock.expired or clock.left <= 0 or isinstance(error, TimeoutError):
        return TIMEOUT
    if isinstance(error, ssl.SSLError):
        return TLS
    return NOT_HTTP if isinstance(error, http.client.HTTPException) else UNREACHABLE
