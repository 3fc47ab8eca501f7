"""Connections to addresses that others give us keep their deadline, whatever the server does."""

import contextlib
import logging
import socket
import time
from http.client import HTTPException
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from shop.http import outgoing
from shop.http.addresses import is_public
from shop.http.outgoing import Clock, HostRefused, check_url, connect
from tests.http.servers import make_certificate, serving


class Drip(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.wfile.write(b"HTTP/1.1 200 OK\r\n")
        while True:  # until it is cut off
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
        clock = Clock(2.0)
        connection = connect(check_url(f"{scheme}://{host}/"), allowed_hosts={host}, clock=clock, patience=1)
        with contextlib.suppress(OSError, HTTPException):  # how it ends is the server's affair, when is ours
            connection.request("GET", "/")
            connection.getresponse().read()
        clock.rest()
        connection.close()
        assert clock.expired


# First and last addresses of what IANA's registries of special-purpose addresses do not call globally reachable, of
# what is no unicast address of the internet, and of what carries another address inside.
NOT_PUBLIC = """
0.0.0.0 0.255.255.255 10.0.0.0 10.255.255.255 100.64.0.0 100.127.255.255 127.0.0.1 127.255.255.255 169.254.0.0
169.254.169.254 172.16.0.0 172.31.255.255 192.0.0.0 192.0.0.8 192.0.0.170 192.0.0.255 192.0.2.1 192.88.99.0
192.88.99.255 192.168.0.0 192.168.255.255 198.18.0.0 198.19.255.255 198.51.100.7 203.0.113.255 224.0.0.1
239.255.255.255 240.0.0.0 255.255.255.255
:: ::1 ::7f00:1 ::ffff:10.0.0.1 ::ffff:8.8.8.8 64:ff9b::7f00:1 64:ff9b::10.0.0.1 64:ff9b:1:: 64:ff9b:1::8.8.8.8
100:: 100:0:0:1::1 2001::1 2001:0:4136:e378:8000:63bf:3fff:fdd2 2001:2::1 2001:10::1 2001:20::1
2001:1ff:ffff:ffff:ffff:ffff:ffff:ffff 2001:db8::1 2002:7f00:1:: 2002:808:808:: 3fff:: 3fff:fff:ffff::1 4000::1
5f00::1 fc00::1 fd00::1 fe80::1 fe80::1%eth0 febf::1 fec0::1 feff:ffff::1 ff02::1 ffff::1
"""
PUBLIC = """
1.1.1.1 9.255.255.255 11.0.0.0 100.63.255.255 100.128.0.0 172.15.255.255 172.32.0.0 192.0.1.0 192.88.98.255
192.88.100.0 198.17.255.255 198.20.0.0 223.255.255.255
64:ff9b::8.8.8.8 2001:200::1 2001:4860:4860::8888 2003::1 2606:4700::1111 2a02:6b8::2:242 3ffe::1 3fff:1000::1
"""


@pytest.mark.parametrize("address", NOT_PUBLIC.split())
def test_refuses_hosts_that_lead_into_the_own_network(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where another address of the host is a public one."""
    assert not is_public(address)
    monkeypatch.setattr(outgoing, "REFUSING_TAKES", 0)
    monkeypatch.setattr(outgoing.socket, "getaddrinfo", found_at("93.184.216.34", address))
    monkeypatch.setattr(outgoing.socket, "create_connection", lambda *_, **__: pytest.fail("connected"))
    with pytest.raises(HostRefused):
        connect(check_url("http://example.com/"), allowed_hosts=(), clock=Clock(5), patience=1)


@pytest.mark.parametrize("address", PUBLIC.split())
def test_everybody_on_the_internet_is_reached(address: str) -> None:
    assert is_public(address)


def test_only_the_log_tells_an_unknown_host_from_one_of_our_network(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Neither what is said nor how long it takes."""
    pauses: list[float] = []
    monkeypatch.setattr(outgoing, "time", SimpleNamespace(monotonic=time.monotonic, sleep=pauses.append))
    told = []
    for look_up in (not_found, not_a_name, found_at("10.0.0.8")):
        monkeypatch.setattr(outgoing.socket, "getaddrinfo", look_up)
        with caplog.at_level(logging.WARNING), pytest.raises(HostRefused) as refused:
            connect(check_url("http://erp.example.com/"), allowed_hosts=(), clock=Clock(5), patience=1)
        told.append((str(refused.value), refused.value.__cause__, refused.value.args))

    assert told == [("", None, ())] * 3
    reasons = [record.getMessage() for record in caplog.records]
    assert [("unknown" in reason, "not public (10.0.0.8)" in reason) for reason in reasons] == [
        (True, False),
        (True, False),
        (False, True),
    ]
    assert len(pauses) == 3
    assert all(pause > 0 for pause in pauses)


def found_at(*addresses: str) -> Any:
    return lambda *_, **__: [(2, 1, 6, "", (address, 80)) for address in addresses]


def not_found(*_: Any, **__: Any) -> Any:
    raise socket.gaierror(-2, "Name or service not known")


def not_a_name(*_: Any, **__: Any) -> Any:
    raise UnicodeError("label too long")
