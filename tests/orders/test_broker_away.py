"""The web never talks to the broker: whatever becomes of that, orders are taken and moved as ever."""

import socket
import threading
from collections.abc import Iterator

import pytest
from flask import Flask
from kombu.exceptions import OperationalError
from sqlalchemy import select

from shop.database import session, transaction
from shop.outbox.models import OutboxEvent
from tests.factories.auth import bearer, make_contact, make_user
from tests.factories.catalog import make_offer


@pytest.fixture
def broker() -> Iterator[tuple[int, list[object]]]:
    """Hangs up on whoever calls; its port, and who has called."""
    callers: list[object] = []
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def listen() -> None:
            while True:
                try:
                    connection, caller = listening.accept()
                except OSError:
                    return
                connection.close()
                callers.append(caller)

        thread = threading.Thread(target=listen)
        thread.start()
        yield listening.getsockname()[1], callers
        listening.shutdown(socket.SHUT_RDWR)
        thread.join()


def test_placing_and_moving_an_order_calls_no_broker(app: Flask, make_app, broker) -> None:
    port, callers = broker
    web = make_app(broker_url=f"redis://127.0.0.1:{port}/0")
    buyer, manager, offer = make_user(), make_user("manager"), make_offer()
    body = {"contact_id": make_contact(buyer).id, "lines": [{"offer_id": offer.id, "quantity": 1}]}
    placed = web.test_client().post("/api/v1/orders", json=body, headers=bearer(buyer))
    assert placed.status_code == 201
    for act in ("fulfill", "cancel"):
        path = f"/api/v1/orders/{placed.json['id']}/{act}"
        assert web.test_client().post(path, json={}, headers=bearer(manager)).status_code == 200
    with app.app_context(), transaction():
        assert len(session().scalars(select(OutboxEvent).filter_by(pending=None)).all()) >= 3
    assert callers == []
    with pytest.raises(OperationalError):
        web.extensions["celery"].connection_for_write().ensure_connection(max_retries=1)
    assert callers  # so this is the broker that it would have called
