"""Errors nobody foresaw go to Sentry, if the operator has one, and take nothing of a person with them."""

import gzip
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import brotli
from flask import Flask

UNPACK = {"gzip": gzip.decompress, "br": brotli.decompress, None: bytes}
PROGRAM = """
import sys
import sentry_sdk
from pydantic import SecretStr
from shop import create_app
from shop.auth.access import public
from shop.auth.tokens import PREFIXES, SESSION
from tests.conftest import make_settings

app = create_app(make_settings(sys.argv[1], sys.argv[2], sentry_dsn=SecretStr(sys.argv[3])))

@app.post("/breaks")
@public
def breaks():
    password = "kept-in-a-variable"
    raise ZeroDivisionError(f"after {len(password)} letters")

SECRET = PREFIXES[SESSION] + "sent-in-a-header"
answer = app.test_client().post(
    "/breaks", json={"password": "sent-in-the-body"}, headers={"Authorization": f"Bearer {SECRET}"}
)
sentry_sdk.flush(timeout=10)
print(answer.status_code, answer.headers["X-Request-ID"])
"""


def test_an_unforeseen_error_is_reported_without_secrets(app: Flask) -> None:
    received: list[str] = []

    class Sink(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            received.append(UNPACK[self.headers["Content-Encoding"]](body).decode())
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Quiet."""

    with HTTPServer(("127.0.0.1", 0), Sink) as sink:
        threading.Thread(target=sink.serve_forever, daemon=True).start()
        settings = app.extensions["settings"]
        dsn = f"http://key@127.0.0.1:{sink.server_port}/1"
        command = [sys.executable, "-c", PROGRAM, settings.database_url, settings.redis_url, dsn]
        status, request_id = subprocess.check_output(command, text=True).split()
        sink.shutdown()

    report = "".join(received)
    assert status == "500"
    assert "ZeroDivisionError" in report
    assert f'"request_id":"{request_id}"' in report.replace(": ", ":")
    assert "FROM access_tokens" in report  # the statement that asked who calls led to it
    assert "sent-in" not in report
    assert "kept-in-a-variable" not in report
