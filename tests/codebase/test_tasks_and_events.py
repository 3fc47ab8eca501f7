"""Tasks have queues that a worker listens to, events have subscribers, and only the outbox publishes to Celery."""

import ast
from fnmatch import fnmatch
from pathlib import Path

from flask import Flask

from shop.celery import BEAT_SCHEDULE, QUEUES, ROUTES, queue_of
from shop.mail.queue import ACCOUNT_KINDS
from shop.outbox.events import Event
from shop.outbox.handler import HANDLED
from shop.subscribers import MAILS, SUBSCRIBERS

SHOP = Path(__file__).parents[2] / "shop"
PUBLISHING = {"delay", "apply_async", "send_task"}


def test_every_task_has_a_queue_that_a_worker_listens_to(app: Flask) -> None:
    celery = app.extensions["celery"]
    listened = set(celery.amqp.queues)
    tasks = {name: task for name, task in celery.tasks.items() if not name.startswith(("celery.", "test."))}
    assert listened == set(QUEUES)
    assert tasks
    for name, task in tasks.items():
        routed = celery.amqp.router.route({}, task.name)["queue"].name
        assert routed in listened, name
        assert routed == queue_of(name)
        assert any(fnmatch(name, pattern) for pattern in ROUTES), f"{name} has no route of its own"


def test_what_is_quick_never_waits_for_imports(app: Flask) -> None:
    slow = {
        "catalog.import_price_list",
        "catalog.apply_decisions",
        "catalog.fetch_due_price_lists",
        "catalog.follow_vat_terms",  # in turn with the supplier's imports
    }
    tasks = app.extensions["celery"].tasks
    assert {name for name in tasks if not name.startswith("test.") and queue_of(name) == "imports"} == slow


def test_every_mail_of_an_account_goes_before_the_others() -> None:
    accounts = ("shop.auth.", "shop.companies.")
    assert {kind for kind, look_up in MAILS.items() if look_up.__module__.startswith(accounts)} == ACCOUNT_KINDS


def test_every_event_has_a_known_list_of_subscribers() -> None:
    assert set(SUBSCRIBERS) == set(Event.known.values())


def test_every_subscriber_handles_the_event_that_it_is_listed_under() -> None:
    for event, tasks in SUBSCRIBERS.items():
        assert tasks, f"nobody handles {event.__name__}"
        assert all(HANDLED[task.name] is event for task in tasks)


def test_beat_starts_tasks_that_exist(app: Flask) -> None:
    celery = app.extensions["celery"]
    assert all(entry["task"] in celery.tasks for entry in BEAT_SCHEDULE.values())


def test_nothing_but_the_outbox_publishes_to_celery() -> None:
    publishers = {
        str(path.relative_to(SHOP))
        for path in SHOP.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Attribute) and node.attr in PUBLISHING
    }
    assert publishers == {"outbox/relay.py"}
