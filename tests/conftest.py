"""A real PostgreSQL cloned from a migrated template and a real Valkey, per test process."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest
import redis
from flask import Flask
from flask.testing import FlaskClient
from flask_migrate import upgrade
from pydantic import SecretStr
from sqlalchemy import Connection, event, make_url, text
from sqlalchemy.engine import URL

from shop import create_app
from shop.config import Settings
from shop.database import db, transaction
from shop.database.fast_read import statement_sent
from shop.mail import tasks as mail_tasks
from shop.mail.smtp import MailServer
from tests import factories
from tests.outbox_drain import Drain

TEMPLATE = "shop_template"
GROWN = 512 * 1024  # bytes of a table


def _url(name: str) -> str:
    value = os.environ.get(name)
    if not value:
        pytest.exit(f"{name} is not set: run 'make test', or set it to a server that tests may fill and empty.")
    return value


def _psycopg(url: URL) -> str:
    return url.set(drivername="postgresql").render_as_string(hide_password=False)


@pytest.fixture(scope="session")
def worker_number(worker_id: str) -> int:
    return 0 if worker_id == "master" else int(worker_id.removeprefix("gw")) + 1


@pytest.fixture(scope="session")
def redis_url(worker_number: int) -> str:
    base = _url("TEST_REDIS_URL").rsplit("/", 1)
    url = f"{base[0]}/{worker_number % 16}" if base[-1].isdigit() else f"{_url('TEST_REDIS_URL')}/{worker_number % 16}"
    with redis.Redis.from_url(url) as client:
        client.flushdb()
    return url


@pytest.fixture(scope="session")
def database_url(worker_number: int) -> Iterator[str]:
    """A database of this process's own, cloned from the migrated template in some 30 ms."""
    admin = make_url(_url("TEST_DATABASE_URL"))
    name = f"shop_test_{os.getpid()}_{worker_number}"
    with psycopg.connect(_psycopg(admin), autocommit=True) as connection:
        connection.execute("SELECT pg_advisory_lock(20261122)")
        _make_template(connection, admin)
        connection.execute(f'CREATE DATABASE "{name}" TEMPLATE "{TEMPLATE}"')
        connection.execute("SELECT pg_advisory_unlock(20261122)")
    yield admin.set(database=name).render_as_string(hide_password=False)
    with psycopg.connect(_psycopg(admin), autocommit=True) as connection:
        connection.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


def _make_template(connection: psycopg.Connection[Any], admin: URL) -> None:
    """Made by the first process of a run; the run's id is kept in the database's comment."""
    run = os.environ.get("PYTEST_XDIST_TESTRUNUID", str(os.getpid()))
    found = connection.execute(
        "SELECT shobj_description(oid, 'pg_database') FROM pg_database WHERE datname = %s", (TEMPLATE,)
    ).fetchone()
    if found and found[0] == run:
        return
    connection.execute(f'DROP DATABASE IF EXISTS "{TEMPLATE}" WITH (FORCE)')
    connection.execute(
        f"CREATE DATABASE \"{TEMPLATE}\" TEMPLATE template0 LOCALE_PROVIDER builtin BUILTIN_LOCALE 'PG_UNICODE_FAST'"
        " ENCODING 'UTF8'"
    )
    app = create_app(make_settings(admin.set(database=TEMPLATE).render_as_string(hide_password=False), "redis://"))
    with app.app_context():
        upgrade()
        db.engine.dispose()
    connection.execute(f"COMMENT ON DATABASE \"{TEMPLATE}\" IS '{run}'")


def make_settings(database_url: str, redis_url: str, **others: Any) -> Settings:
    return Settings(
        app_env="testing",
        secret_key=SecretStr("a key for tests only, long enough for them"),
        database_url=database_url,
        redis_url=redis_url,
        throttle_anon="",
        throttle_user="",
        throttle_login="",
        log_level="WARNING",
        **others,
    )


@pytest.fixture(scope="session")
def settings(database_url: str, redis_url: str, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    return make_settings(database_url, redis_url, export_folder=str(tmp_path_factory.mktemp("exports")))


@pytest.fixture(scope="session")
def built_app(settings: Settings) -> Iterator[Flask]:
    app = create_app(settings)
    factories.app = app
    yield app
    with app.app_context():
        db.engine.dispose()


@pytest.fixture
def app(built_app: Flask, monkeypatch: pytest.MonkeyPatch) -> Iterator[Flask]:
    """The product on an empty database. No context is held: each request, task and factory opens its own."""
    monkeypatch.setattr(mail_tasks, "server", MailServer())  # no connection to another test's mail server
    celery = built_app.extensions["celery"]  # a test may have built another app meanwhile
    celery.set_default()
    celery.set_current()
    yield built_app
    with built_app.app_context():
        db.session.rollback()
        with db.engine.begin() as connection:
            _empty(connection)


def _empty(connection: Connection) -> None:
    """Deletes, as the few rows of most tests go ten times faster so; what has grown is truncated."""
    names = [f'"{table.name}"' for table in reversed(db.metadata.sorted_tables)]
    sizes = ", ".join(f"pg_relation_size('{name}')" for name in names)
    if connection.execute(text(f"SELECT greatest({sizes})")).scalar_one() > GROWN:
        connection.execute(text(f"TRUNCATE {', '.join(names)} RESTART IDENTITY CASCADE"))
        return
    deletes = " ".join(f"DELETE FROM {name};" for name in names)
    connection.execute(text(f"DO $$ BEGIN {deletes} END $$"))
    connection.execute(
        text(
            "SELECT setval(format('%I.%I', schemaname, sequencename), 1, false) FROM pg_sequences"
            " WHERE last_value IS NOT NULL"
        )
    )


@pytest.fixture
def make_app(app: Flask, settings: Settings) -> Iterator[Callable[..., Flask]]:
    """`make_app(throttle_user="1/day")` is the product with other settings, on the same database."""
    made: list[Flask] = []

    def make(**others: Any) -> Flask:
        made.append(create_app(settings.model_copy(update=others)))
        return made[-1]

    yield make
    for each in made:
        with each.app_context():
            db.engine.dispose()


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()


@pytest.fixture
def edge(app: Flask) -> Callable[[], Any]:
    """`with edge(): …` is what a route or task is to a story: the app's context and one transaction."""

    @contextmanager
    def open_edge() -> Iterator[Any]:
        with app.app_context(), transaction() as session:
            yield session

    return open_edge


@pytest.fixture
def drain(app: Flask) -> Drain:
    """`drain()` plays relay and worker: handles every open event, and what these publish, until none is left."""
    return Drain(app)


@pytest.fixture
def count_statements(app: Flask) -> Callable[[], Any]:
    """`with count_statements() as statements: …` collects every SQL statement sent meanwhile."""

    @contextmanager
    def counting() -> Iterator[list[str]]:
        statements: list[str] = []

        def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
            statements.append(statement)

        with app.app_context():
            engine = db.engine
        event.listen(engine, "before_cursor_execute", note)
        try:
            with statement_sent.connected_to(statements.append):
                yield statements
        finally:
            event.remove(engine, "before_cursor_execute", note)

    return counting
