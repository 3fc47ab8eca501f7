"""The troubles: everything killed at random, no broker, a broker that forgets, a mail server that misbehaves."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from email.message import EmailMessage
from random import Random

import redis

from tests.chaos.stage import PROCESSES, SERVERS, Stage
from tests.journeys.product import CUT, eventually

REFUSED_FOR_GOOD = "admin@shop.example"


def kill_at_random(stage: Stage, *, orders: int, kills: int, seed: int) -> None:
    """Orders are placed and fulfilled while processes and servers are killed -9, one after the other."""
    random = Random(seed)
    victims = [*PROCESSES, *SERVERS]
    chosen = [victims[number % len(victims)] for number in range(kills)]
    random.shuffle(chosen)
    with _placing(stage, orders) as done:
        for name in chosen:
            time.sleep(random.uniform(0.2, 1.5))
            stage.kill(name)
            time.sleep(random.uniform(0, 1.0))
            stage.revive(name)
        done.wait()
    stage.settle()


def take_the_broker_away(stage: Stage, *, orders: int) -> None:
    """The broker is away for the whole run, and comes back afterwards."""
    stage.kill("valkey")
    with _placing(stage, orders) as done:
        done.wait()
    stage.revive("valkey")
    stage.settle()


def wipe_the_broker(stage: Stage, *, orders: int, times: int) -> None:
    """All that the broker holds is deleted again and again."""
    with _placing(stage, orders) as done, redis.Redis.from_url(stage.product.servers.redis_url) as broker:
        for _ in range(times):
            done.wait(1.0)
            broker.flushall()
        done.wait()
        broker.flushall()
    stage.settle()


def trouble_the_mail(stage: Stage, *, orders: int) -> None:
    """451, cut after DATA, silence, refused connections; and a recipient who is refused for good."""
    random = Random(1)

    def misbehave(message: EmailMessage) -> str | None:
        if message["To"] == REFUSED_FOR_GOOD:
            return "550 no such person"
        trouble = random.choice(["", "", "451 try later", CUT, "silence"])
        if trouble == "silence":
            time.sleep(4)
            return "451 too late"
        return trouble or None

    stage.mailbox.before_accepting = misbehave
    with _placing(stage, orders) as done:
        done.wait()
    stage.mailbox.stop()  # nobody listens any more
    time.sleep(2)
    stage.mailbox.start()
    stage.mailbox.before_accepting = lambda message: "550 no such person" if message["To"] == REFUSED_FOR_GOOD else None
    stage.settle()


def stop_the_worker_gently(stage: Stage, *, orders: int) -> None:
    """SIGTERM, as every deployment sends it, while tasks are in hand."""
    with _placing(stage, orders) as done:
        for _ in range(2):
            eventually(lambda: stage.mailbox.messages)
            stage.product.stop_gently("worker")
            stage.revive("worker")
        done.wait()
    stage.settle()


@contextmanager
def _placing(stage: Stage, orders: int) -> Iterator[threading.Event]:
    """Orders are placed in the background; the event says when all are, and what went wrong is raised at the end."""
    done = threading.Event()
    failures: list[BaseException] = []

    def work() -> None:
        try:
            stage.place(orders)
        except BaseException as error:  # handed over to the thread that waits
            failures.append(error)
        finally:
            done.set()

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield done
    except BaseException:  # somebody stops the run, for one
        stage.is_over.set()
        raise
    finally:
        thread.join()
    if failures:
        raise failures[0]
