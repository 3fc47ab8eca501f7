"""queue_mail(): promises one mail to one recipient about one event."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, ClassVar

from sqlalchemy.dialects.postgresql import insert

from shop.db import session
from shop.mail.models import MailMessage
from shop.outbox.events import Event, publish


@dataclass(frozen=True)
class MailQueued(Event):
    type: ClassVar[str] = "mail.queued"
    mail_id: int


def queue_mail(kind: str, *, to: str, locale: str, event_id: int, domain: str, **context: Any) -> None:
    """Once per event and recipient, however often it is called; `context` holds ids, never secrets or texts."""
    queue_mails(kind, [(to, locale)], event_id=event_id, domain=domain, **context)


def queue_mails(kind: str, people: Iterable[tuple[str, str]], *, event_id: int, domain: str, **context: Any) -> None:
    """The same mail to several people, given as e-mail and language."""
    common = {"kind": kind, "context": context}
    rows = [_row(kind, to, event_id, domain) | common | {"recipient": to, "locale": locale} for to, locale in people]
    if rows:
        statement = insert(MailMessage).values(rows).on_conflict_do_nothing(index_elements=["dedupe_key"])
        for mail_id in session().scalars(statement.returning(MailMessage.id)).all():
            publish(MailQueued(mail_id=mail_id))


def _row(kind: str, to: str, event_id: int, domain: str) -> dict[str, Any]:
    key = f"{event_id}:{kind}:{to.casefold()}"
    digest = hashlib.sha256(key.encode()).hexdigest()[:32]
    return {"dedupe_key": key, "message_id": f"<{digest}@{domain}>"}
