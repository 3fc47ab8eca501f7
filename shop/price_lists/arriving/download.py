"""A safe download: public addresses only, limits on hops, size and time."""

import http.client
import ssl
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from urllib.parse import SplitResult, urljoin

from shop.http.outgoing import Clock, HostRefused, check_url, connect, target_of
from shop.price_lists.reasons import RefusedFile

MOST_HOPS = 5
CHUNK = 2**16
SILENCE = 20.0  # seconds without a byte
REDIRECTS = (301, 302, 303, 307, 308)
NOT_MODIFIED = 304


class DownloadFailed(RefusedFile):
    code = "DownloadFailed"


@dataclass(frozen=True)
class Download:
    """`content` is None where the server says that nothing has changed."""

    content: bytes | None
    etag: str | None = None
    last_modified: str | None = None


def download(
    url: str, *, most_bytes: int, seconds: float, allowed_hosts: Collection[str] = (), headers: Mapping[str, str]
) -> Download:
    """`allowed_hosts` ("host" or "host:port") may be anywhere, also in this network."""
    clock = Clock(seconds)
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
    raise DownloadFailed("redirects")


def _connect(parts: SplitResult, allowed_hosts: Collection[str], clock: Clock) -> http.client.HTTPConnection:
    try:
        return connect(parts, allowed_hosts=allowed_hosts, clock=clock, patience=SILENCE)
    except OSError as error:
        raise _failure(error, clock) from None


def _ask(
    connection: http.client.HTTPConnection, parts: SplitResult, headers: Mapping[str, str], clock: Clock
) -> http.client.HTTPResponse:
    plain = {"User-Agent": "shop-price-lists/1", "Accept": "*/*", "Accept-Encoding": "identity"}
    connection.request("GET", target_of(parts), headers=plain | dict(headers))
    return connection.getresponse()


def _read(answer: http.client.HTTPResponse, most_bytes: int, clock: Clock) -> Download:
    if answer.status == NOT_MODIFIED:
        return Download(None)
    if answer.status != 200:
        reason = "".join(sign for sign in answer.reason[:60] if sign.isascii() and sign.isprintable())
        raise DownloadFailed("answered", status=answer.status, said=reason)
    content = bytearray()
    while chunk := answer.read1(CHUNK):
        content += chunk
        if len(content) > most_bytes:
            raise DownloadFailed("too_large", mib=most_bytes // 2**20)
        if clock.left <= 0:
            raise TimeoutError
    if answer.length or clock.expired:
        raise http.client.IncompleteRead(b"")
    return Download(bytes(content), _header(answer, "ETag"), _header(answer, "Last-Modified"))


def _header(answer: http.client.HTTPResponse, name: str) -> str | None:
    value = answer.getheader(name)
    return value if value and value.isascii() and value.isprintable() and len(value) <= 200 else None


def _failure(error: Exception, clock: Clock) -> DownloadFailed:
    if isinstance(error, HostRefused):
        return DownloadFailed("unknown_host")
    if clock.expired or clock.left <= 0:
        return DownloadFailed("too_slow", seconds=round(clock.seconds))
    if isinstance(error, TimeoutError):
        return DownloadFailed("silent", seconds=round(SILENCE))
    if isinstance(error, ssl.SSLError):
        return DownloadFailed("certificate")
    if isinstance(error, http.client.IncompleteRead):
        return DownloadFailed("cut_off")
    return DownloadFailed("unreachable", said=type(error).__name__)
