"""A safe download: public addresses only, checked where we connect to; limits on hops, size and time."""

import http.client
import ipaddress
import socket
import ssl
import threading
import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Self
from urllib.parse import SplitResult, urljoin, urlsplit

from shop.errors import Invalid

MOST_HOPS = 5
CHUNK = 2**16
SILENCE = 20.0  # seconds without a byte
LONGEST_URL = 2000
REDIRECTS = (301, 302, 303, 307, 308)
NOT_MODIFIED = 304


class AddressRefused(Invalid):
    code = "AddressRefused"
    message = "This address cannot be fetched."


class DownloadFailed(Invalid):
    code = "DownloadFailed"
    message = "The file could not be fetched."


@dataclass(frozen=True)
class Download:
    """`content` is None where the server says that nothing has changed."""

    content: bytes | None
    etag: str | None = None
    last_modified: str | None = None


@dataclass
class _Clock:
    """One deadline for everything: a server that sends a byte now and then would get around any time-out."""

    seconds: float
    started: float = field(default_factory=time.monotonic)
    expired: bool = False
    timer: threading.Timer | None = None

    @property
    def left(self) -> float:
        return self.seconds - (time.monotonic() - self.started)

    def watch(self, connection: socket.socket) -> Self:
        self.timer = threading.Timer(max(self.left, 0.01), self._cut, args=(connection,))
        self.timer.daemon = True
        self.timer.start()
        return self

    def _cut(self, connection: socket.socket) -> None:
        self.expired = True
        try:
            connection.shutdown(socket.SHUT_RDWR)
        except OSError:
            connection.close()

    def rest(self) -> None:
        if self.timer:
            self.timer.cancel()


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


def download(
    url: str, *, most_bytes: int, seconds: float, allowed_hosts: Collection[str] = (), headers: Mapping[str, str]
) -> Download:
    """`allowed_hosts` ("host" or "host:port") may be anywhere, also in this network."""
    clock = _Clock(seconds)
    for _ in range(MOST_HOPS + 1):
        parts = check_url(url)
        connection = _connect(parts, allowed_hosts, clock)
        try:
            answer = _ask(connection, parts, headers, clock)
            if answer.status not in REDIRECTS:
                return _read(answer, most_bytes, clock)
            url = urljoin(url, answer.getheader("Location") or "")
        except (OSError, http.client.HTTPException, ssl.SSLError, ValueError) as error:
            raise _failure(error, clock) from None
        finally:
            clock.rest()
            connection.close()
    raise DownloadFailed("The address leads to other addresses without an end.")


def _connect(parts: SplitResult, allowed_hosts: Collection[str], clock: _Clock) -> http.client.HTTPConnection:
    """Connected to an address that was checked: a second look-up might find another one."""
    host = parts.hostname or ""
    port = parts.port or (443 if parts.scheme == "https" else 80)
    is_allowed = host in allowed_hosts or f"{host}:{port}" in allowed_hosts
    connection = http.client.HTTPConnection(host, port)
    try:
        addresses = _addresses(host, port, is_allowed=is_allowed)
        plain = _first_reachable(addresses, port, clock)
        clock.watch(plain)
        connection.sock = _secured(plain, host) if parts.scheme == "https" else plain
    except (OSError, UnicodeError) as error:
        clock.rest()
        raise _failure(error, clock) from None
    return connection


def _addresses(host: str, port: int, *, is_allowed: bool) -> list[str]:
    """All of them must be public: one that is not is reason enough to refuse the host."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except OSError:
        raise DownloadFailed(f"The host {host} is not known.") from None
    addresses = list(dict.fromkeys(str(entry[4][0]) for entry in found))
    if not is_allowed and not all(map(_is_public, addresses)):
        raise AddressRefused(f"The host {host} is not on the public internet.")
    return addresses


def _is_public(text: str) -> bool:
    address: ipaddress.IPv4Address | ipaddress.IPv6Address = ipaddress.ip_address(text.partition("%")[0])
    if isinstance(address, ipaddress.IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour or (address.teredo or (None, None))[1]
        if inner is not None and not _is_public(str(inner)):
            return False
        if address in NAT64:
            return _is_public(str(ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)))
    return address.is_global and not address.is_multicast and not address.is_reserved


NAT64 = ipaddress.ip_network("64:ff9b::/96")


def _first_reachable(addresses: list[str], port: int, clock: _Clock) -> socket.socket:
    trouble: OSError = OSError()
    for address in addresses[:4]:
        try:
            return socket.create_connection((address, port), timeout=max(min(SILENCE, clock.left), 0.01))
        except OSError as error:
            trouble = error
    raise trouble


def _secured(plain: socket.socket, host: str) -> ssl.SSLSocket:
    return ssl.create_default_context().wrap_socket(plain, server_hostname=host)


def _ask(
    connection: http.client.HTTPConnection, parts: SplitResult, headers: Mapping[str, str], clock: _Clock
) -> http.client.HTTPResponse:
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    quoted = "".join(sign if sign.isascii() else "".join(f"%{byte:02X}" for byte in sign.encode()) for sign in target)
    plain = {"User-Agent": "shop-price-lists/1", "Accept": "*/*", "Accept-Encoding": "identity"}
    connection.request("GET", quoted, headers=plain | dict(headers))
    return connection.getresponse()


def _read(answer: http.client.HTTPResponse, most_bytes: int, clock: _Clock) -> Download:
    if answer.status == NOT_MODIFIED:
        return Download(None)
    if answer.status != 200:
        reason = "".join(sign for sign in answer.reason[:60] if sign.isascii() and sign.isprintable())
        raise DownloadFailed(f"The server answered {answer.status} {reason} in place of the file.")
    content = bytearray()
    while chunk := answer.read1(CHUNK):
        content += chunk
        if len(content) > most_bytes:
            raise DownloadFailed(f"The file is larger than {most_bytes // 2**20} MiB.")
        if clock.left <= 0:
            raise TimeoutError
    if answer.length or clock.expired:
        raise http.client.IncompleteRead(b"")
    return Download(bytes(content), _header(answer, "ETag"), _header(answer, "Last-Modified"))


def _header(answer: http.client.HTTPResponse, name: str) -> str | None:
    value = answer.getheader(name)
    return value if value and value.isascii() and value.isprintable() and len(value) <= 200 else None


def _failure(error: Exception, clock: _Clock) -> DownloadFailed:
    if clock.expired or clock.left <= 0:
        return DownloadFailed(f"The file did not arrive within {clock.seconds:.0f} s.")
    if isinstance(error, TimeoutError):
        return DownloadFailed(f"The server sent nothing for {SILENCE:.0f} s.")
    if isinstance(error, ssl.SSLError):
        return DownloadFailed("The server's certificate is not valid.")
    if isinstance(error, http.client.IncompleteRead):
        return DownloadFailed("The file was cut off while it was fetched.")
    return DownloadFailed(f"The server cannot be reached or does not speak HTTP ({type(error).__name__}).")
