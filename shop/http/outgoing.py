"""Connections to addresses that others give us: public ones only, checked where we connect to, with one deadline."""

import contextlib
import http.client
import socket
import ssl
import threading
import time
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Self
from urllib.parse import SplitResult, urlsplit

import structlog

from shop.errors import Invalid
from shop.http.addresses import is_public

log = structlog.get_logger()

LONGEST_URL = 2000
REFUSING_TAKES = 1.0  # seconds at least


class AddressRefused(Invalid):
    code = "AddressRefused"
    message = "This address cannot be fetched."


class HostRefused(OSError):  # noqa: N818 - a refusal is an answer, not an error
    """Not known, or not public. Whoever may write an address must not find out with our help which names and
    addresses our own network has, so only the log tells the two apart."""


@dataclass
class Clock:
    """One deadline for everything: a server that sends a byte now and then would get around any time-out."""

    seconds: float
    started: float = field(default_factory=time.monotonic)
    expired: bool = False
    timer: threading.Timer | None = None
    watched: socket.socket | None = None

    @property
    def left(self) -> float:
        return self.seconds - (time.monotonic() - self.started)

    def watch(self, connection: socket.socket) -> Self:
        """Holds a descriptor of its own: TLS takes over the one of `connection`, and nothing would be cut."""
        self.rest()
        self.watched = connection.dup()
        self.timer = threading.Timer(max(self.left, 0.01), self._cut, args=(self.watched,))
        self.timer.daemon = True
        self.timer.start()
        return self

    def _cut(self, watched: socket.socket) -> None:
        self.expired = True
        with contextlib.suppress(OSError):
            watched.shutdown(socket.SHUT_RDWR)

    def rest(self) -> None:
        if self.timer and self.watched:
            self.timer.cancel()
            self.watched.close()


def check_url(url: str) -> SplitResult:
    """What can be said without looking it up; refuses what no supplier's file is at."""
    try:
        parts = urlsplit(url)
        port_is_fine = parts.port is None or 0 < parts.port < 65536
    except ValueError:
        raise AddressRefused("This is no web address.") from None
    if parts.scheme not in ("http", "https") or not parts.hostname or not port_is_fine or len(url) > LONGEST_URL:
        raise AddressRefused("An address must begin with http:// or https:// and name a host.")
    if parts.username is not None or parts.password is not None:
        raise AddressRefused("An address must not hold a user name or a password.")
    if not url.isprintable() or " " in url:
        raise AddressRefused("This is no web address.")
    return parts


def connect(
    parts: SplitResult, *, allowed_hosts: Collection[str], clock: Clock, patience: float
) -> http.client.HTTPConnection:
    """Connected to an address that was checked: a second look-up might find another one.

    `allowed_hosts` ("host" or "host:port") may be anywhere, also in this network; others are refused with HostRefused
    unless they are public. What else goes wrong comes as it is, an OSError.
    """
    host = parts.hostname or ""
    port = parts.port or (443 if parts.scheme == "https" else 80)
    connection = http.client.HTTPConnection(host, port)
    plain = None
    try:
        addresses = _addresses(host, port, is_allowed=is_allowed(parts, allowed_hosts))
        plain = _first_reachable(addresses, port, clock, patience)
        clock.watch(plain)
        connection.sock = _secured(plain, host) if parts.scheme == "https" else plain
    except OSError:
        clock.rest()
        if plain:
            plain.close()
        raise
    return connection


def is_allowed(parts: SplitResult, allowed_hosts: Collection[str]) -> bool:
    port = parts.port or (443 if parts.scheme == "https" else 80)
    return parts.hostname in allowed_hosts or f"{parts.hostname}:{port}" in allowed_hosts


def target_of(parts: SplitResult) -> str:
    """Path and query as they stand in the first line of a request."""
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return "".join(sign if sign.isascii() else "".join(f"%{byte:02X}" for byte in sign.encode()) for sign in target)


def _addresses(host: str, port: int, *, is_allowed: bool) -> list[str]:
    """All of them must be public: one that is not is reason enough to refuse the host."""
    started = time.monotonic()
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (socket.gaierror, UnicodeError) as error:
        raise _refusal(host, f"unknown ({error})", started) from None
    addresses = list(dict.fromkeys(str(entry[4][0]) for entry in found))
    if not is_allowed and not all(map(is_public, addresses)):
        raise _refusal(host, f"not public ({', '.join(addresses)})", started)
    return addresses


def _refusal(host: str, reason: str, started: float) -> HostRefused:
    """How long the look-up took would tell the two apart, too."""
    log.warning("host_refused", host=host, reason=reason)
    time.sleep(max(0.0, REFUSING_TAKES - (time.monotonic() - started)))
    return HostRefused()


def _first_reachable(addresses: list[str], port: int, clock: Clock, patience: float) -> socket.socket:
    trouble: OSError = OSError()
    for address in addresses[:4]:
        try:
            return socket.create_connection((address, port), timeout=max(min(patience, clock.left), 0.01))
        except OSError as error:
            trouble = error
    raise trouble


def _secured(plain: socket.socket, host: str) -> ssl.SSLSocket:
    return ssl.create_default_context().wrap_socket(plain, server_hostname=host)
