"""A running product for a journey."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis
from flask import Flask

from benchmarks.product import unmeasured
from shop.config import Settings
from tests.journeys.product import Mailbox, Product, running


@pytest.fixture
def mailbox() -> Iterator[Mailbox]:
    box = Mailbox()
    yield box
    box.stop()


@pytest.fixture
def environment(settings: Settings, mailbox: Mailbox, tmp_path: Path) -> dict[str, str]:
    """What the product's processes are told."""
    return unmeasured(os.environ) | {
        "APP_ENV": "testing",
        "SECRET_KEY": settings.signing_key,
        "DATABASE_URL": settings.database_url,
        "REDIS_URL": settings.redis_url,
        "EXPORT_FOLDER": str(tmp_path / "exports"),
        "SMTP_HOST": "127.0.0.1",
        "SMTP_PORT": str(mailbox.port),
        "THROTTLE_ANON": "",
        "THROTTLE_USER": "",
        "THROTTLE_LOGIN": "",
        "OUTBOX_RESEND_SECONDS": "2",
    }


@pytest.fixture
def product(app: Flask, settings: Settings, environment: dict[str, str], tmp_path: Path) -> Iterator[Product]:
    """Web server and relay run; a journey starts its worker itself."""
    with running(environment, tmp_path) as product:
        yield product
    with redis.Redis.from_url(settings.redis_url) as broker:
        broker.flushdb()  # what the workers had not taken when they were stopped is nothing to other tests
