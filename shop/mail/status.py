"""How the mails stand: what waits, what left today, what was parked and why."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import func, select

from shop.database import now, session
from shop.mail.models import PARKED, QUEUED, SENT, MailMessage

DAY = timedelta(days=1)


@dataclass(frozen=True)
class MailStatus:
    """Of one kind of mail: waiting and parked ones, and those of the last 24 hours that were sent."""

    kind: str
    queued: int
    parked: int
    sent_lately: int


def mail_status() -> Sequence[MailStatus]:
    """By kind; reads what is not sent, and the last day, whatever the length of the log."""
    state = MailMessage.state
    counts = (
        select(
            MailMessage.kind,
            func.count().filter(state == QUEUED),
            func.count().filter(state == PARKED),
            func.count().filter(state == SENT),
        )
        .where((state != SENT) | (MailMessage.created_at > now() - DAY))
        .group_by(MailMessage.kind)
        .order_by(MailMessage.kind)
    )
    return [MailStatus(*row) for row in session().execute(counts)]


def parked_mails(*, limit: int) -> Sequence[MailMessage]:
    """The newest first."""
    parked = select(MailMessage).where(MailMessage.state == PARKED)
    return session().scalars(parked.order_by(MailMessage.id.desc()).limit(limit)).all()
