"""Webhooks with real processes: another system hears of an order, whatever happens to the worker."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler

import pytest

from shop.auth.models import User
from tests.factories.auth import make_user, token_of
from tests.factories.catalog import make_offer
from tests.factories.orders import make_order
from tests.factories.webhooks import make_webhook
from tests.http.servers import serving
from tests.journeys.product import Product, eventually
from tests.webhooks.conftest import Receiver, make_handler


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    made = Receiver()
    with serving(make_handler(made)) as made.host:
        yield made


@pytest.fixture
def buyer(product: Product, receiver: Receiver) -> User:
    product.environment |= {"WEBHOOK_ALLOWED_HOSTS": receiver.host, "WEBHOOK_TIMEOUT_SECONDS": "2"}
    buyer = make_user()
    make_webhook(buyer, url=receiver.url, event_types=["order.placed", "supplier_order.confirmed"])
    return buyer


def test_from_order_to_confirmation_the_receiver_hears_both(product: Product, receiver: Receiver, buyer: User) -> None:
    product.start("worker")
    product.start("webhooks")
    [webhook] = product.expect(200, "GET", "/api/v1/webhooks", token=token_of(buyer))["items"]
    path = f"/api/v1/webhooks/{webhook['id']}"
    secret = product.expect(200, "POST", f"{path}/rotate-secret", token=token_of(buyer))["secret"]
    order = make_order({make_offer().id: 1}, buyer=buyer)
    eventually(lambda: receiver.bodies)
    manager = token_of(make_user("manager"))
    product.expect(200, "POST", f"/api/v1/orders/{order.id}/fulfill", token=manager, body={})
    eventually(lambda: len(receiver.bodies) == 2)
    heard = [receiver.verified(secret, number) for number in range(2)]
    assert [each["type"] for each in heard] == ["order.placed", "supplier_order.confirmed"]
    assert heard[0]["data"]["number"] == heard[1]["data"]["order_number"] == order.number
    log = product.expect(200, "GET", f"{path}/deliveries", token=token_of(buyer))["items"]
    assert len(log) == 2


def test_a_worker_killed_while_the_receiver_thinks_sends_again_under_the_same_id(
    product: Product, receiver: Receiver, buyer: User
) -> None:
    begun, released = threading.Event(), threading.Event()

    def hold(_handler: BaseHTTPRequestHandler) -> None:
        begun.set()
        released.wait(60)

    receiver.answers = [hold, 204]
    product.start("worker")
    product.start("webhooks")
    make_order({make_offer().id: 1}, buyer=buyer)
    assert begun.wait(30)
    product.kill("webhooks")
    product.start("webhooks")
    eventually(lambda: len(receiver.bodies) == 2)
    released.set()
    assert len({headers["webhook-id"] for headers in receiver.headers}) == 1
    assert receiver.bodies[0] == receiver.bodies[1]
    [webhook] = product.expect(200, "GET", "/api/v1/webhooks", token=token_of(buyer))["items"]
    deliveries = f"/api/v1/webhooks/{webhook['id']}/deliveries?state=delivered"
    eventually(lambda: product.expect(200, "GET", deliveries, token=token_of(buyer))["items"])
