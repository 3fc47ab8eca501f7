"""queue_mail(): promises one mail to one recipient about one event."""

import hashlib
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
    key = f"{event_id}:{kind}:{to.casefold()}"
    digest = hashlib.sha256(key.encode()).hexdigest()[:32]
    statement = insert(MailMessage).values(
        dedupe_key=key,
        message_id=f"<{digest}@{domain}>",
        kind=kind,
        locale=locale,
        recipient=to,
        context=context,
    )
    mail_id = session().scalar(
        statement.on_conflict_do_nothing(index_elements=["dedupe_key"]).returning(MailMessage.id)
    )
    if mail_id is not None:
        publish(MailQueued(mail_id=mail_id))
