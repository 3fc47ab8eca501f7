"""Events: leave with their transaction, are handled once however often they are sent, and never get lost."""

from dataclasses import dataclass
from datetime import timedelta
from threading import Thread
from typing import ClassVar

import pytest
from celery import shared_task
from flask import Flask
from kombu.exceptions import OperationalError
from sqlalchemy import func, select, update

from shop.config import Settings
from shop.database import now, session
from shop.outbox.events import Event, publish
from shop.outbox.handler import SUBSCRIBERS, come_again, finish, handles, handles_by_itself
from shop.outbox.models import OutboxEvent
from shop.outbox.relay import relay_once, run
from tests.conftest import make_settings


class FakeTask:
    """A subscriber whose messages are kept instead of reaching a broker."""

    def __init__(self, name: str) -> None:
        self.name, self.sent = name, []
        self.broken = False

    def apply_async(self, arguments, producer, **options) -> None:
        if self.broken:
            raise OperationalError("the broker is away")
        self.sent.append(arguments[0])


@pytest.fixture
def noted():
    """An event class known for the length of a test."""

    @dataclass(frozen=True)
    class Noted(Event):
        type: ClassVar[str] = "test.noted"
        what: str

    yield Noted
    del Event.known["test.noted"]
    SUBSCRIBERS.pop(Noted, None)


def publish_one(edge, noted, what: str = "x") -> int:
    with edge() as current:
        row = publish(noted(what=what))
        current.flush()
        return row.id


def read(edge, event_id: int) -> OutboxEvent:
    with edge():
        return session().get_one(OutboxEvent, event_id)


def relay(app: Flask, settings: Settings, *tasks: FakeTask) -> int:
    with app.app_context():
        return relay_once(app.extensions["celery"], {"test.noted": tasks}, settings)


def make_due(edge) -> None:
    with edge():
        session().execute(update(OutboxEvent).values(due_at=now() - timedelta(seconds=1)))


def test_an_event_leaves_with_its_transaction_or_not_at_all(app, edge, settings, noted) -> None:
    with pytest.raises(RuntimeError), edge():
        publish(noted(what="never"))
        raise RuntimeError
    task = FakeTask("t")
    assert relay(app, settings, task) == 0
    event_id = publish_one(edge, noted)
    assert relay(app, settings, task) == 1
    assert task.sent == [event_id]


def test_what_fails_is_sent_again_later_and_later_until_it_is_handled(app, edge, settings, noted) -> None:
    task, message = failing(noted, "test.failing_often"), FakeTask("test.failing_often")
    event_id = publish_one(edge, noted)
    pauses = []
    for _ in range(3):
        relay(app, settings, message)
        try_in_vain(task, event_id)
        assert relay(app, settings, message) == 0
        pauses.append((read(edge, event_id).due_at - now()).total_seconds())
        make_due(edge)
    assert message.sent == [event_id] * 3
    assert 25 < pauses[0] < pauses[1] < pauses[2] < 150
    with edge():
        assert finish(event_id, task.name)
    assert relay(app, settings, message) == 0


def test_a_broker_that_is_away_loses_nothing(app, edge, settings, noted) -> None:
    event_id = publish_one(edge, noted)
    task = FakeTask("t")
    task.broken = True
    with pytest.raises(OperationalError):
        relay(app, settings, task)
    assert read(edge, event_id).attempts == 0
    task.broken = False
    relay(app, settings, task)
    assert task.sent == [event_id]


def failing(noted, name: str):
    def fail(_event, _id) -> None:
        raise ValueError("no such printer")

    return handles(noted, name=name)(fail)


def try_in_vain(task, event_id: int) -> None:
    with pytest.raises(ValueError, match="printer"):
        task(event_id)


def test_after_many_attempts_an_event_is_parked_with_its_reason(app, edge, database_url, redis_url, noted) -> None:
    patient = make_settings(database_url, redis_url, outbox_max_attempts=2)
    task, message = failing(noted, "test.vain"), FakeTask("test.vain")
    event_id = publish_one(edge, noted)
    for _ in range(4):
        relay(app, patient, message)
        if not read(edge, event_id).parked_at:
            try_in_vain(task, event_id)
        make_due(edge)
    assert len(message.sent) == 2
    row = read(edge, event_id)
    assert (row.attempts, row.last_error) == (2, "ValueError: no such printer")
    assert row.parked_at


def test_while_no_worker_is_there_nothing_is_parked(app, edge, database_url, redis_url, noted) -> None:
    patient = make_settings(database_url, redis_url, outbox_max_attempts=2)
    event_id = publish_one(edge, noted)
    for _ in range(30):
        relay(app, patient, FakeTask("t"))
        make_due(edge)
    row = read(edge, event_id)
    assert (row.attempts, row.sendings, row.parked_at) == (0, 30, None)


def test_of_many_messages_about_one_event_a_failing_task_takes_one(app, edge, settings, noted) -> None:
    task, message = failing(noted, "test.piled"), FakeTask("test.piled")
    event_id = publish_one(edge, noted)
    for _ in range(3):
        relay(app, settings, message)
        make_due(edge)
    try_in_vain(task, event_id)
    for _ in range(2):
        task(event_id)  # dropped: it would have raised
    make_due(edge)
    relay(app, settings, message)
    assert read(edge, event_id).attempts == 1
    try_in_vain(task, event_id)


def test_a_worker_that_dies_in_the_middle_has_made_an_attempt(app, edge, settings, noted) -> None:
    def die(_event, _id) -> None:
        raise KeyboardInterrupt  # nothing of ours catches it, as nothing catches a kill

    task = handles(noted, name="test.dying")(die)
    event_id = publish_one(edge, noted)
    relay(app, settings, FakeTask("test.dying"))
    with pytest.raises(KeyboardInterrupt):
        task(event_id)
    make_due(edge)
    relay(app, settings, FakeTask("test.dying"))
    assert read(edge, event_id).attempts == 1


def test_work_whose_turn_has_not_come_is_no_attempt(app, edge, settings, noted) -> None:
    waiting = handles_by_itself(noted, name="test.waiting")(
        lambda _event, id_: come_again(id_, "test.waiting", after=timedelta(seconds=-1))
    )
    event_id = publish_one(edge, noted)
    for _ in range(3):
        relay(app, settings, FakeTask("test.waiting"))
        waiting(event_id)
    row = read(edge, event_id)
    assert (row.attempts, row.sendings, row.started) == (0, 0, [])


def test_what_failed_together_does_not_come_back_together(app, edge, settings, noted) -> None:
    task, event_ids = failing(noted, "test.together"), [publish_one(edge, noted) for _ in range(5)]
    relay(app, settings, FakeTask(task.name))
    for event_id in event_ids:
        try_in_vain(task, event_id)
    assert len({read(edge, event_id).due_at.replace(microsecond=0) for event_id in event_ids}) > 1


def test_an_event_that_nobody_handles_is_done(app, edge, settings, noted) -> None:
    event_id = publish_one(edge, noted)
    relay(app, settings)
    assert read(edge, event_id).handled_at


def test_an_event_of_a_newer_release_waits_for_its_own_relay(app, edge, settings, noted) -> None:
    event_id = publish_one(edge, noted)
    with app.app_context():
        assert relay_once(app.extensions["celery"], {}, settings) == 0
    assert read(edge, event_id).handled_at is None


def test_a_parked_event_is_left_alone(app, edge, settings, noted) -> None:
    done = []
    task = handles(noted, name="test.parked")(lambda event, _id: done.append(event.what))
    event_id = publish_one(edge, noted)
    relay(app, settings, FakeTask("test.parked"))
    with edge():
        session().get_one(OutboxEvent, event_id).parked_at = now()
    task(event_id)
    assert done == []


def test_each_subscriber_handles_an_event_once(app, edge, settings, noted) -> None:
    done = []
    first = handles(noted, name="test.first")(lambda event, _id: done.append(event.what))
    second = handles(noted, name="test.second")(lambda event, _id: done.append(event.what * 2))
    event_id = publish_one(edge, noted, "a")
    relay(app, settings, FakeTask("test.first"), FakeTask("test.second"))
    first(event_id)
    first(event_id)
    assert read(edge, event_id).handled_at is None
    second(event_id)
    second(event_id)
    assert done == ["a", "aa"]
    assert read(edge, event_id).handled_at


def test_a_failure_is_noted_and_leaves_the_event_open(app, edge, settings, noted) -> None:
    def fail(_event, _id) -> None:
        session().execute(update(OutboxEvent).values(type="half done"))
        raise ValueError("no such printer")

    task = handles(noted, name="test.failing")(fail)
    event_id = publish_one(edge, noted)
    relay(app, settings, FakeTask("test.failing"))
    with pytest.raises(ValueError, match="printer"):
        task(event_id)
    row = read(edge, event_id)
    assert (row.last_error, row.pending, row.type) == ("ValueError: no such printer", ["test.failing"], "test.noted")


@pytest.mark.parametrize("decorate", [handles, handles_by_itself])
def test_a_worker_quicker_than_the_relays_commit_waits_for_it(app, edge, settings, noted, decorate) -> None:
    done = []
    name = f"test.quick_{decorate.__name__}"
    task = decorate(noted, name=name)(lambda event, _id: done.append(event.what))
    event_id = publish_one(edge, noted)
    workers = []

    class Quick(FakeTask):
        def apply_async(self, arguments, producer, **options) -> None:
            """The message reaches a worker while the relay's transaction is still open."""
            workers.append(Thread(target=task, args=arguments))
            workers[0].start()
            workers[0].join(0.3)
            assert workers[0].is_alive()

    relay(app, settings, Quick(name))
    workers[0].join(5)
    assert done == ["x"], event_id


def test_long_work_finishes_by_itself(app, edge, settings, noted) -> None:
    seen = []
    task = handles_by_itself(noted, name="test.long")(lambda event, id_: seen.append((event.what, id_)))
    event_id = publish_one(edge, noted)
    task(event_id)
    assert seen == []  # not sent yet, so not pending
    relay(app, settings, FakeTask("test.long"))
    task(event_id)
    assert seen == [("x", event_id)]
    with edge():
        assert finish(event_id, "test.long")
    task(event_id)
    assert len(seen) == 1


def test_two_relays_at_once_send_each_event_once(app, edge, settings, noted) -> None:
    event_ids = {publish_one(edge, noted) for _ in range(3)}
    first, second = FakeTask("t"), FakeTask("t")
    with app.app_context():
        celery = app.extensions["celery"]

        class Rival(FakeTask):
            def apply_async(self, arguments, producer, **options) -> None:
                """While the first relay holds its rows, a second one looks for work."""
                super().apply_async(arguments, producer, **options)
                with app.app_context():
                    relay_once(celery, {"test.noted": [second]}, settings)

        first = Rival("t")
        relay_once(celery, {"test.noted": [first]}, settings)
    assert set(first.sent) == event_ids
    assert second.sent == []


def test_the_relay_waits_for_a_broker_and_stops_when_told(app, edge, settings, noted, monkeypatch) -> None:
    publish_one(edge, noted)
    handlers = {}
    monkeypatch.setattr("shop.outbox.relay.signal.signal", lambda number, handler: handlers.setdefault(number, handler))
    pauses = []

    class Stopping(FakeTask):
        def apply_async(self, arguments, producer, **options) -> None:
            pauses.append("tried")
            for handler in handlers.values():
                handler()
            super().apply_async(arguments, producer, **options)

    task = Stopping("t")
    task.broken = True
    with app.app_context():
        run(app.extensions["celery"], {"test.noted": [task]}, settings)
    assert pauses == ["tried"]
    with edge():
        assert session().scalars(select(OutboxEvent)).one().handled_at is None


def test_tasks_run_inside_the_apps_context_with_a_session_of_their_own(app: Flask) -> None:
    seen = []

    def look() -> None:
        seen.append(session())

    task = shared_task(look, name="test.context")
    task()
    task()
    assert len(seen) == 2
    assert seen[0] is not seen[1]


def test_tasks_of_one_event_do_not_wait_for_each_other(app, edge, settings, noted) -> None:
    done = []
    quick = handles(noted, name="test.side_by_side_quick")(lambda event, _id: done.append("quick"))

    def work(_event, id_) -> None:
        """Long enough for the other one to begin and to end meanwhile."""
        other = Thread(target=quick, args=(id_,))
        other.start()
        other.join(5)
        done.append("slow")

    slow = handles(noted, name="test.side_by_side_slow")(work)
    event_id = publish_one(edge, noted)
    relay(app, settings, FakeTask(slow.name), FakeTask(quick.name))
    slow(event_id)
    assert done == ["quick", "slow"]
    assert read(edge, event_id).handled_at


def test_of_two_workers_at_one_task_one_leaves_a_trace(app, edge, settings, noted) -> None:
    rivals = []

    def work(_event, id_) -> None:
        publish(noted(what="trace"))
        if rivals:
            return
        make_due(edge)  # the first one is so slow that the event is sent again
        relay(app, settings, FakeTask(task.name))
        rivals.append(Thread(target=task, args=(id_,)))
        rivals[0].start()
        rivals[0].join(5)

    task = handles(noted, name="test.overtaken")(work)
    event_id = publish_one(edge, noted)
    relay(app, settings, FakeTask(task.name))
    task(event_id)
    assert not rivals[0].is_alive()
    with edge():
        traces = select(func.count()).select_from(OutboxEvent).where(OutboxEvent.payload["what"].as_string() == "trace")
        assert session().scalar(traces) == 1
    row = read(edge, event_id)
    assert row.handled_at
    assert row.last_error is None
