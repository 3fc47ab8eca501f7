"""The product as real processes: web server, worker and relay, with an SMTP server to write to."""

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from shop.celery import QUEUES

TOP = Path(__file__).parents[2]
BIN = Path(sys.executable).parent
CUT = "421 the line is cut after DATA"


class Mailbox:
    """An SMTP server that keeps what it accepts; `before_accepting` may delay or refuse a message, or cut the line."""

    def __init__(self, port: int | None = None) -> None:
        self.messages: list[EmailMessage] = []
        self.connections: set[object] = set()  # those over which messages came
        self.before_accepting: Callable[[EmailMessage], str | None] = lambda _message: None
        self.port = port or free_port()
        self.start()

    def start(self) -> None:
        self.controller = Controller(self, hostname="127.0.0.1", port=self.port)
        self.controller.start()

    def stop(self) -> None:
        """Nobody listens any more; connections are refused until it starts again."""
        self.controller.stop()

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802 - aiosmtpd's
        self.connections.add(session.peer)
        message = message_from_bytes(envelope.content, policy=policy.default)
        refusal = await asyncio.to_thread(self.before_accepting, message)
        if refusal == CUT and server.transport:
            server.transport.abort()
        if refusal is None:
            self.messages.append(message)
        return refusal or "250 OK"

    def about(self, order_number: str, event: str | None = None) -> list[EmailMessage]:
        found = [message for message in self.messages if message["X-Order-Number"] == order_number]
        return [message for message in found if event is None or message["X-Order-Event"] == event]


class Product:
    def __init__(self, environment: dict[str, str], logs: Path) -> None:
        self.environment, self.logs = environment, logs
        self.port = free_port()
        self.processes: dict[str, subprocess.Popen[bytes]] = {}

    def start(self, name: str) -> None:
        commands = {
            "web": [
                "granian",
                "--interface",
                "wsgi",
                "--port",
                str(self.port),
                "--workers",
                "1",
                "--no-ws",
                "wsgi:app",
            ],
            "worker": [
                "celery",
                "-A",
                "celery_worker:celery",
                "worker",
                "-Q",
                ",".join(queue for queue in QUEUES if queue != "webhooks"),
                "--concurrency",
                "2",
                "-n",
                f"{uuid.uuid4().hex}@test",
            ],
            "webhooks": [
                "celery",
                "-A",
                "celery_worker:celery",
                "worker",
                "-Q",
                "webhooks",
                "--pool",
                "threads",
                "--concurrency",
                "4",
                "-n",
                f"{uuid.uuid4().hex}@test",
            ],
            "relay": ["flask", "--app", "wsgi", "outbox", "relay"],
        }
        command, *arguments = commands[name]
        with (self.logs / f"{name}.log").open("ab") as log:
            self.processes[name] = subprocess.Popen(
                [str(BIN / command), *arguments],
                cwd=TOP,
                env=self.environment,
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
                start_new_session=True,
            )

    def kill(self, name: str, number: int = signal.SIGKILL) -> None:
        """The process with all its children, at once."""
        process = self.processes.pop(name)
        os.killpg(process.pid, number)
        process.wait(30)

    def stop(self) -> None:
        for process in self.processes.values():
            os.killpg(process.pid, signal.SIGTERM)
        for process in self.processes.values():
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()

    def send(
        self, method: str, path: str, *, token: str = "", body: Any = None, headers: dict[str, str] | None = None
    ) -> tuple[int, Any]:
        data = body if isinstance(body, bytes) else json.dumps(body).encode() if body is not None else None
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}{path}", data=data, method=method)
        for name, value in ({"Content-Type": "application/json"} | (headers or {})).items():
            request.add_header(name, value)
        if token:
            request.add_header("Authorization", f"Bearer {token}")
        try:
            with urllib.request.urlopen(request, timeout=30) as response:
                status, content = response.status, response.read()
        except urllib.error.HTTPError as error:
            status, content = error.code, error.read()
        return status, json.loads(content) if content else None

    def expect(self, status: int, method: str, path: str, **others: Any) -> Any:
        got, answer = self.send(method, path, **others)
        assert got == status, (method, path, got, answer)
        return answer

    def upload(self, token: str, name: str, content: bytes) -> Any:
        boundary = uuid.uuid4().hex
        head = f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n\r\n'
        body = head.encode() + content + f"\r\n--{boundary}--\r\n".encode()
        headers = {"Content-Type": f"multipart/form-data; boundary={boundary}"}
        return self.expect(202, "POST", "/api/v1/catalog/price-lists", token=token, body=body, headers=headers)

    def is_ready(self) -> bool:
        try:
            return self.send("GET", "/health/ready")[0] == 200
        except OSError:
            return False


@contextmanager
def running(environment: dict[str, str], logs: Path) -> Iterator[Product]:
    product = Product(environment, logs)
    try:
        product.start("web")
        product.start("relay")
        eventually(product.is_ready)
        yield product
    finally:
        product.stop()


def eventually(found: Callable[[], Any], *, patience: float = 300) -> Any:
    """The first true answer. `patience` is for what hangs: a busy machine may take its time."""
    deadline = time.monotonic() + patience
    while not (answer := found()):
        assert time.monotonic() < deadline, f"waited {patience} s in vain"
        time.sleep(0.05)
    return answer


def free_port() -> int:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        port: int = listening.getsockname()[1]
        return port


class Hold:
    """Holds the delivery of a message until it is released, and says when it has begun."""

    def __init__(self) -> None:
        self.begun, self.released = threading.Event(), threading.Event()

    def __call__(self, _message: EmailMessage) -> str | None:
        self.begun.set()
        self.released.wait(30)
        return None
