"""The people of a company: who they are, who owns it, and how one leaves."""

from collections.abc import Sequence

from sqlalchemy import select

from shop.auth.account_closing import erase
from shop.auth.models import User
from shop.auth.row_locks import lock_company_of, lock_member, lock_user
from shop.auth.security_notices import BECAME_OWNER, OWNS_NO_MORE, log, note_security_change
from shop.companies.approval import require_owner
from shop.database import session
from shop.errors import Conflict, NotFound


class MemberNotFound(NotFound):
    code = "MemberNotFound"
    message = "There is no such member in your company."


class OwnerStays(Conflict):
    code = "OwnerStays"
    message = "The owner cannot be removed. Make another member the owner first, or close your account."


def members_of(user: User) -> Sequence[User]:
    """The open accounts of the user's company, in the order in which they came."""
    statement = select(User).where(User.company_id == user.company_id, User.closed_at.is_(None))
    return session().scalars(statement.order_by(User.id)).all()


def remove_member(user_id: int, *, by: User) -> None:
    """Closes the member's account: an account belongs to one company for good. Its tokens end at once."""
    require_owner(lock_member(by))
    if user_id == by.id:
        raise OwnerStays
    member = _member(user_id, by)
    log.info("member_removed", user_id=member.id, company_id=by.company_id, by=by.id)
    erase(member)


def hand_over(user_id: int, *, by: User) -> User:
    """Makes another member the owner; who was it until now stays a member."""
    require_owner(lock_member(by))
    return make_owner(_member(user_id, by))


def make_owner(user: User) -> User:
    """For operators, too: the owner may have lost the mailbox and left. First the old one steps back: there is one."""
    lock_company_of(user)
    if lock_user(user).closed_at is not None:
        raise MemberNotFound
    company = (User.company_id == user.company_id, User.is_owner)
    for owner in session().scalars(select(User).where(*company).with_for_update(key_share=True)):
        owner.is_owner = False
        if owner.id != user.id:
            note_security_change(owner, OWNS_NO_MORE)
    session().flush()
    user.is_owner = True
    note_security_change(user, BECAME_OWNER)
    return user


def _member(user_id: int, by: User) -> User:
    """Locked: nobody hands over to who is leaving at the same moment."""
    statement = select(User).where(
        User.id == user_id,
        User.company_id == by.company_id,
        User.closed_at.is_(None),
        User.email_confirmed_at.is_not(None),
    )
    member = session().scalar(statement.with_for_update(key_share=True).execution_options(populate_existing=True))
    if member is None:
        raise MemberNotFound
    return member
