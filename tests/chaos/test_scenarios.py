"""After any trouble nothing is lost and nothing is doubled. `make chaos` plays the same for longer."""

from collections.abc import Iterator

import pytest

from dev.binaries import EmbeddedError, find_binaries
from tests.chaos import scenarios
from tests.chaos.stage import PROCESSES, Stage, set_stage


@pytest.fixture(scope="module")
def stage() -> Iterator[Stage]:
    try:
        find_binaries(None)
    except EmbeddedError as error:
        pytest.skip(f"Servers of its own are needed, to be killed: {error}")
    with set_stage(*PROCESSES) as stage:
        yield stage


def test_everything_killed_at_random(stage: Stage) -> None:
    scenarios.kill_at_random(stage, orders=24, kills=6, seed=20)
    assert stage.faults() == {}
    assert stage.parked() == set()


def test_no_broker_while_orders_are_placed(stage: Stage) -> None:
    scenarios.take_the_broker_away(stage, orders=15)
    assert stage.faults() == {}
    assert stage.parked() == set()


def test_a_broker_that_forgets_everything(stage: Stage) -> None:
    scenarios.wipe_the_broker(stage, orders=15, times=3)
    assert stage.faults() == {}
    assert stage.parked() == set()


def test_a_worker_asked_to_stop_in_the_middle(stage: Stage) -> None:
    before = stage.deliveries()
    scenarios.stop_the_worker_gently(stage, orders=10)
    assert stage.faults() == {}
    assert set((stage.deliveries() - before).values()) == {1}


def test_a_mail_server_in_trouble(stage: Stage) -> None:
    scenarios.trouble_the_mail(stage, orders=4)
    assert stage.faults() == {}
    assert {recipient for recipient, _reason in stage.parked()} == {scenarios.REFUSED_FOR_GOOD}
    assert all("550" in reason for _recipient, reason in stage.parked())
