"""Deliveries: once per event, again until they are taken, and off when nobody takes them."""

import json
import threading
from datetime import timedelta

import time_machine
from sqlalchemy import select, update

from shop.auth.models import Company
from shop.companies.approval import block
from shop.database import db, now, session
from shop.mail.models import MailMessage
from shop.webhooks import delivery as delivering
from shop.webhooks.delivery import PAUSES
from shop.webhooks.models import WebhookDelivery
from shop.webhooks.queries import find_delivery, find_webhook, page_of_deliveries
from shop.webhooks.redelivery import redeliver
from tests.factories.auth import bearer, make_user
from tests.factories.webhooks import make_webhook
from tests.webhooks.conftest import WEBHOOKS, Case, attempt, change_settings


def test_comes_again_for_24_hours_with_the_same_id_and_ever_longer_pauses(app, case, allowed, edge) -> None:
    allowed.answers = [500]
    case.post("test")
    begun = now()
    with time_machine.travel(begun, tick=False) as clock:
        for pause in PAUSES:
            assert attempt(app, edge) == 1
            assert attempt(app, edge) == 0
            [delivery] = case.log()
            assert delivery["state"] == "queued"
            clock.shift(pause * 1.1 + timedelta(seconds=1))
        assert attempt(app, edge) == 1
        clock.shift(timedelta(days=1))
        assert attempt(app, edge) == 0
    [delivery] = case.log()
    assert (delivery["state"], delivery["next_attempt_at"]) == ("failed", None)
    assert [each["error"] for each in delivery["attempts"]] == ["refused"] * (len(PAUSES) + 1)
    assert {headers["webhook-id"] for headers in allowed.headers} == {delivery["message_id"]}
    assert len({headers["webhook-timestamp"] for headers in allowed.headers}) == len(PAUSES) + 1
    assert len(set(allowed.bodies)) == 1
    assert timedelta(hours=23) < sum(PAUSES, timedelta()) < timedelta(hours=25)


def test_the_next_attempt_in_hours_is_no_lag_of_the_outbox(app, case, allowed, edge, client) -> None:
    allowed.answers = [500]
    case.post("test")
    with time_machine.travel(now() - timedelta(seconds=1)) as clock:
        for pause in (timedelta(seconds=2), *PAUSES[:6]):
            clock.shift(pause * 1.1)
            attempt(app, edge)
        sleeping = case.log()[0]["next_attempt_at"]
    figures = dict(line.rsplit(" ", 1) for line in client.get("/metrics").text.splitlines() if line[0] != "#")
    assert sleeping is not None
    assert float(figures["shop_outbox_open"]) == 1
    assert float(figures["shop_outbox_oldest_seconds"]) == 0


def test_what_is_taken_at_last_ends_the_trouble(case, allowed, drain) -> None:
    allowed.answers = [503, 200]
    case.post("test")
    drain()
    [delivery] = case.log()
    assert [each["status"] for each in delivery["attempts"]] == [503, 200]
    assert delivery["state"] == "delivered"
    assert case.shown()["failing_since"] is None


def test_410_switches_off_at_once_and_the_owner_gets_a_mail(case, allowed, drain, edge) -> None:
    allowed.answers = [410]
    case.post("test")
    case.post("test")
    drain()
    assert len(allowed.bodies) == 1
    assert [each["state"] for each in case.log()] == ["failed", "failed"]
    shown = case.shown()
    assert (shown["active"], shown["off_reason"]) == (False, "gone")
    with edge():
        [mail] = session().scalars(select(MailMessage).where(MailMessage.kind == "webhook_switched_off"))
    assert mail.recipient == case.owner.email
    assert mail.context["host"] == "127.0.0.1"
    assert "hook" not in json.dumps(mail.context).replace("webhook", "")


def test_failing_for_days_switches_off_and_the_owner_switches_on_again(app, case, allowed, edge, client) -> None:
    allowed.answers = [500]
    begun = now()
    for days, off_reason in ((0, None), (3, None), (4.5, "failing")):  # the last is given up after five days
        with time_machine.travel(begun + timedelta(days=days), tick=False):
            case.post("test")
        for hour in range(40):
            with time_machine.travel(begun + timedelta(days=days, hours=hour), tick=False):
                attempt(app, edge)
        assert case.shown()["off_reason"] == off_reason
    assert case.shown()["off_at"] == case.log()[0]["finished_at"]
    with time_machine.travel(begun + timedelta(days=6), tick=False):
        on = client.patch(case.path, json={"active": True}, headers=bearer(case.owner)).json
    assert (on["active"], on["failing_since"]) == (True, None)
    allowed.answers = [204]
    delivery = case.log()[0]
    assert delivery["state"] == "failed"
    again = case.post(f"deliveries/{delivery['id']}/redeliver")
    assert (again.status_code, again.json["state"]) == (202, "queued")
    attempt(app, edge)
    assert case.log()[0]["state"] == "delivered"


def test_a_redelivery_has_the_same_id_and_what_waits_does_not_wait_longer(app, case, allowed, edge) -> None:
    allowed.answers = [500, 204]
    case.post("test")
    attempt(app, edge)
    assert attempt(app, edge) == 0
    for _ in range(2):
        case.post(f"deliveries/{case.log()[0]['id']}/redeliver")
    assert attempt(app, edge) == 2  # the second finds nothing to do
    assert len(allowed.bodies) == 2
    case.post(f"deliveries/{case.log()[0]['id']}/redeliver")
    attempt(app, edge)
    with time_machine.travel(now() + timedelta(days=1)):
        attempt(app, edge)
    assert len(allowed.bodies) == 3
    assert len({headers["webhook-id"] for headers in allowed.headers}) == 1
    assert len(case.log()[0]["attempts"]) == 3


def test_a_manager_sees_and_redelivers_what_failed(app, case, allowed, drain, edge) -> None:
    manager = make_user("manager")
    case.post("test")
    drain()
    with edge() as current:
        [delivery] = page_of_deliveries(state="delivered", limit=10)
        webhook = find_webhook(delivery.webhook_id, by=current.merge(manager), lock=True)
        redeliver(find_delivery(delivery.id, webhook), webhook, by=current.merge(manager))
    drain()
    assert len(allowed.bodies) == 2


def test_a_delivery_of_another_webhook_is_unknown(case, allowed, client) -> None:
    foreign = Case(client, allowed.url)
    for other in (foreign.path, f"{WEBHOOKS}/{make_webhook(case.owner).id}"):
        owner = foreign.owner if other == foreign.path else case.owner
        made = client.post(f"{other}/test", headers=bearer(owner)).json
        refused = case.post(f"deliveries/{made['id']}/redeliver")
        assert (refused.status_code, refused.json["code"]) == (404, "DeliveryNotFound")
    assert case.log() == []


def test_a_blocked_company_gets_nothing(case, allowed, drain, edge, app) -> None:
    case.post("test")
    with edge() as current:
        block(current.get_one(Company, case.owner.company_id), by=None)
    drain()
    assert allowed.bodies == []
    with edge():
        assert session().scalars(select(WebhookDelivery.state)).all() == ["failed"]


def test_a_deleted_webhook_leaves_nothing_to_send(case, allowed, client, drain, edge) -> None:
    case.post("test")
    assert client.delete(case.path, headers=bearer(case.owner)).status_code == 204
    drain()
    assert allowed.bodies == []
    with edge():
        assert session().scalars(select(WebhookDelivery)).all() == []


def test_two_workers_with_the_same_message_send_it_once(app, case, allowed, edge, monkeypatch) -> None:
    begun, released = threading.Event(), threading.Event()

    def hold(handler) -> None:
        begun.set()
        released.wait(60)
        handler.send_response(204)
        handler.end_headers()

    change_settings(app, monkeypatch, webhook_timeout_seconds=120.0)
    allowed.answers = [hold]
    case.post("test")
    first = threading.Thread(target=attempt, args=(app, edge))
    first.start()
    assert begun.wait(60)
    with app.app_context():
        assert db.engine.pool.checkedout() == 0  # nobody holds a connection while the receiver thinks
    attempt(app, edge)
    released.set()
    first.join(120)
    assert len(allowed.bodies) == 1
    assert case.log()[0]["state"] == "delivered"
    with time_machine.travel(now() + timedelta(minutes=5)):
        attempt(app, edge)
    assert len(allowed.bodies) == 1


def test_what_a_dead_worker_began_is_sent_when_its_lease_has_run_out(app, case, allowed, edge) -> None:
    case.post("test")
    with edge():
        session().execute(update(WebhookDelivery).values(leased_until=now() + timedelta(seconds=30)))
    attempt(app, edge)
    assert allowed.bodies == []
    with time_machine.travel(now() + timedelta(seconds=31)):
        attempt(app, edge)
    assert len(allowed.bodies) == 1
    assert case.log()[0]["state"] == "delivered"


def test_one_slow_receiver_does_not_take_all_workers(app, case, allowed, edge) -> None:
    for _ in range(delivering.MOST_AT_ONCE + 2):
        case.post("test")
    with edge():
        busy = select(WebhookDelivery.id).order_by(WebhookDelivery.id).limit(delivering.MOST_AT_ONCE)
        lease = {"leased_until": now() + timedelta(seconds=30)}
        session().execute(update(WebhookDelivery).where(WebhookDelivery.id.in_(busy)).values(lease))
    attempt(app, edge)
    assert allowed.bodies == []
    with time_machine.travel(now() + timedelta(seconds=60)):
        while attempt(app, edge):
            pass
    assert len(allowed.bodies) == delivering.MOST_AT_ONCE + 2
    assert {each["state"] for each in case.log()} == {"delivered"}
    assert {len(each["attempts"]) for each in case.log()} == {1}  # waiting was no attempt


def test_an_attempt_costs_the_same_statements_whatever_the_company_has(
    app, client, allowed, edge, count_statements
) -> None:
    counts = []
    for others in (0, 5):
        case = Case(client, f"{allowed.url}/{others}")
        for _ in range(others):
            make_webhook(case.owner)
            case.post("test")
        attempt(app, edge)
        case.post("test")
        with count_statements() as statements:
            attempt(app, edge)
        counts.append(len(statements))
    assert counts[0] == counts[1]
