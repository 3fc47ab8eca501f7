"""Celery bound to the app: settings, queues and the beat schedule on one page."""

import socket
from fnmatch import fnmatch
from functools import cache
from typing import Any

import structlog
from celery import Celery, Task
from flask import Flask

from shop.config import Settings

# Without -Q a worker listens to all of them; -Q gives some a worker or a machine of their own. A worker of several
# takes from each in turn: what somebody waits for, the mail of an account, has a queue that others cannot fill.
QUEUES = ("accounts", "mail", "orders", "imports", "webhooks", "housekeeping")
DEFAULT_QUEUE = "housekeeping"

# The first that fits counts.
ROUTES = {
    "auth.*": "accounts",
    "mail.deliver": "accounts",
    "mail.*": "mail",
    "orders.*": "orders",
    "catalog.mail_*": "mail",
    "catalog.notify_*": "mail",
    "catalog.*": "imports",
    "webhooks.*": "webhooks",
    "housekeeping.*": "housekeeping",
}

BEAT_SCHEDULE = {
    "fetch price lists that are due": {"task": "catalog.fetch_due_price_lists", "schedule": 60.0},
    "purge what has expired": {"task": "housekeeping.purge", "schedule": 3600.0},
}

TASK_TIME_LIMIT = 1500
VISIBILITY_TIMEOUT = 3600  # longer than any task, or the broker gives a running one to a second worker


def create_celery(app: Flask, settings: Settings) -> Celery:
    class ContextTask(Task):  # type: ignore[misc]
        """Every task runs inside the app's context, with a session of its own."""

        def __call__(self, *args: Any, **kwargs: Any) -> Any:
            structlog.contextvars.clear_contextvars()
            structlog.contextvars.bind_contextvars(task=self.name, task_id=self.request.id)
            with app.app_context():
                return self.run(*args, **kwargs)

    celery = Celery(app.name, task_cls=ContextTask)
    celery.config_from_object(_configuration(settings))
    celery.set_default()
    app.extensions["celery"] = celery
    return celery


@cache
def queue_of(task: str) -> str:
    """As Celery's router finds it."""
    return next((queue for tasks, queue in ROUTES.items() if fnmatch(task, tasks)), DEFAULT_QUEUE)


def _configuration(settings: Settings) -> dict[str, Any]:
    return {
        "broker_url": settings.urls["broker"],
        "broker_connection_retry_on_startup": True,
        "broker_transport_options": {
            "visibility_timeout": VISIBILITY_TIMEOUT,
            "max_retries": 1,
            "interval_start": 0,
            "interval_step": 0.1,
            "interval_max": 0.1,
            "socket_connect_timeout": 1,
            "socket_timeout": 5,  # a broker that accepts and never answers must not block for ever
            "socket_keepalive": True,
            "socket_keepalive_options": {socket.TCP_KEEPIDLE: 30} if hasattr(socket, "TCP_KEEPIDLE") else {},
        },
        "task_queues": {name: {} for name in QUEUES},
        "task_routes": {tasks: {"queue": queue} for tasks, queue in ROUTES.items()},
        "task_default_queue": DEFAULT_QUEUE,
        "task_create_missing_queues": False,
        "task_serializer": "json",
        "accept_content": ["json"],
        "task_ignore_result": True,
        "task_publish_retry": False,
        "task_acks_late": True,
        # A task that kills its worker must not come back at once and for ever: the relay sends it again, with a pause.
        "task_reject_on_worker_lost": False,
        "task_time_limit": TASK_TIME_LIMIT,
        "worker_prefetch_multiplier": 1,
        "worker_hijack_root_logger": False,
        "worker_soft_shutdown_timeout": 10.0,
        "worker_max_memory_per_child": 400_000,
        "beat_schedule": BEAT_SCHEDULE,
        "timezone": "UTC",
    }
