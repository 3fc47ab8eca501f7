"""What an operator sees of the outbox, and replaying what was parked."""

from datetime import timedelta

import pytest
from flask import Flask

from shop.database import now, session
from shop.errors import Refusal
from shop.outbox.models import OutboxEvent
from shop.outbox.relay import relay_once
from shop.outbox.replay import EventHandled, EventNotFound, replay_event, replay_parked
from shop.outbox.status import outbox_status
from tests.outbox.test_outbox import FakeTask


@pytest.fixture
def add(edge):
    def add_event(kind: str = "test.operated", **values) -> int:
        with edge() as current:
            row = OutboxEvent(type=kind, payload={"order_id": 7}, **values)
            current.add(row)
            current.flush()
            return row.id

    return add_event


def parked(**others) -> dict[str, object]:
    spent = {"attempts": 14, "sendings": 20, "started": ["t"], "pending": ["t"]}
    return {"parked_at": now(), "last_error": "ValueError: no [such] printer", **spent, **others}


def run(app: Flask, *arguments: str):
    return app.test_cli_runner().invoke(args=["outbox", *arguments])


def test_status_counts_by_event_and_says_how_far_behind_the_relay_is(edge, add) -> None:
    add(due_at=now() - timedelta(minutes=5))
    add(due_at=now() + timedelta(minutes=5))
    add("test.other", **parked())
    add("test.other", handled_at=now())
    with edge():
        found = outbox_status()
    assert timedelta(minutes=5) <= found.lag < timedelta(minutes=6)
    assert [(each.type, each.open, each.due, each.parked) for each in found.kinds] == [
        ("test.operated", 2, 1, 0),
        ("test.other", 0, 0, 1),
    ]


def test_status_reads_no_handled_event(edge, add, count_statements) -> None:
    """A million of them must not slow down what a dashboard asks every few seconds."""
    with edge() as current:
        current.add_all(OutboxEvent(type="x", payload={}, handled_at=now()) for _ in range(3000))
    with edge() as current:
        current.connection().exec_driver_sql("ANALYZE outbox_events")
    with count_statements() as statements, edge():
        outbox_status()
    with edge() as current:
        for statement in statements:
            values = {name: now() for name in ("due_at_1", "due_at_2")}
            plan = "\n".join(current.connection().exec_driver_sql(f"EXPLAIN {statement}", values).scalars())
            assert "Seq Scan" not in plan, plan


def test_a_replayed_event_begins_anew(app, edge, settings, add) -> None:
    event_id = add(**parked())
    with edge():
        replay_event(event_id)
    task = FakeTask("t")
    with app.app_context():
        relay_once(app.extensions["celery"], {"test.operated": [task]}, settings)
    assert task.sent == [event_id]
    with edge():
        row = session().get_one(OutboxEvent, event_id)
        assert (row.parked_at, row.attempts, row.sendings, row.started) == (None, 0, 1, [])


def test_all_parked_events_are_replayed_at_once_and_no_others(edge, add) -> None:
    waiting = add(due_at=now() + timedelta(hours=1))
    for _ in range(3):
        add(**parked())
    with edge():
        assert replay_parked() == 3
        assert replay_parked() == 0
        assert session().get_one(OutboxEvent, waiting).due_at > now()


def test_what_was_handled_or_never_was_is_not_replayed(edge, add) -> None:
    for event_id, refusal in ((add(handled_at=now()), EventHandled), (10**6, EventNotFound)):
        with pytest.raises(Refusal) as refused, edge():
            replay_event(event_id)
        assert type(refused.value) is refusal


class TestByCommand:
    def test_status_says_that_all_is_well(self, app) -> None:
        assert "Nothing waits" in run(app, "status").output

    def test_status_names_what_was_parked_with_the_reason(self, app, add) -> None:
        event_id = add(**parked())
        add(due_at=now() - timedelta(hours=3))
        said = run(app, "status").output
        assert f"Parked: event {event_id}, test.operated {{'order_id': 7}}, for t" in said
        assert "ValueError: no [such] printer" in said
        assert "The relay is 3 h behind. Does it run" in said

    def test_status_lists_twenty_and_counts_the_rest(self, app, add) -> None:
        for _ in range(22):
            add(**parked())
        said = run(app, "status").output
        assert said.count("Parked: event") == 20
        assert "… and 2 more" in said

    def test_replay_of_one_or_of_all_parked(self, app, add) -> None:
        first, _ = add(**parked()), add(**parked())
        assert "now: 1" in run(app, "replay", "--event", str(first)).output
        assert "now: 1" in run(app, "replay", "--parked").output

    @pytest.mark.parametrize("arguments", [(), ("--event", "1", "--parked")])
    def test_replay_wants_to_know_which(self, app, arguments) -> None:
        assert run(app, "replay", *arguments).exit_code == 2

    def test_replay_of_what_is_not_there_fails_in_a_sentence(self, app) -> None:
        result = run(app, "replay", "--event", "5")
        assert (result.exit_code, "There is no event 5" in result.output) == (1, True)
