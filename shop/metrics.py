"""/metrics for Prometheus: requests per operation, and what waits in the outbox, among mails, imports and queues."""

import hmac
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import cast

import redis
import structlog
from flask import Blueprint, Flask, Response, g, request
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Histogram, generate_latest, values
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.mmap_dict import MmapedDict
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import REGISTRY, Collector
from sqlalchemy import text

from shop.auth.access import public
from shop.celery import QUEUES
from shop.config import current_settings
from shop.database import session
from shop.errors import NotFound, Unauthenticated

log = structlog.get_logger()
blueprint = Blueprint("metrics", __name__)

FIRST_SIZE = 2**20
PAUSE = 60.0  # seconds without counting where there was no place to count


class _ReservedDict(MmapedDict):
    """The library's file of counts, without holes: who writes into one in memory and finds the disk full is killed by
    SIGBUS. So its place is taken before, by writing, and where there is none that is an OSError."""

    def __init__(self, filename: str, read_mode: bool = False) -> None:
        if not read_mode:
            _reserve(filename, FIRST_SIZE)
        super().__init__(filename, read_mode)  # type: ignore[no-untyped-call]

    def _init_value(self, key: str) -> None:
        most = self._used + len(key.encode()) + 64  # its frame has 20 bytes and is rounded up
        if most > self._capacity:
            _reserve(self._fname, self._capacity * 2)
        super()._init_value(key)  # type: ignore[no-untyped-call]


def _reserve(filename: str, size: int) -> None:
    with Path(filename).open("ab", buffering=0) as file:
        while (missing := size - file.tell()) > 0:
            file.write(bytes(missing))


setattr(values, "MmapedDict", _ReservedDict)  # noqa: B010 - the library has no other way to name one, and mypy none to see it

REQUESTS = Histogram(
    "shop_request_seconds",
    "Requests by operation and status, and how long they took",
    ["operation", "status"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
)

OPEN_EVENTS = """
SELECT count(*),
       coalesce(greatest(extract(epoch FROM now() - min(due_at)), 0), 0),
       coalesce(greatest(extract(epoch FROM now() - min(created_at)), 0), 0)
FROM outbox_events WHERE handled_at IS NULL AND parked_at IS NULL
"""
PARKED_EVENTS = "SELECT count(*) FROM outbox_events WHERE parked_at IS NOT NULL AND handled_at IS NULL"
MAILS = """
SELECT state, count(*) FROM mail_messages WHERE state <> 'sent' GROUP BY state
UNION ALL SELECT 'sent', count(*) FROM mail_messages WHERE state = 'sent' AND created_at > now() - interval '1 day'
"""
IMPORTS = """
SELECT state, count(*) FROM price_lists
WHERE state IN ('queued', 'checking', 'held', 'applying') OR finished_at > now() - interval '1 day' GROUP BY state
"""


def init_app(app: Flask) -> None:
    app.after_request(_observe)
    app.register_blueprint(blueprint)


@blueprint.get("/metrics")
@public
def metrics() -> Response:
    """With METRICS_TOKEN by that token; without one only from this machine, and through no proxy."""
    _check_reader()
    requests = CollectorRegistry()
    if os.environ.get("PROMETHEUS_MULTIPROC_DIR"):
        MultiProcessCollector(requests)  # type: ignore[no-untyped-call]
    else:
        requests = REGISTRY
    waiting = CollectorRegistry()
    waiting.register(_Waiting())
    return Response(generate_latest(requests) + generate_latest(waiting), content_type=CONTENT_TYPE_LATEST)


def _check_reader() -> None:
    token = current_settings().metrics_token.get_secret_value()
    if token:
        given = request.headers.get("Authorization", "").removeprefix("Bearer ")
        if not hmac.compare_digest(given.encode(), token.encode()):
            raise Unauthenticated("Send METRICS_TOKEN as a bearer token.")
    elif request.remote_addr not in ("127.0.0.1", "::1") or "X-Forwarded-For" in request.headers:
        raise NotFound


def _observe(response: Response) -> Response:
    """An unknown address is one operation: whoever tries many must not fill the memory."""
    if "started" in g and time.monotonic() >= _pause.ends_at:
        endpoint = request.endpoint or "unknown"
        operation = endpoint.rpartition(".")[2] if request.path.startswith("/api/v1/") else endpoint
        try:
            _seconds_of(operation, response.status_code).observe(time.perf_counter() - g.started)
        except OSError as error:
            _pause.ends_at = time.monotonic() + PAUSE
            log.error("requests_not_counted", error=str(error), seconds=PAUSE)
    return response


@dataclass
class _Pause:
    ends_at: float = 0.0


_pause = _Pause()


@cache
def _seconds_of(operation: str, status: int) -> Histogram:
    return REQUESTS.labels(operation, status)


class _Waiting(Collector):
    """Counted when asked for: the rows are the truth for all processes, and outlive them."""

    def collect(self) -> Iterator[GaugeMetricFamily]:
        count, lag, age = session().execute(text(OPEN_EVENTS)).one()
        yield _gauge("shop_outbox_open", "Events not handled yet", count)
        yield _gauge("shop_outbox_lag_seconds", "For how long the event longest due has waited for the relay", lag)
        yield _gauge("shop_outbox_oldest_seconds", "Age of the oldest event not handled", age)
        parked = session().execute(text(PARKED_EVENTS)).scalar_one()
        yield _gauge("shop_outbox_parked", "Events given up, for a person to look at", parked)
        yield _by_state("shop_mails", "Mails queued or parked, and sent within a day", MAILS)
        yield _by_state("shop_price_lists", "Price lists under way, and finished within a day", IMPORTS)
        yield _queue_lengths()


def _gauge(name: str, documentation: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(name, documentation, value=float(value))


def _by_state(name: str, documentation: str, query: str) -> GaugeMetricFamily:
    family = GaugeMetricFamily(name, documentation, labels=["state"])
    for state, count in session().execute(text(query)):
        family.add_metric([state], count)
    return family


def _queue_lengths() -> GaugeMetricFamily:
    """No lengths where the broker is away: its absence is /health/ready's to say, and the rest is worth having."""
    family = GaugeMetricFamily("shop_queue_length", "Messages that no worker has taken yet", labels=["queue"])
    url = current_settings().urls["broker"]
    try:
        with redis.Redis.from_url(url, socket_timeout=1, socket_connect_timeout=1) as broker:
            for queue in QUEUES:
                family.add_metric([queue], cast(int, broker.llen(queue)))
    except redis.RedisError as error:
        log.warning("broker_away", error=str(error))
    return family
