"""Messages that wait are sent once; those that are lost are found, by what workers have passed or by the broker."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from typing import ClassVar

import pytest
import redis
from flask import Flask
from sqlalchemy import select, text, update

from shop.database import now, session, transaction
from shop.outbox import queues
from shop.outbox.broker import EPOCH, send_again_what_was_wiped
from shop.outbox.events import Event
from shop.outbox.handler import SUBSCRIBERS, come_again, finish, handles, handles_by_itself
from shop.outbox.leases import RENEW
from shop.outbox.models import OutboxEvent, OutboxQueue
from shop.outbox.queues import SENT_AT, send_passed_again
from shop.outbox.relay import relay_once, turns
from tests.conftest import make_settings
from tests.outbox.test_outbox import FakeTask, publish_one, read, relay

PAUSE = timedelta(seconds=30)
TASK = "orders.test"  # in the queue of orders


@pytest.fixture(autouse=True)
def _every_event_is_noted(monkeypatch: pytest.MonkeyPatch) -> None:
    """And not one a second."""
    monkeypatch.setattr(queues, "NOTED_EVERY", 0.0)


@pytest.fixture(scope="module")
def noted() -> Iterator[type[Event]]:
    """An event class known as long as these tests run."""

    @dataclass(frozen=True)
    class Noted(Event):
        type: ClassVar[str] = "test.noted"
        what: str

    yield Noted
    del Event.known["test.noted"]
    SUBSCRIBERS.pop(Noted, None)


@pytest.fixture(scope="module")
def handler(noted):
    return handles(noted, name=TASK)(lambda _event, _id: None)


@pytest.fixture
def task(edge, handler) -> Callable[..., None]:
    """Works on the message of the event's last sending, or of the one at that time."""

    def work(event_id: int, sent_at: datetime | None = None) -> None:
        at = sent_at or read(edge, event_id).sent_at
        handler.apply((event_id,), headers={SENT_AT: at.isoformat()}, throw=True)

    return work


@pytest.fixture
def send(app, edge, settings, noted) -> Callable[..., list[int]]:
    """Publishes and sends so many events, `ago`; none of them has been begun."""

    def send_events(count: int, *, ago: float = 0, to: str = TASK) -> list[int]:
        ids = [publish_one(edge, noted) for _ in range(count)]
        assert relay(app, settings, FakeTask(to)) == count
        shift(edge, ago, ids)
        return ids

    return send_events


def shift(edge, seconds: float, ids: list[int]) -> None:
    """As if they had been sent earlier."""
    with edge():
        earlier = OutboxEvent.sent_at - timedelta(seconds=seconds)
        session().execute(update(OutboxEvent).where(OutboxEvent.id.in_(ids)).values(sent_at=earlier))


def wait(edge, seconds: float) -> None:
    """As if so much time had passed for the queues."""
    with edge():
        session().execute(
            text("""
            UPDATE outbox_queues SET begun_at = begun_at - :t, looked_at = looked_at - :t, probed_at = probed_at - :t,
                reached = reached - :t, passed = passed - :t;
            """),
            {"t": timedelta(seconds=seconds)},
        )
        session().execute(
            text("UPDATE outbox_events SET sent_at = sent_at - :t, due_at = due_at - :t WHERE handled_at IS NULL"),
            {"t": timedelta(seconds=seconds)},
        )


def look(app: Flask, task: str = TASK) -> None:
    with app.app_context():
        send_passed_again([task], pause=PAUSE)


def due(edge) -> list[int]:
    with edge():
        return list(session().scalars(select(OutboxEvent.id).filter(OutboxEvent.due_at <= now()).order_by("id")))


def test_what_waits_is_not_sent_again_however_long(app, edge, send, task) -> None:
    """A worker that takes one event a minute: what is still before it waits for hours, and was sent once."""
    ids = send(20)
    for event_id in ids:
        wait(edge, 60)
        task(event_id)
        look(app)
        assert due(edge) == []
    with edge():
        assert set(session().scalars(select(OutboxEvent.sendings))) == {1}


def test_what_workers_have_passed_is_sent_again(app, edge, send, task) -> None:
    lost = send(3, ago=60)
    _, later = send(2, ago=30)
    task(later)
    look(app)
    wait(edge, 11)
    look(app)  # sees how far they are
    assert due(edge) == []
    wait(edge, 11)
    look(app)
    assert due(edge) == lost


def test_what_is_in_another_queue_is_not_passed(app, edge, send, task, noted) -> None:
    elsewhere = send(1, ago=60, to="mail.test")
    [later] = send(1)
    task(later)
    for _ in range(3):
        wait(edge, 11)
        look(app)
    assert due(edge) == []
    with edge():
        assert session().get_one(OutboxEvent, elsewhere[0]).sendings == 1


def test_what_two_relays_send_at_once_may_change_places(app, edge, send, task) -> None:
    send(1, ago=1)
    [later] = send(1)
    task(later)
    for _ in range(2):
        wait(edge, 11)
        look(app)
    assert due(edge) == []


def test_a_queue_that_stands_still_is_asked_with_its_first_event_ever_more_seldom(app, edge, send, settings) -> None:
    first, *_ = send(50)
    asked = []
    for minute in range(60):
        wait(edge, 60)
        look(app)
        if due(edge):
            asked.append(minute)
            assert len(due(edge)) == 1
            assert relay(app, settings, FakeTask(TASK)) == 1
    assert asked[0] <= 1
    assert read(edge, first).sendings == 2
    assert len(asked) <= 10
    assert max(later - before for before, later in pairwise(asked)) <= 11


def test_one_message_lost_in_a_quiet_shop_comes_again_within_a_minute(app, edge, send) -> None:
    with edge() as current:
        current.add(OutboxQueue(name="orders", begun_at=now() - timedelta(hours=3)))
    [lost] = send(1)
    for _ in range(4):
        wait(edge, 11)
        look(app)
    assert due(edge) == [lost]


def test_after_the_asking_event_was_taken_the_lost_ones_are_found(app, edge, send, task, settings) -> None:
    first, *others = send(5, ago=0)
    wait(edge, 40)
    look(app)
    wait(edge, 31)
    look(app)
    assert due(edge) == [first]
    relay(app, settings, FakeTask(TASK))
    task(first)
    for _ in range(3):
        wait(edge, 11)
        look(app)
    assert due(edge) == others


def test_the_first_message_of_what_was_sent_twice_passes_nothing(app, edge, send, task, settings) -> None:
    """A worker that comes back to its queue begins with the old message of the event that was to find out about it."""
    first, *_ = send(5)
    before = read(edge, first).sent_at
    for _ in range(2):
        wait(edge, 40)
        look(app)
    assert due(edge) == [first]
    relay(app, settings, FakeTask(TASK))
    task(first, before - timedelta(seconds=80))
    for _ in range(3):
        wait(edge, 9)
        look(app)
    assert due(edge) == []


def test_of_two_relays_one_looks(app, edge, send, task, count_statements) -> None:
    send(1, ago=60)
    look(app)
    wait(edge, 11)
    look(app)
    with count_statements() as statements:
        look(app)
    assert not [each for each in statements if "unnest" in each]


class TestTheBroker:
    @pytest.fixture
    def broker(self, redis_url: str) -> Iterator[redis.Redis]:
        with redis.Redis.from_url(redis_url) as broker:
            broker.flushdb()
            yield broker

    def check(self, app: Flask, broker: redis.Redis) -> None:
        with app.app_context():
            send_again_what_was_wiped(broker, [TASK])

    def test_what_was_sent_and_not_begun_is_sent_again_once_it_is_wiped(self, app, edge, send, task, broker) -> None:
        self.check(app, broker)
        begun, *waiting = send(4)
        task(begun)
        self.check(app, broker)
        assert due(edge) == []
        broker.flushdb()
        self.check(app, broker)
        assert due(edge) == waiting

    def test_a_relay_that_dies_before_it_is_through_leaves_it_to_the_next(
        self, app, edge, send, task, broker, monkeypatch
    ) -> None:
        waiting = send(2)

        def die(_tasks) -> int:
            raise KeyboardInterrupt

        with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
            patch.setattr("shop.outbox.broker.send_waiting_again", die)
            self.check(app, broker)
        assert not broker.exists(EPOCH)
        self.check(app, broker)
        assert due(edge) == waiting

    def test_many_are_sent_again_in_portions(self, app, edge, send, broker, monkeypatch) -> None:
        monkeypatch.setattr(queues, "AT_ONCE", 2)
        waiting = send(5)
        self.check(app, broker)
        assert due(edge) == waiting

    def test_a_turn_of_the_relay_looks_before_it_sends(self, app, edge, send, noted, settings, broker) -> None:
        self.check(app, broker)
        waiting, message = send(3), FakeTask(TASK)
        broker.flushdb()
        with app.app_context():
            assert turns(app.extensions["celery"], {"test.noted": [message]}, settings, broker)() == 3
        assert message.sent == waiting


class TestLeases:
    def lease(self, edge, event_id: int) -> float:
        with edge():
            return (session().get_one(OutboxEvent, event_id).due_at - now()).total_seconds()

    def test_beginning_gives_a_lease_and_working_renews_it(self, app, edge, database_url, redis_url, noted) -> None:
        """As long as the worker lives nothing is sent again; without the renewing the lease would be over."""
        hasty = make_settings(database_url, redis_url, outbox_resend_seconds=0.3)
        held = []

        def work(_event, id_) -> None:
            with app.app_context():
                session().execute(text("SELECT pg_sleep(0.6)"))
            held.append(self.lease(edge, id_))

        slow = handles_by_itself(noted, name="orders.slow")(work)
        event_id = publish_one(edge, noted)
        relay(app, hasty, FakeTask(slow.name))
        app.extensions["settings"], usual = hasty, app.extensions["settings"]
        try:
            slow(event_id)
        finally:
            app.extensions["settings"] = usual
        assert held[0] > 0

    def test_whoever_has_come_again_or_is_through_renews_nothing(self, app, edge, send, noted) -> None:
        def renew(event_id: int) -> bool:
            with app.app_context(), transaction() as current:
                values = {"event_id": event_id, "task": "orders.turn", "pause": 30}
                return bool(current.connection().execute(RENEW, values).rowcount)

        done = []
        turn = handles_by_itself(noted, name="orders.turn")(
            lambda _event, id_: (done.append(renew(id_)), come_again(id_, "orders.turn", after=PAUSE))
        )
        [event_id] = send(1, to="orders.turn")
        turn(event_id)
        assert done == [True]
        assert not renew(event_id)

    def test_while_others_of_its_tasks_wait_nothing_is_due(self, app, edge, settings, noted) -> None:
        """The one that finishes takes its lease back, and a failure keeps the event near."""
        tasks = [handles(noted, name=f"orders.{name}")(lambda _event, _id: None) for name in ("one", "two")]
        event_id = publish_one(edge, noted)
        relay(app, settings, *(FakeTask(task.name) for task in tasks))
        tasks[0](event_id)
        assert self.lease(edge, event_id) > 3600
        with edge():
            session().execute(
                update(OutboxEvent).values(started=["orders.two"], due_at=now() + PAUSE, pending=["a", "orders.two"])
            )
        with edge():
            assert finish(event_id, "a")
        assert self.lease(edge, event_id) < 60


def test_a_note_is_made_once_a_second_and_queue(app, edge, send, task, monkeypatch, count_statements) -> None:
    monkeypatch.setattr(queues, "NOTED_EVERY", 3600.0)
    monkeypatch.setattr(queues, "_noted", {})
    ids = send(5)
    with count_statements() as statements:
        for event_id in ids:
            task(event_id)
    assert len([each for each in statements if "outbox_queues" in each]) == 1


def test_an_event_costs_two_statements_and_one_transaction_beside_its_work(
    app, edge, send, handler, count_statements
) -> None:
    """One that begins it and is a transaction by itself, and the last one of the transaction of its effects."""
    warm, event_id = send(2)
    handler(warm)
    with count_statements() as statements:
        handler(event_id)
    assert [each.split()[0] for each in statements if "outbox_queues" not in each] == ["WITH", "WITH"]


@pytest.mark.parametrize("waiting", [3000])
def test_looking_reads_no_handled_event(app, edge, waiting, send) -> None:
    with edge() as current:
        current.add_all(
            OutboxEvent(type="x", payload={}, handled_at=now(), sent_at=now(), pending=[]) for _ in range(waiting)
        )
    with edge() as current:
        current.connection().exec_driver_sql("ANALYZE outbox_events")
    with edge():
        values = {"tasks": [TASK], "queues": ["orders"], "before": [now()], "most": 10}
        plan = "\n".join(session().execute(text(f"EXPLAIN {queues.WAITING.text}"), values).scalars())
    assert "Seq Scan" not in plan, plan


def test_a_failed_sending_changes_nothing(app, edge, settings, noted) -> None:
    event_id = publish_one(edge, noted)
    broken = FakeTask(TASK)
    broken.broken = True
    with pytest.raises(Exception, match="away"), app.app_context():
        relay_once(app.extensions["celery"], {"test.noted": [broken]}, settings)
    row = read(edge, event_id)
    assert (row.sent_at, row.sendings, row.due_at <= now()) == (None, 0, True)
