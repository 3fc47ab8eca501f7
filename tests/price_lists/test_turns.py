"""Large lists are imported one at a time; small ones of other suppliers pass meanwhile."""

import gzip

import pytest
from flask import Flask

from shop.auth.models import SUPPLIER
from shop.database import now, session
from shop.outbox.models import OutboxEvent
from shop.price_lists.imports import pipeline
from shop.price_lists.imports.turns import LARGE, OthersTurn, own_turn
from shop.price_lists.models import APPLIED, QUEUED
from shop.price_lists.tasks import import_price_list
from tests.factories.auth import make_company
from tests.price_lists.lists import good, list_of, read, receive
from tests.price_lists.test_importing import event_of, send_event


@pytest.fixture
def limited(app: Flask, settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """Lists from 1 KiB on are large."""
    monkeypatch.setitem(app.extensions, "settings", settings.model_copy(update={"large_price_list_mib": 1 / 1024}))


def large() -> bytes:
    return list_of(*(good(number) for number in range(1, 30)))


def test_a_large_list_waits_for_another_large_one_and_that_was_no_attempt(app: Flask, limited) -> None:
    price_list = receive(make_company(SUPPLIER), large())
    event_id = send_event(app)
    with app.app_context(), pipeline.claimed(LARGE, 0):
        import_price_list(event_id)
    waiting, event = read(app, price_list), event_of(app, event_id)
    assert (waiting.state, waiting.attempts, waiting.started_at) == (QUEUED, 0, None)
    assert (event.handled_at, event.started) == (None, [])
    assert event.due_at < now() + pipeline.COME_AGAIN
    with app.app_context(), session() as current:
        current.get_one(OutboxEvent, event_id).started = []
        current.commit()
    import_price_list(event_id)
    assert read(app, price_list).state == APPLIED


def test_a_small_list_passes(app: Flask, limited) -> None:
    price_list = receive(make_company(SUPPLIER), list_of(good(1)))
    event_id = send_event(app)
    with app.app_context(), pipeline.claimed(LARGE, 0):
        import_price_list(event_id)
    assert read(app, price_list).state == APPLIED


def test_what_is_packed_counts_by_what_it_may_hold(app: Flask, limited) -> None:
    raw = gzip.compress(large())
    assert len(raw) < 1024
    price_list = receive(make_company(SUPPLIER), raw)
    with app.app_context(), pipeline.claimed(LARGE, 0), pytest.raises(OthersTurn):  # noqa: SIM117 - one after the other
        with own_turn(price_list.id, app.extensions["settings"]):
            pass


def test_a_worker_that_dies_gives_its_turn_back(app: Flask, limited) -> None:
    price_list = receive(make_company(SUPPLIER), large())
    with app.app_context():
        settings = app.extensions["settings"]
        with pytest.raises(KeyboardInterrupt), own_turn(price_list.id, settings):
            raise KeyboardInterrupt
        with own_turn(price_list.id, settings):
            pass
