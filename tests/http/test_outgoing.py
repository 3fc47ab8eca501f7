"""Connections to addresses that others give us keep their deadline, whatever the server does."""

import contextlib
import time
from http.client import HTTPException
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest

from shop.http.outgoing import Clock, check_url, connect
from tests.http.servers import make_certificate, serving


class Drip(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.wfile.write(b"HTTP/1.1 200 OK\r\n")
        for _ in range(100):
            self.wfile.write(b"X-Patience: 1\r\n")
            self.wfile.flush()
            time.sleep(0.1)

    def log_message(self, *_: Any) -> None: ...


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_server_that_drips_its_headers_is_cut_off(
    scheme: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    certificate = make_certificate(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    with serving(Drip, certificate if scheme == "https" else None) as host:
        clock = Clock(1.0)
        connection = connect(check_url(f"{scheme}://{host}/"), allowed_hosts={host}, clock=clock, patience=1)
        started = time.monotonic()
        with contextlib.suppress(OSError, HTTPException):  # how it ends is the server's affair, when is ours
            connection.request("GET", "/")
            connection.getresponse().read()
        clock.rest()
        connection.close()
        assert clock.expired
        assert time.monotonic() - started < 3
