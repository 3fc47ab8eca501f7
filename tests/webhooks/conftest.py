"""A receiver of webhooks: a real server on this machine; and a webhook of a buyer that leads there."""

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select
from standardwebhooks import Webhook as Verifier

from shop.database import now, session
from shop.outbox import queues
from shop.outbox.models import OutboxEvent
from tests.factories.auth import bearer, make_user
from tests.http.servers import serving

WEBHOOKS = "/api/v1/webhooks"


@pytest.fixture(autouse=True)
def _every_event_is_noted(monkeypatch: pytest.MonkeyPatch) -> None:
    """And not one a second: that would be a statement more or less, as it happens."""
    monkeypatch.setattr(queues, "NOTED_EVERY", 0.0)


Answer = Callable[[BaseHTTPRequestHandler], None]


@dataclass
class Receiver:
    """`answers` are taken in turn, the last one for good: a status, or a function that does it all itself."""

    host: str = ""
    answers: list[int | Answer] = field(default_factory=lambda: [204])
    headers: list[dict[str, str]] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://{self.host}/hook"

    def verified(self, secret: str, number: int = -1) -> Any:
        """The content, if one of its signatures is by this secret."""
        return Verifier(secret).verify(self.bodies[number], self.headers[number])


def make_handler(receiver: Receiver) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            receiver.headers.append({name.lower(): value for name, value in self.headers.items()})
            receiver.bodies.append(body)
            answer = receiver.answers.pop(0) if len(receiver.answers) > 1 else receiver.answers[0]
            if callable(answer):
                answer(self)
            else:
                self.send_response(answer)
                self.send_header("Content-Length", "0")
                self.end_headers()

        def log_message(self, *_: Any) -> None: ...

    return Handler


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    made = Receiver()
    with serving(make_handler(made)) as made.host:
        yield made


@pytest.fixture
def allowed(app: Flask, receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> Receiver:
    """The receiver, on the operator's list of hosts."""
    change_settings(app, monkeypatch, webhook_allowed_hosts=receiver.host, webhook_timeout_seconds=30.0)
    return receiver


def change_settings(app: Flask, monkeypatch: pytest.MonkeyPatch, **values: Any) -> None:
    monkeypatch.setitem(app.extensions, "settings", app.extensions["settings"].model_copy(update=values))


class Case:
    """A buyer with a webhook at the receiver, through the API."""

    def __init__(self, client, url: str) -> None:
        self.client, self.owner = client, make_user()
        body = {"url": url, "event_types": ["order.placed"]}
        made = client.post(WEBHOOKS, json=body, headers=bearer(self.owner)).json
        self.id, self.secret, self.path = made["id"], made["secret"], f"{WEBHOOKS}/{made['id']}"

    def post(self, path: str):
        return self.client.post(f"{self.path}/{path}", headers=bearer(self.owner))

    def log(self) -> list[dict]:
        return self.client.get(f"{self.path}/deliveries", headers=bearer(self.owner)).json["items"]

    def shown(self) -> dict:
        return self.client.get(self.path, headers=bearer(self.owner)).json


@pytest.fixture
def case(client, allowed) -> Case:
    return Case(client, allowed.url)


def attempt(app, edge) -> int:
    """One round of the worker over the events that are due by now; how many."""
    with edge():
        is_open = (OutboxEvent.handled_at.is_(None), OutboxEvent.type == "webhook.delivery_due")
        rows = session().scalars(select(OutboxEvent).where(*is_open, OutboxEvent.due_at <= now())).all()
        for row in rows:
            row.pending = ["webhooks.deliver"]
        ids = [row.id for row in rows]
    for event_id in ids:
        app.extensions["celery"].tasks["webhooks.deliver"](event_id)
    return len(ids)


def silent(handler: BaseHTTPRequestHandler) -> None:
    """Until the sender hangs up."""
    handler.connection.settimeout(60)
    with contextlib.suppress(OSError):
        handler.connection.recv(1)


def redirecting(handler: BaseHTTPRequestHandler) -> None:
    handler.send_response(302)
    handler.send_header("Location", "/elsewhere")
    handler.send_header("Content-Length", "0")
    handler.end_headers()


def not_http(handler: BaseHTTPRequestHandler) -> None:
    handler.wfile.write(b"220 mail.example ESMTP\r\n")


def endless(handler: BaseHTTPRequestHandler) -> None:
    handler.send_response(200)
    handler.end_headers()
    for _ in range(200):
        handler.wfile.write(b"x" * 2**20)
