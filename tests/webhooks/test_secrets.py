"""Secrets sign, are rotated without a gap, and nothing leaves without them."""

import json
from datetime import timedelta

import pytest
import time_machine
from sqlalchemy import select
from standardwebhooks import WebhookVerificationError

from shop.database import now, session
from shop.outbox.models import OutboxEvent
from shop.webhooks.models import Webhook
from tests.webhooks.conftest import attempt, change_settings


def test_after_a_rotation_both_secrets_verify_for_a_day(case, allowed, drain) -> None:
    secrets = [case.secret]
    for _ in range(2):  # the first answer was lost, so the client asks again
        rotated = case.post("rotate-secret").json
        secrets.append(rotated["secret"])
    assert len(set(secrets)) == 3
    case.post("test")
    drain()
    assert [allowed.verified(secret)["type"] for secret in secrets] == ["webhook.test"] * 3
    with time_machine.travel(now() + timedelta(hours=24, minutes=1)):
        case.post("test")
        drain()
        assert allowed.verified(secrets[-1])["type"] == "webhook.test"
        for old in secrets[:-1]:
            with pytest.raises(WebhookVerificationError):
                allowed.verified(old)


def test_many_rotations_keep_a_few_secrets(case, allowed, drain) -> None:
    for _ in range(12):
        newest = case.post("rotate-secret").json["secret"]
    case.post("test")
    drain()
    assert len(allowed.headers[0]["webhook-signature"].split()) == 5
    assert allowed.verified(newest)


def test_nothing_leaves_unsigned_after_the_key_of_secrets_changed(app, case, allowed, edge, monkeypatch) -> None:
    change_settings(app, monkeypatch, secret_key=type(app.extensions["settings"].secret_key)("another key" * 4))
    case.post("test")
    attempt(app, edge)
    assert allowed.bodies == []
    assert case.log()[0]["attempts"][0]["error"] == "secret_lost"
    case.post("rotate-secret")
    case.post(f"deliveries/{case.log()[0]['id']}/redeliver")
    attempt(app, edge)
    assert case.log()[0]["state"] == "delivered"


def test_webhooks_hold_no_secret_in_their_events(case, edge, drain, allowed) -> None:
    case.post("rotate-secret")
    case.post("test")
    drain()
    with edge():
        payloads = json.dumps([row.payload for row in session().scalars(select(OutboxEvent))])
    assert "whsec" not in payloads
    assert "http" not in payloads
    with edge():
        assert session().scalars(select(Webhook.failing_since)).all() == [None]
