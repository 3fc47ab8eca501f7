"""Decisions about price lists: people who decide at the same moment, workers that are killed on the way."""

import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import permutations
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from shop.auth.models import SUPPLIER, Company, User
from shop.price_lists.imports.decisions import NothingToDecide, RowsUnknown, apply_list, discard_list, withdraw_rows
from shop.price_lists.imports.rollback import roll_back
from shop.price_lists.models import APPLIED, DISCARDED, FAILED, HELD, QUEUED, PriceList
from tests.factories.auth import make_company, make_user
from tests.outbox_drain import Drain
from tests.price_lists.lists import good, list_of, offers, read, receive, revisions, run_import

KILLED = -9

# A worker of its own, killed by the system when its work is done and nothing of it is committed.
WORKER = """
import os, signal, sys
from shop import create_app
from shop.price_lists.imports import pipeline
from tests.conftest import make_settings

database_url, redis_url, story, price_list_id = sys.argv[1:]
app = create_app(make_settings(database_url, redis_url))
pipeline.finish = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
with app.app_context():
    getattr(pipeline, story)(int(price_list_id), app.extensions["settings"], event_id=1)
"""

Decide = Callable[..., Callable[[], str]]


@pytest.fixture
def supplier(app: Flask) -> Company:
    supplier = make_company(SUPPLIER, name="Связной")
    run_import(app, supplier, list_of(*(good(number) for number in range(1, 11))))
    return supplier


@pytest.fixture
def user(supplier: Company) -> User:
    return make_user(SUPPLIER, company=supplier)


@pytest.fixture
def held(app: Flask, supplier: Company) -> PriceList:
    """It leaves out most, and the first price is another one."""
    held = run_import(app, supplier, list_of(good(1, price=10), good(2, price=110), good(3)))
    assert held.state == HELD
    return held


@pytest.fixture
def applied(app: Flask, supplier: Company) -> PriceList:
    """One row is quarantined, one price has changed."""
    goods = [good(1, price=10), good(2, price=110), *(good(number) for number in range(3, 11))]
    applied = run_import(app, supplier, list_of(*goods))
    assert (applied.state, applied.offers_quarantined, applied.offers_changed) == (APPLIED, 1, 1)
    return applied


@pytest.fixture
def decide(edge: Callable[[], Any], user: User) -> Decide:
    def act(story: Callable[..., PriceList], price_list: PriceList, **options: Any) -> Callable[[], str]:
        def run() -> str:
            with edge() as current:
                return story(current.get_one(PriceList, price_list.id), by=current.merge(user), **options).state

        return run

    return act


@pytest.fixture
def killed(settings: Any) -> Callable[[str, PriceList], None]:
    def run(story: str, price_list: PriceList) -> None:
        given = [settings.database_url, settings.redis_url, story, str(price_list.id)]
        done = subprocess.run([sys.executable, "-c", WORKER, *given], capture_output=True, timeout=60, check=False)
        assert done.returncode == KILLED, done.stderr.decode()

    return run


def second_waits(
    edge: Callable[[], Any], user: User, first: Any, price_list: PriceList, second: Any, **options: Any
) -> Any:
    """What the second decision comes to that is made while the first one is not committed yet."""
    with ThreadPoolExecutor(1) as pool:
        with edge() as current:
            first(current.get_one(PriceList, price_list.id), by=current.merge(user), **options)
            waiting = pool.submit(second)
            with pytest.raises(TimeoutError):
                waiting.result(0.3)
        return waiting.exception(5) or waiting.result()


def prices(app: Flask, supplier: Company) -> list[tuple[str, str, bool, bool]]:
    found = offers(app, supplier)
    return [(name, f"{each.price:.0f}", each.is_listed, each.is_quarantined) for name, each in found.items()][:4]


OLD = [("1", "100", True, False), ("2", "100", True, False), ("3", "100", True, False), ("4", "100", True, False)]
NEW = [("1", "10", True, False), ("2", "110", True, False), ("3", "100", True, False), ("4", "100", False, False)]
QUARANTINED = [("1", "100", True, True), ("2", "110", True, False), *OLD[2:]]


def test_who_discards_a_list_that_was_just_approved_discards_it(
    app: Flask, edge: Any, drain: Drain, supplier: Company, user: User, held: PriceList, decide: Decide
) -> None:
    discard = decide(discard_list, held, rows=None)

    assert second_waits(edge, user, apply_list, held, discard, rows=None) == DISCARDED

    drain()
    assert (read(app, held).state, prices(app, supplier)) == (DISCARDED, OLD)


def test_who_approves_a_list_that_was_just_discarded_is_told(
    app: Flask, edge: Any, drain: Drain, supplier: Company, user: User, held: PriceList, decide: Decide
) -> None:
    apply = decide(apply_list, held, rows=None)

    assert isinstance(second_waits(edge, user, discard_list, held, apply, rows=None), NothingToDecide)

    drain()
    assert (read(app, held).state, prices(app, supplier)) == (DISCARDED, OLD)


@pytest.mark.parametrize(
    ("first", "second"), [*permutations([apply_list, discard_list, withdraw_rows], 2)], ids=lambda story: story.__name__
)
def test_a_row_is_decided_by_who_comes_first(
    app: Flask, edge: Any, drain: Drain, supplier: Company, user: User, applied: PriceList, decide: Decide,
    first: Any, second: Any,
) -> None:  # fmt: skip
    assert isinstance(
        second_waits(edge, user, first, applied, decide(second, applied, rows=[1]), rows=[1]), RowsUnknown
    )

    drain()
    price = "10" if first is apply_list else "100"
    assert prices(app, supplier)[0] == ("1", price, first is not withdraw_rows, False)
    assert read(app, applied).offers_quarantined == 0


def test_rows_approved_and_then_the_list_discarded_change_nothing(
    app: Flask, edge: Any, drain: Drain, supplier: Company, user: User, held: PriceList, decide: Decide
) -> None:
    assert second_waits(edge, user, apply_list, held, decide(discard_list, held, rows=None), rows=[2]) == DISCARDED

    drain()
    assert (read(app, held).state, prices(app, supplier)) == (DISCARDED, OLD)


def test_two_people_who_roll_back_at_once_take_back_one_list(
    app: Flask, edge: Any, drain: Drain, supplier: Company, applied: PriceList, decide: Decide
) -> None:
    with ThreadPoolExecutor(2) as pool:
        states = [each.result() for each in [pool.submit(decide(roll_back, applied)) for _ in range(2)]]
    assert states == [QUEUED, QUEUED]

    drain()

    with edge() as current:
        rollbacks = select(PriceList.state).filter_by(source="rollback").order_by(PriceList.id)
        assert current.scalars(rollbacks).all() == [APPLIED, FAILED]
    assert prices(app, supplier) == OLD
    assert [price for _, price, _ in revisions(app, offers(app, supplier)["2"])] == ["100.00", "110.00", "100.00"]


def test_a_worker_killed_while_it_applies_an_approved_list_is_replaced(
    app: Flask, drain: Drain, supplier: Company, held: PriceList, decide: Decide, killed: Any
) -> None:
    assert decide(apply_list, held, rows=None, with_quarantined=True)() == QUEUED

    killed("apply_decisions", held)

    assert prices(app, supplier) == OLD
    drain()
    assert (read(app, held).state, prices(app, supplier)) == (APPLIED, NEW)
    assert revisions(app, offers(app, supplier)["1"]) == [(1, "100.00", True), (2, "10.00", True)]


def test_a_worker_killed_while_it_imports_is_replaced(app: Flask, drain: Drain, supplier: Company, killed: Any) -> None:
    price_list = receive(supplier, list_of(good(1, price=110), *(good(number) for number in range(2, 11))))

    killed("import_price_list", price_list)

    assert prices(app, supplier) == OLD
    drain()
    assert read(app, price_list).state == APPLIED
    assert revisions(app, offers(app, supplier)["1"]) == [(1, "100.00", True), (2, "110.00", True)]


@pytest.mark.parametrize("is_held", [True, False])
def test_a_worker_killed_while_it_applies_single_rows_is_replaced(
    app: Flask, drain: Drain, supplier: Company, decide: Decide, killed: Any, request: Any, is_held: bool
) -> None:
    price_list = request.getfixturevalue("held" if is_held else "applied")
    before = prices(app, supplier)
    decide(apply_list, price_list, rows=[1])()

    killed("apply_decisions", price_list)

    assert prices(app, supplier) == before
    drain()
    assert prices(app, supplier) == [("1", "10", True, False), *before[1:]]
    assert revisions(app, offers(app, supplier)["1"]) == [(1, "100.00", True), (2, "10.00", True)]


def test_a_worker_killed_while_it_rolls_back_is_replaced(
    app: Flask, edge: Any, drain: Drain, supplier: Company, applied: PriceList, decide: Decide, killed: Any
) -> None:
    decide(roll_back, applied)()
    with edge() as current:
        rollback = current.scalars(select(PriceList).filter_by(source="rollback")).one()

    killed("import_price_list", rollback)

    assert prices(app, supplier) == QUARANTINED
    drain()
    assert (read(app, rollback).state, prices(app, supplier)) == (APPLIED, OLD)
    assert len(revisions(app, offers(app, supplier)["2"])) == 3


def test_a_decision_that_is_not_committed_was_not_made(
    app: Flask, edge: Any, supplier: Company, user: User, applied: PriceList, decide: Decide
) -> None:
    with pytest.raises(KeyboardInterrupt), edge() as current:
        discard_list(current.get_one(PriceList, applied.id), rows=[1], by=current.merge(user))
        raise KeyboardInterrupt

    assert prices(app, supplier) == QUARANTINED
    decide(discard_list, applied, rows=[1])()
    assert prices(app, supplier)[0] == OLD[0]
