"""Where an owner got in before: a flood of guesses made elsewhere does not keep the owner out there."""

from datetime import timedelta

from sqlalchemy import delete, func, select
from sqlalchemy.dialects.postgresql import insert

from shop.auth.models import KnownPlace, User
from shop.database import delete_some, now, session

REMEMBERED = timedelta(days=90)


def note_place(user: User, address: str | None) -> None:
    """After a log-in, or the proof of the mailbox by a reset."""
    if address is not None:
        statement = insert(KnownPlace).values(user_id=user.id, address=address, seen_at=now())
        seen = {"seen_at": statement.excluded.seen_at}
        session().execute(statement.on_conflict_do_update(index_elements=["user_id", "address"], set_=seen))


def is_known_place(email: str, address: str) -> bool:
    statement = (
        select(KnownPlace.user_id)
        .join(User, User.id == KnownPlace.user_id)
        .where(
            func.lower(User.email) == func.lower(email.strip()),
            User.closed_at.is_(None),
            KnownPlace.address == address,
        )
    )
    return session().scalar(statement) is not None


def forget_places(user: User) -> None:
    """Who knew the old password may have logged in, too."""
    session().execute(delete(KnownPlace).where(KnownPlace.user_id == user.id))


def purge_places() -> int:
    return delete_some(KnownPlace, KnownPlace.seen_at < now() - REMEMBERED)
