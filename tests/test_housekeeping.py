"""What beat purges, and what it must leave alone."""

from datetime import timedelta

from flask import Flask
from sqlalchemy import select

from shop.auth.models import AccessToken
from shop.db import now, session
from shop.http.idempotency import IdempotencyKey
from shop.outbox.models import OutboxEvent
from tests.factories.auth import make_user


def test_purges_what_has_expired_and_nothing_else(app: Flask, edge) -> None:
    user = make_user()
    long_ago, lately = now() - timedelta(days=30), now() - timedelta(hours=1)
    with edge() as current:
        for name, moment in (("old", long_ago), ("new", lately)):
            current.add(IdempotencyKey(user_id=user.id, key=name, fingerprint=b"", created_at=moment))
            current.add(OutboxEvent(type=f"{name} handled", payload={}, handled_at=moment))
            current.add(OutboxEvent(type=f"{name} open", payload={}, due_at=moment))
            expires = moment + timedelta(hours=2)
            current.add(
                AccessToken(user_id=user.id, kind="session", prefix=name, hash=name.encode(), expires_at=expires)
            )
    task = app.extensions["celery"].tasks["housekeeping.purge"]
    task()
    task()
    with edge():
        assert session().scalars(select(IdempotencyKey.key)).all() == ["new"]
        assert session().scalars(select(AccessToken.prefix)).all() == ["new"]
        assert set(session().scalars(select(OutboxEvent.type))) == {"new handled", "new open", "old open"}
