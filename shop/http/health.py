"""/health/live: the process answers. /health/ready: it can serve, and what it depends on is named."""

from collections.abc import Callable
from functools import partial
from typing import Any

import redis
from flask import Blueprint, Flask
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from shop.config import current_settings
from shop.database import session

blueprint = Blueprint("health", __name__, url_prefix="/health")


def init_app(app: Flask) -> None:
    app.register_blueprint(blueprint)


@blueprint.get("/live")
def live() -> dict[str, str]:
    return {"status": "ok"}


@blueprint.get("/ready")
def ready() -> tuple[dict[str, Any], int]:
    """Only the database is essential: without Valkey orders are still accepted, so its absence is said, not fatal."""
    settings = current_settings()
    database = _answers(_ping_database, SQLAlchemyError)
    valkey = {name: _answers(partial(_ping_valkey, url), redis.RedisError) for name, url in settings.urls.items()}
    status = "ok" if database and all(valkey.values()) else "degraded" if database else "unavailable"
    checks = {"database": database, **valkey}
    return {"status": status, "checks": checks}, 200 if database else 503


def _answers(ping: Callable[[], object], failure: type[Exception]) -> bool:
    try:
        ping()
    except failure:
        return False
    return True


def _ping_database() -> None:
    session().execute(text("SELECT 1"))


def _ping_valkey(url: str) -> None:
    with redis.Redis.from_url(url, socket_timeout=1, socket_connect_timeout=1) as client:
        client.ping()
