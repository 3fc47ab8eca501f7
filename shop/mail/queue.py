"""queue_mails(): promises mails about one event, each to one recipient."""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

import orjson
from sqlalchemy import text

from shop.database import session
from shop.mail.kinds import goes_first
from shop.outbox.events import Event, publish

TOGETHER = 20

QUEUE = text("""
INSERT INTO mail_messages (dedupe_key, message_id, kind, locale, recipient, context)
SELECT dedupe_key, message_id, kind, locale, recipient, CAST(context AS jsonb)
FROM unnest(CAST(:dedupe_keys AS text[]), CAST(:message_ids AS text[]), CAST(:kinds AS text[]),
    CAST(:locales AS text[]), CAST(:recipients AS text[]), CAST(:contexts AS text[]))
    AS mail (dedupe_key, message_id, kind, locale, recipient, context)
ON CONFLICT (dedupe_key) DO NOTHING RETURNING id, kind
""")


@dataclass(frozen=True)
class MailQueued(Event):
    """One mail, which is delivered before all others."""

    type: ClassVar[str] = "mail.queued"
    mail_id: int


@dataclass(frozen=True)
class MailsQueued(Event):
    """Mails that are delivered one after the other, over one connection."""

    type: ClassVar[str] = "mails.queued"
    mail_ids: list[int]


@dataclass(frozen=True)
class NewMail:
    """`context` holds ids, never secrets or texts."""

    kind: str
    to: str
    locale: str
    context: dict[str, Any] = field(default_factory=dict)


def queue_mail(kind: str, *, to: str, locale: str, event_id: int, domain: str, **context: Any) -> None:
    queue_mails([NewMail(kind, to, locale, context)], event_id=event_id, domain=domain)


def queue_mails(mails: Sequence[NewMail], *, event_id: int, domain: str) -> None:
    """Once per event, kind and recipient, however often it is called."""
    if mails:
        keys = [f"{event_id}:{mail.kind}:{mail.to.casefold()}" for mail in mails]
        values = {
            "dedupe_keys": keys,
            "message_ids": [f"<{hashlib.sha256(key.encode()).hexdigest()[:32]}@{domain}>" for key in keys],
            "kinds": [mail.kind for mail in mails],
            "locales": [mail.locale for mail in mails],
            "recipients": [mail.to for mail in mails],
            "contexts": [orjson.dumps(mail.context).decode() for mail in mails],
        }
        publish_queued((mail_id, kind) for mail_id, kind in session().connection().execute(QUEUE, values).all())


def publish_queued(mails: Iterable[tuple[int, str]]) -> None:
    """Of mails given as id and kind."""
    others = []
    for mail_id, kind in mails:
        if goes_first(kind):
            publish(MailQueued(mail_id=mail_id))
        else:
            others.append(mail_id)
    for start in range(0, len(others), TOGETHER):
        publish(MailsQueued(mail_ids=others[start : start + TOGETHER]))
