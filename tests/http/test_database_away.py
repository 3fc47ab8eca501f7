"""A database that restarts or is away: the pool heals by itself, and clients are told when to come back."""

import socket
import threading
from collections.abc import Callable

import psycopg
import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import make_url

from shop.config import Settings
from shop.database import db
from tests.factories.auth import bearer, make_user

OFFERS = "/api/v1/catalog/offers"
# With a time-out it waits until each has ended: without, a request may meet one that is about to.
END_ALL = """
SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid()
"""


def end_connections(app: Flask) -> None:
    """What a restart does to those that lie in the pool: the server says good-bye and closes each."""
    with app.app_context():
        pooled = [db.engine.connect() for _ in range(3)]
        for each in pooled:
            each.close()
        address = db.engine.url.set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(address, autocommit=True) as other:
        other.execute(END_ALL)


class Relay:
    """Stands between product and PostgreSQL, and can go away."""

    def __init__(self, host: str, port: int) -> None:
        self.target = (host, port)
        self.open: list[socket.socket] = []
        self.listen()

    def listen(self, port: int = 0) -> None:
        self.server = socket.create_server(("127.0.0.1", port))
        self.port = self.server.getsockname()[1]
        threading.Thread(target=self._accept, args=(self.server,), daemon=True).start()

    def go_away(self) -> None:
        self.server.shutdown(socket.SHUT_RDWR)
        self.server.close()
        for each in self.open:
            each.shutdown(socket.SHUT_RDWR)
            each.close()
        self.open.clear()

    def _accept(self, server: socket.socket) -> None:
        while True:
            try:
                client, _ = server.accept()
            except OSError:
                return
            target = socket.create_connection(self.target)
            self.open += [client, target]
            for source, sink in ((client, target), (target, client)):
                threading.Thread(target=_pump, args=(source, sink), daemon=True).start()


def _pump(source: socket.socket, sink: socket.socket) -> None:
    try:
        while data := source.recv(65536):
            sink.sendall(data)
    except OSError:
        pass


@pytest.fixture
def relay(settings: Settings) -> Relay:
    url = make_url(settings.database_url)
    return Relay(url.host or "127.0.0.1", url.port or 5432)


def test_the_request_after_a_restart_notices_nothing(client: FlaskClient, app: Flask) -> None:
    headers = bearer(make_user())
    end_connections(app)

    assert [client.get(OFFERS, headers=headers).status_code for _ in range(4)] == [200] * 4


def test_away_is_503_with_retry_after_and_back_is_200_at_once(
    settings: Settings, make_app: Callable[..., Flask], relay: Relay
) -> None:
    url = make_url(settings.database_url).set(host="127.0.0.1", port=relay.port)
    app = make_app(database_url=url.render_as_string(hide_password=False))
    client = app.test_client()

    before = client.get(OFFERS)
    relay.go_away()
    away = [client.get(OFFERS) for _ in range(3)]
    relay.listen(relay.port)
    back = [client.get(OFFERS) for _ in range(3)]
    with app.app_context():
        db.engine.dispose()
    relay.go_away()

    assert before.status_code == 200
    assert [(each.status_code, each.headers["Retry-After"]) for each in away] == [(503, "5")] * 3
    assert [each.status_code for each in back] == [200] * 3
