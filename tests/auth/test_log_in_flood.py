"""A flood of log-ins: hashes wait for each other, and everybody else is served meanwhile."""

import threading
import time

import pytest
from flask import Flask

from shop.auth import passwords
from tests.factories.auth import make_user

LOG_IN = {"email": "anna@chain.example", "password": "wrong horse battery"}


@pytest.fixture
def small_app(make_app) -> Flask:
    """The product with two connections to the database at the most."""
    return make_app(database_pool_size=1)


def test_others_are_served_while_hashes_run_and_wait(small_app, monkeypatch):
    make_user(email=LOG_IN["email"])
    hasher, begun, go_on = passwords._hasher, threading.Semaphore(0), threading.Event()

    class Slow:
        """As long as the machine needs for all that came before."""

        def verify(self, *both: str) -> bool:
            begun.release()
            assert go_on.wait(300)
            return hasher.verify(*both)

    monkeypatch.setattr(passwords, "_hasher", Slow())
    monkeypatch.setattr(passwords, "PATIENCE_SECONDS", 300)
    statuses: list[int] = []
    flood = [threading.Thread(target=lambda: statuses.append(_log_in(small_app))) for _ in range(3)]
    try:
        for thread in flood:
            thread.start()
        for _ in range(passwords.CONCURRENT_HASHES):
            assert begun.acquire(timeout=120)
        _wait_until(lambda: passwords._waiting._value == 0)
        assert _log_in(small_app) == 503  # two hash, one waits: the fourth holds no thread
        # 503 where they held the connections: none comes back before the flood goes on
        assert small_app.test_client().get("/api/v1/catalog/offers").status_code == 200
    finally:
        go_on.set()
        for thread in flood:
            thread.join(300)
    assert statuses == [401] * 3


def _log_in(app: Flask) -> int:
    return app.test_client().post("/api/v1/auth/login", json=LOG_IN).status_code


def _wait_until(is_so) -> None:
    for _ in range(12_000):
        if is_so():
            return
        time.sleep(0.01)
    pytest.fail("it never came to that")
