"""The product as its real processes, on embedded servers of its own in a temporary folder, and a client for it."""

import json
import os
import re
import secrets
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from flask import Flask
from flask_migrate import upgrade
from pydantic import SecretStr
from sqlalchemy import make_url

from dev import embedded
from dev.ports import free_port
from dev.run import read_procfile
from shop import create_app
from shop.config import Settings
from shop.database import db

CONTENT_LENGTH = re.compile(rb"^content-length: (\d+)", re.IGNORECASE | re.MULTILINE)
ROOT = Path(__file__).resolve().parents[1]
WEB_WORKERS = 2
READY_WITHIN = 600.0  # for what hangs: a busy machine may take its time


@dataclass(frozen=True)
class Answer:
    status: int
    head: str
    content: bytes
    seconds: float

    def header(self, name: str, default: str = "") -> str:
        found = re.search(rf"^{name}: (.*?)\r$", self.head, re.IGNORECASE | re.MULTILINE)
        return found[1] if found else default

    @property
    def json(self) -> Any:
        return json.loads(self.content) if self.content else None


class Client:
    """One keep-alive connection, for one thread; `seconds` of an answer run from sending to the last byte.

    Clients share the cores with what they measure: http.client would take 0.2 ms of them for each request, this 0.06.
    """

    def __init__(self, port: int) -> None:
        self.port = port
        self._connection: socket.socket | None = None

    def send(self, method: str, path: str, *, token: str = "", body: Any = None, **headers: str) -> Answer:
        """Headers are written with underscores; a body of bytes is sent as it is, anything else as JSON."""
        data = body if isinstance(body, bytes | None) else json.dumps(body).encode()
        sent = {"Content-Type": "application/json", "Content-Length": str(len(data))} if data is not None else {}
        sent |= {name.replace("_", "-"): value for name, value in headers.items()}
        if token:
            sent["Authorization"] = f"Bearer {token}"
        lines = [f"{method} {path} HTTP/1.1", "Host: 127.0.0.1", *(f"{name}: {value}" for name, value in sent.items())]
        started = time.perf_counter()
        try:
            head, content = self._exchange("\r\n".join([*lines, "", ""]).encode() + (data or b""))
        except BaseException:
            self.close()
            raise
        return Answer(int(head[9:12]), head, content, time.perf_counter() - started)

    def close(self) -> None:
        if self._connection:
            self._connection.close()
            self._connection = None

    def _exchange(self, request: bytes) -> tuple[str, bytes]:
        if self._connection is None:
            self._connection = socket.create_connection(("127.0.0.1", self.port), timeout=60)
        self._connection.sendall(request)
        received = b""
        while b"\r\n\r\n" not in received:
            received += self._receive(self._connection)
        head, _, content = received.partition(b"\r\n\r\n")
        length = CONTENT_LENGTH.search(head)  # of a body: 204 and 304 have none
        while length and head[9:12] != b"304" and len(content) < int(length[1]):
            content += self._receive(self._connection)
        return head.decode("latin-1") + "\r\n", content

    def _receive(self, connection: socket.socket) -> bytes:
        received = connection.recv(1 << 18)
        if not received:
            raise ConnectionError("the server has hung up")
        return received

    def get(self, path: str, token: str) -> Any:
        answer = self.send("GET", path, token=token)
        if answer.status != 200:
            raise RuntimeError(f"GET {path}: {answer.status} {answer.content[:500]!r}")
        return answer.json

    def pages(self, path: str, token: str) -> Iterator[Any]:
        """All items of a list."""
        cursor = ""
        while True:
            page = self.get(f"{path}{'&' if '?' in path else '?'}limit=500{cursor}", token)
            yield from page["items"]
            if not page["next_cursor"]:
                return
            cursor = f"&cursor={page['next_cursor']}"

    def upload(self, path: str, token: str, *, file_name: str, content: bytes) -> Answer:
        boundary = uuid.uuid4().hex
        head = f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="{file_name}"\r\n\r\n'
        body = head.encode() + content + f"\r\n--{boundary}--\r\n".encode()
        return self.send("POST", path, token=token, body=body, Content_Type=f"multipart/form-data; boundary={boundary}")


@dataclass
class Product:
    """`app` is the product once more, in this process: to fill the database and to look into it."""

    folder: Path
    servers: embedded.Servers
    app: Flask
    environment: dict[str, str]
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    @property
    def port(self) -> int:
        return int(self.environment["PORT"])

    @property
    def database(self) -> str:
        """The address as PostgreSQL's own programs want it."""
        return make_url(self.servers.database_url).set(drivername="postgresql").render_as_string(hide_password=False)

    def client(self) -> Client:
        return Client(self.port)

    def start(self, names: Sequence[str], **differs: str) -> None:
        """Processes of the Procfile, and `sink`, the mail server that keeps what it gets.

        `differs` are words of a command that are to be others: `application` of a web, `queues` of a worker.
        """
        for name in names:
            with (self.folder / f"{name}.log").open("ab") as log:
                self.processes[name] = subprocess.Popen(
                    self._command(name, **differs),
                    cwd=ROOT,
                    env=self.environment,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    start_new_session=True,
                )
        if "web" in names:
            self._wait()

    def _command(self, name: str, *, application: str = "", queues: str = "") -> Sequence[str]:
        if name == "sink":
            return _sink(self)
        *shell, command = read_procfile(ROOT / "Procfile")[name]
        if application:
            command = command.replace("wsgi:app", application)
        if queues:
            command = re.sub(r"-Q \S+", f"-Q {queues}", command)
        return [*shell, command.replace("instance/", f"{self.folder}/")]

    def _wait(self) -> None:
        deadline = time.monotonic() + READY_WITHIN
        while self.processes["web"].poll() is None and time.monotonic() < deadline:
            try:
                with closing(self.client()) as client:
                    if client.send("GET", "/health/ready").status == 200:
                        return
            except OSError:
                pass
            time.sleep(0.1)
        raise RuntimeError(f"The web server does not get ready:\n{(self.folder / 'web.log').read_text()[-2000:]}")

    def kill(self, name: str) -> None:
        """The process with all its children, at once."""
        process = self.processes.pop(name)
        _signal(process, signal.SIGKILL)
        process.wait()

    def stop_gently(self, name: str) -> None:
        """SIGTERM to the process alone: what it has started is its own to stop."""
        process = self.processes.pop(name)
        process.terminate()
        process.wait(60)

    def stop(self) -> None:
        for process in self.processes.values():
            _signal(process, signal.SIGTERM)
        for process in self.processes.values():
            with suppress(subprocess.TimeoutExpired):
                process.wait(20)
            _signal(process, signal.SIGKILL)  # the group: whoever outlived its first process
            process.wait()


@contextmanager
def running(*names: str, **environment: str) -> Iterator[Product]:
    """Migrated and started; whatever happens, nothing is left running and nothing is left on disk."""
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    with tempfile.TemporaryDirectory(prefix="shop-benchmark-") as folder:
        place = Path(folder)
        servers = embedded.start(place / "servers", durable=True)
        try:
            product = Product(place, servers, _app(servers), _environment(servers) | environment)
            try:
                product.start(names)
                yield product
            finally:
                product.stop()
                with product.app.app_context():
                    db.engine.dispose()
        finally:
            embedded.remove(place / "servers")


def _app(servers: embedded.Servers) -> Flask:
    app = create_app(
        Settings(
            app_env="testing",
            secret_key=SecretStr(secrets.token_urlsafe(48)),
            database_url=servers.database_url,
            redis_url=servers.redis_url,
            throttle_anon="",
            throttle_user="",
            throttle_login="",
            log_level="ERROR",
            database_statement_timeout_ms=0,
        )
    )
    with app.app_context():
        upgrade()
    return app


def unmeasured(environment: Mapping[str, str]) -> dict[str, str]:
    """For processes that a test kills: they would lose what they have counted, and counting doubles their work."""
    return {name: value for name, value in environment.items() if name != "COVERAGE_PROCESS_CONFIG"}


def _environment(servers: embedded.Servers) -> dict[str, str]:
    smtp_port = free_port()
    binaries = str(Path(sys.executable).parent)
    return unmeasured(os.environ) | {
        "PATH": os.pathsep.join([binaries, os.environ.get("PATH", os.defpath)]),
        "APP_ENV": "testing",
        "SECRET_KEY": secrets.token_urlsafe(48),
        "DATABASE_URL": servers.database_url,
        "REDIS_URL": servers.redis_url,
        "HOST": "127.0.0.1",
        "PORT": str(free_port(besides=[smtp_port])),
        "WEB_WORKERS": str(WEB_WORKERS),
        "SMTP_HOST": "127.0.0.1",
        "SMTP_PORT": str(smtp_port),
        "THROTTLE_ANON": "",
        "THROTTLE_USER": "",
        "THROTTLE_LOGIN": "",
        "LOG_LEVEL": "WARNING",
    }


def _sink(product: Product) -> list[str]:
    smtp_port = product.environment["SMTP_PORT"]
    ports = ["--port", smtp_port, "--web-port", str(free_port(besides=[int(smtp_port), product.port]))]
    return [sys.executable, "-m", "dev.mail_sink", *ports, "--folder", str(product.folder / "mail")]


def _signal(process: subprocess.Popen[bytes], number: signal.Signals) -> None:
    with suppress(ProcessLookupError):
        os.killpg(process.pid, number)
