"""How the outbox stands: what waits, how far behind the relay is, what was parked and why."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row, func, select

from shop.database import now, session
from shop.outbox.models import OutboxEvent

IS_OPEN = OutboxEvent.handled_at.is_(None) & OutboxEvent.parked_at.is_(None)
IS_PARKED = OutboxEvent.handled_at.is_(None) & OutboxEvent.parked_at.is_not(None)


@dataclass(frozen=True)
class KindStatus:
    """Of one type of event: open ones (those due among them), parked ones, and the oldest of them all."""

    type: str
    open: int
    due: int
    parked: int
    oldest: datetime


@dataclass(frozen=True)
class OutboxStatus:
    """`lag` is for how long the event that is due longest has waited for a relay: some tenths of a second are usual."""

    lag: timedelta
    kinds: Sequence[KindStatus]

    @property
    def parked(self) -> int:
        return sum(kind.parked for kind in self.kinds)


def outbox_status() -> OutboxStatus:
    """Reads the two partial indexes only: handled events, however many, cost nothing."""
    moment = now()
    is_due = IS_OPEN & (OutboxEvent.due_at <= moment)
    first_due = session().scalar(select(func.min(OutboxEvent.due_at)).where(is_due))
    kinds = (
        select(
            OutboxEvent.type,
            func.count().filter(OutboxEvent.parked_at.is_(None)),
            func.count().filter(is_due),
            func.count().filter(OutboxEvent.parked_at.is_not(None)),
            func.min(OutboxEvent.created_at),
        )
        .where(IS_OPEN | IS_PARKED)
        .group_by(OutboxEvent.type)
        .order_by(OutboxEvent.type)
    )
    return OutboxStatus(
        lag=moment - first_due if first_due else timedelta(),
        kinds=[KindStatus(*row) for row in session().execute(kinds)],
    )


def parked_events(*, limit: int) -> Sequence[Row[Any]]:
    """The newest first, with what they are about and the reason."""
    columns = (OutboxEvent.id, OutboxEvent.type, OutboxEvent.payload, OutboxEvent.pending, OutboxEvent.last_error)
    return session().execute(select(*columns).where(IS_PARKED).order_by(OutboxEvent.id.desc()).limit(limit)).all()
