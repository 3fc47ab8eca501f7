"""A mail server's stand-in, a form to register with, and a way to see that a rival waits for a lock."""

import re
import smtplib
import time
from collections.abc import Callable
from email.message import EmailMessage
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from flask import Flask
from sqlalchemy import text

from shop.auth import passwords
from shop.database import db
from tests.factories.auth import PASSWORD


class Mailbox(list[EmailMessage]):
    """What the mail server got."""

    @property
    def link(self) -> str:
        """The one link of the latest mail."""
        [link] = re.findall(r"https?://\S+token=\S+", self.text)
        return link

    @property
    def path(self) -> str:
        """The same without scheme and host, as a test client takes it."""
        parts = urlsplit(self.link)
        return f"{parts.path}?{parts.query}"

    @property
    def token(self) -> str:
        [token] = parse_qs(urlsplit(self.link).query)["token"]
        return token

    @property
    def text(self) -> str:
        body = self[-1].get_body(("plain",))
        assert body is not None
        return body.get_content()


@pytest.fixture
def mailbox(monkeypatch: pytest.MonkeyPatch) -> Mailbox:
    mailbox = Mailbox()

    class Server:
        def __init__(self, *_: Any, **__: Any) -> None: ...
        def noop(self) -> tuple[int, bytes]:
            return 250, b"OK"

        def quit(self) -> None: ...
        def close(self) -> None: ...
        def send_message(self, message: EmailMessage) -> None:
            mailbox.append(message)

    monkeypatch.setattr(smtplib, "SMTP", Server)
    return mailbox


@pytest.fixture
def hashes(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Every password hash that is computed: what makes a log-in slow, and tells an attacker whom he has found."""
    done: list[str] = []

    class Counting:
        def __getattr__(self, name: str) -> Any:
            if name in ("hash", "verify"):
                done.append(name)
            return getattr(hasher, name)

    hasher = passwords._hasher
    monkeypatch.setattr(passwords, "_hasher", Counting())
    return done


@pytest.fixture
def form() -> dict[str, Any]:
    """What a new buyer fills in."""
    return {
        "email": "anna@chain.example",
        "password": PASSWORD,
        "first_name": "Анна",
        "last_name": "Калинина",
        "role": "buyer",
        "company": "Рябинка",
        "position": "Закупщик",
    }


@pytest.fixture
def wait_for_lock(app: Flask) -> Callable[[], None]:
    """Returns when somebody waits for a lock in this database: the rival has come to the point in question."""
    waiting = text(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    )

    def wait() -> None:
        with app.app_context():
            engine = db.engine
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            for _ in range(12_000):
                if connection.scalar(waiting):
                    return
                time.sleep(0.01)
        pytest.fail("nobody waits for a lock")

    return wait
