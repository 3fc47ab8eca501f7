"""Reading people and companies again under a lock, before something is decided about them."""

from sqlalchemy import select

from shop.auth.models import Company, User
from shop.database import session


def lock_user(user: User) -> User:
    """As the user is now: what was read before a slow hash may have been changed by a rival meanwhile."""
    return session().get_one(User, user.id, with_for_update={"key_share": True}, populate_existing=True)


def lock_member(user: User) -> User:
    """The same after the company: whoever decides who is in it takes the two in this order."""
    lock_company_of(user)
    return lock_user(user)


def lock_company_of(user: User) -> None:
    if user.company_id is not None:
        lock_company(user.company_id)


def lock_company(company_id: int) -> None:
    """Whoever joins, leaves, removes or hands over in this company waits here; a new member's reference does, too."""
    session().execute(select(Company.id).where(Company.id == company_id).with_for_update())
