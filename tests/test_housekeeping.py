"""What beat purges, what it must leave alone, and that two beats at once do no harm."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

import pytest
from flask import Flask
from sqlalchemy import func, select

from shop import database, housekeeping
from shop.auth.models import SUPPLIER, AccessToken, Company
from shop.celery import BEAT_SCHEDULE
from shop.database import now, session
from shop.http.idempotency import IdempotencyKey
from shop.mail.models import MailMessage
from shop.outbox.models import OutboxEvent
from shop.price_lists.models import ImportTerms, PriceList
from shop.webhooks.models import WebhookDelivery
from tests.factories.auth import make_company, make_user
from tests.factories.webhooks import make_delivery, make_webhook


@pytest.fixture
def purge(app: Flask):
    return app.extensions["celery"].tasks["housekeeping.purge"]


def ago(days: int):
    return now() - timedelta(days=days)


def make_mail(key: str, state: str, days: int) -> MailMessage:
    return MailMessage(
        dedupe_key=key,
        message_id=f"<{key}@test>",
        kind="invoice",
        locale="ru",
        recipient="anna@test.example",
        context={},
        state=state,
        created_at=ago(days),
    )


def make_list(supplier: Company, name: str, state: str, days: int) -> PriceList:
    return PriceList(
        supplier_id=supplier.id,
        file_name=name,
        mode="full",
        source="upload",
        raw=b"goods",
        state=state,
        created_at=ago(days),
        finished_at=None if state == "held" else ago(days),
    )


def test_purges_what_has_expired_and_nothing_else(edge, purge) -> None:
    user = make_user()
    long_ago, lately = ago(30), now() - timedelta(hours=1)
    with edge() as current:
        for name, moment in (("old", long_ago), ("new", lately)):
            current.add(IdempotencyKey(user_id=user.id, key=name, fingerprint=b"", created_at=moment))
            current.add(OutboxEvent(type=f"{name} handled", payload={}, handled_at=moment))
            current.add(OutboxEvent(type=f"{name} open", payload={}, due_at=moment))
            expires = moment + timedelta(hours=2)
            current.add(
                AccessToken(user_id=user.id, kind="session", prefix=name, hash=name.encode(), expires_at=expires)
            )
    purge()
    purge()
    with edge():
        assert session().scalars(select(IdempotencyKey.key)).all() == ["new"]
        assert session().scalars(select(AccessToken.prefix)).all() == ["new"]
        assert set(session().scalars(select(OutboxEvent.type))) == {"new handled", "new open", "old open"}


def test_the_log_of_webhooks_keeps_what_waits_for_ever(edge, purge) -> None:
    webhook = make_webhook(make_user())
    for state, days in (("delivered", 31), ("failed", 31), ("queued", 31), ("delivered", 29)):
        make_delivery(webhook, attempts=1, state=state, created_at=ago(days), message_id=f"{state} {days}")
    purge()
    with edge():
        assert set(session().scalars(select(WebhookDelivery.message_id))) == {"queued 31", "delivered 29"}


def test_the_log_of_mails_keeps_parked_ones_longer_and_waiting_ones_for_ever(edge, purge) -> None:
    with edge() as current:
        for state in ("sent", "parked", "queued"):
            for days in (364, 366, 731):
                current.add(make_mail(f"{state}-{days}", state, days))
    purge()
    with edge():
        left = set(session().scalars(select(MailMessage.dedupe_key)))
    assert left == {"sent-364", "parked-364", "parked-366", "queued-364", "queued-366", "queued-731"}


def test_of_old_price_lists_only_what_was_read_stays_and_the_last_file_applied(edge, purge) -> None:
    one, other = make_company(SUPPLIER), make_company(SUPPLIER)
    with edge() as current:
        for name, state, days in (
            ("first", "applied", 300),
            ("last", "applied", 200),
            ("failed", "failed", 100),
            ("held", "held", 100),
            ("young", "discarded", 89),
        ):
            current.add(make_list(one, name, state, days))
            current.flush()
        current.add(make_list(other, "only", "applied", 300))
    purge()
    with edge():
        with_file = set(session().scalars(select(PriceList.file_name).where(PriceList.raw.is_not(None))))
        assert with_file == {"last", "held", "young", "only"}
        assert session().scalar(select(func.count()).select_from(PriceList)) == 6


def test_deletes_in_batches_until_nothing_old_is_left(edge, purge, monkeypatch) -> None:
    monkeypatch.setattr(database, "PURGE_BATCH", 2)
    monkeypatch.setattr(housekeeping, "PURGE_BATCH", 2)
    with edge() as current:
        current.add_all(OutboxEvent(type="x", payload={}, handled_at=ago(30)) for _ in range(5))
    purge()
    with edge():
        assert session().scalar(select(func.count()).select_from(OutboxEvent)) == 0


@pytest.mark.parametrize("name", sorted(entry["task"] for entry in BEAT_SCHEDULE.values()))
def test_two_beats_at_once_do_no_harm(app: Flask, edge, name: str) -> None:
    supplier = make_company(SUPPLIER, price_list_url="https://lists.test.example/goods.yaml")
    with edge() as current:
        current.add_all(OutboxEvent(type="x", payload={}, handled_at=ago(30)) for _ in range(500))
        current.add_all(make_mail(f"m{number}", "sent", 400) for number in range(500))
        current.add(ImportTerms(supplier_id=supplier.id, interval_hours=1, next_fetch_at=ago(1)))
    together = Barrier(2)

    def run(_) -> None:
        together.wait(120)
        app.extensions["celery"].tasks[name]()

    with ThreadPoolExecutor(2) as beats:
        list(beats.map(run, range(2)))
    app.extensions["celery"].tasks[name]()
    with edge():
        if name == "housekeeping.purge":
            assert session().scalar(select(func.count()).select_from(MailMessage)) == 0
            assert session().scalar(select(func.count()).select_from(OutboxEvent)) == 0
        else:
            queued = Counter(session().scalars(select(PriceList.supplier_id)))
            assert queued == {supplier.id: 1}
