"""A worker that is slow, or away, or has lost its messages: nothing is lost, and nothing is sent again that waits."""

import time
from collections.abc import Callable

import pytest
import redis
from flask import Flask
from sqlalchemy import func, select

from shop.auth.events import PasswordResetRequested
from shop.config import Settings
from shop.database import session, transaction
from shop.mail.models import QUEUED, MailMessage
from shop.mail.queue import queue_mail
from shop.outbox.events import publish
from shop.outbox.models import OutboxEvent
from tests.factories.auth import make_user
from tests.factories.catalog import make_offer
from tests.factories.orders import make_order
from tests.journeys.product import Mailbox, Product, eventually

SLOW = 0.1  # seconds the mail server takes for a message


@pytest.fixture
def queue(app: Flask, edge) -> Callable[[int], None]:
    """Mails about an order, each with an event of its own."""
    order = make_order({make_offer().id: 1})

    def queue_mails(count: int) -> None:
        for number in range(count):
            with edge():
                to = f"to{number}@test.example"
                queue_mail("order_placed", to=to, locale="ru", event_id=number, domain="test", order_id=order.id)

    with edge():
        for event in session().scalars(select(OutboxEvent)):
            session().delete(event)  # of the order itself
    return queue_mails


@pytest.fixture
def is_through(app: Flask) -> Callable[[], bool]:
    def look() -> bool:
        with app.app_context(), transaction():
            return not session().scalar(select(func.count()).where(MailMessage.state == QUEUED))

    return look


def sendings(edge) -> int:
    with edge():
        return int(session().scalar(select(func.sum(OutboxEvent.sendings))) or 0)


def test_a_slow_worker_gets_each_event_once(product: Product, mailbox: Mailbox, edge, queue, is_through) -> None:
    """It needs many times as long as OUTBOX_RESEND_SECONDS for what waits."""
    count = 150
    mailbox.before_accepting = lambda _message: time.sleep(SLOW)
    queue(count)
    product.start("worker")
    eventually(is_through)
    assert len(mailbox.messages) == count
    assert count <= sendings(edge) <= 1.1 * count


def test_a_broker_that_was_wiped_gets_everything_again(
    product: Product, mailbox: Mailbox, settings: Settings, edge, queue, is_through
) -> None:
    queue(20)
    with redis.Redis.from_url(settings.redis_url) as broker:
        eventually(lambda: broker.llen("mail") == 20)
        broker.flushdb()
        eventually(lambda: broker.llen("mail") >= 20)
    product.start("worker")
    eventually(is_through)
    assert len(mailbox.messages) == 20


def test_messages_that_got_lost_one_by_one_come_again(
    product: Product, mailbox: Mailbox, settings: Settings, edge, queue, is_through
) -> None:
    """As a worker loses them that dies before it begins them: the broker still has its key."""
    queue(20)
    with redis.Redis.from_url(settings.redis_url) as broker:
        eventually(lambda: broker.llen("mail") == 20)
        for _ in range(7):
            broker.rpop("mail")
    product.start("worker")
    eventually(is_through)
    assert len({message["Message-ID"] for message in mailbox.messages}) == 20


def test_a_killed_worker_leaves_everything_to_the_next(product: Product, mailbox: Mailbox, queue, is_through) -> None:
    mailbox.before_accepting = lambda _message: time.sleep(SLOW)
    queue(40)
    product.start("worker")
    eventually(lambda: len(mailbox.messages) > 5)
    product.kill("worker")
    product.start("worker")
    eventually(is_through)
    assert len({message["Message-ID"] for message in mailbox.messages}) == 40
    assert len(mailbox.messages) <= 42  # the kill may repeat what the two children had in hand


def test_the_mail_of_an_account_does_not_wait_behind_those_about_orders(
    product: Product, mailbox: Mailbox, edge, queue
) -> None:
    user = make_user()
    mailbox.before_accepting = lambda _message: time.sleep(SLOW)
    queue(100)
    product.start("worker")
    eventually(lambda: mailbox.messages)
    with edge():
        publish(PasswordResetRequested(user_id=user.id))
    eventually(lambda: user.email in {message["To"] for message in mailbox.messages})
    assert len(mailbox.messages) < 90
