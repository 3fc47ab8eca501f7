"""Closing accounts: what is personal is erased, what the company ordered stays."""

from sqlalchemy import delete, select

from shop.auth.events import EmailChanged
from shop.auth.models import STAYS, SUPPLIER, AccessToken, Company, User
from shop.auth.password_changes import require_password
from shop.auth.row_locks import lock_member
from shop.auth.security_notices import log
from shop.auth.tokens import end_tokens
from shop.database import Model, now, session
from shop.errors import Conflict
from shop.mail.erasure import forget_recipient
from shop.outbox.models import OutboxEvent


class OwnerMustHandOver(Conflict):
    code = "OwnerMustHandOver"
    message = "Your company has other members. Make one of them the owner first."


def close_account(user: User, *, password: str | None, by_token: AccessToken) -> None:
    """Needs the password. The owner of a company hands it over first, unless nobody else is left in it."""
    require_password(user, password, by_token=by_token, lock=lock_member)
    if user.is_owner:
        _leave_company(user)
    erase(user)


def erase(user: User) -> None:
    """Of the account only the row remains, which orders point to; its e-mail is free again."""
    forget_recipient(user.email, user_id=user.id)
    session().execute(
        delete(OutboxEvent).where(
            OutboxEvent.type == EmailChanged.type,
            OutboxEvent.payload["user_id"].as_integer() == user.id,
            OutboxEvent.handled_at.is_not(None),  # who handles another one waits for us
        )
    )
    end_tokens(user, kind=None)
    _delete_what_goes_with(user)
    user.email, user.pending_email, user.password_hash = f"closed-{user.id}@closed.invalid", None, None
    user.first_name, user.last_name, user.position = "", "", None
    user.is_owner, user.second_factor_at, user.closed_at = False, None, now()
    session().flush()
    log.info("account_closed", user_id=user.id)


def _leave_company(user: User) -> None:
    """With the last member go the company's delivery points: nobody could order to them any more.

    A supplier takes no orders from now on: nobody would read them. Managers may switch that on again.
    """
    others = select(User.id).where(User.company_id == user.company_id, User.id != user.id, User.closed_at.is_(None))
    if session().scalar(others.limit(1)) is not None:
        raise OwnerMustHandOver
    company = session().get_one(Company, user.company_id)
    _delete_what_goes_with(company)
    if company.kind == SUPPLIER:
        company.accepts_orders = False


def _delete_what_goes_with(owner: User | Company) -> None:
    """What points to the owner by a key that says ON DELETE CASCADE, in whatever package: the owner's row stays.

    Not what its package says STAYS: nothing personal, locked by what waits for the company's row, which we hold.
    """
    for table in reversed(Model.metadata.sorted_tables):
        for key in table.foreign_keys:
            goes_along = key.ondelete == "CASCADE" and not key.parent.info.get(STAYS)
            if key.column.table is owner.__table__ and goes_along:
                session().execute(delete(table).where(key.parent == owner.id))
