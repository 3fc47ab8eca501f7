"""Tasks have queues that a worker listens to, events have subscribers, and only the outbox publishes to Celery."""

import ast
from fnmatch import fnmatch
from pathlib import Path

from flask import Flask

from shop import subscribers as _declares_all  # noqa: F401 - kinds of mail and tasks
from shop.celery import BEAT_SCHEDULE, QUEUES, ROUTES, queue_of
from shop.mail.kinds import KINDS
from shop.outbox.events import Event
from shop.outbox.handler import SUBSCRIBERS, subscribers

SHOP = Path(__file__).parents[2] / "shop"
PUBLISHING = {"delay", "apply_async", "send_task"}
SUBSCRIBED = {
    "company.member_invited": ["auth.mail_invitation"],
    "company.moved": ["auth.mail_company_moved"],
    "mail.queued": ["mail.deliver"],
    "mails.queued": ["mail.deliver_all"],
    "order.placed": ["orders.announce_order", "orders.notify_placed"],
    "price_list.applied": ["catalog.notify_applied"],
    "price_list.approved": ["catalog.apply_decisions"],
    "price_list.failed": ["catalog.mail_failed_price_list", "catalog.notify_failed"],
    "price_list.held": ["catalog.mail_held_price_list", "catalog.notify_held"],
    "price_list.received": ["catalog.import_price_list"],
    "supplier.vat_terms_changed": ["catalog.follow_vat_terms"],
    "supplier_order.confirmed": ["orders.send_invoice", "orders.notify_confirmed"],
    "supplier_order.corrected": ["orders.send_correction", "orders.notify_corrected"],
    "supplier_order.moved": ["orders.announce_move", "orders.notify_moved"],
    "user.confirmation_requested": ["auth.mail_confirmation_again"],
    "user.email_change_requested": ["auth.mail_email_change"],
    "user.email_changed": ["auth.mail_email_changed"],
    "user.password_reset_requested": ["auth.mail_password_reset"],
    "user.provider_linked": ["auth.mail_provider_linked"],
    "user.provider_unlinked": ["auth.mail_provider_unlinked"],
    "user.registered": ["auth.mail_confirmation"],
    "user.registration_repeated": ["auth.mail_already_registered"],
    "user.security_changed": ["auth.mail_security_notice"],
    "webhook.delivery_due": ["webhooks.deliver"],
    "webhook.switched_off": ["webhooks.mail_switched_off"],
}


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
    first = {name for name, kind in KINDS.items() if kind.goes_first}
    assert {name for name, kind in KINDS.items() if kind.look_up.__module__.startswith(accounts)} == first


def test_every_event_has_its_known_subscribers_in_their_order() -> None:
    """A module whose import was forgotten would leave its events unheard."""
    assert set(SUBSCRIBERS) == set(Event.known.values())
    assert {event: [task.name for task in tasks] for event, tasks in subscribers().items()} == SUBSCRIBED


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
