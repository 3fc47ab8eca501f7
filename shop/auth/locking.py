"""Reading people and companies again under a lock, before something is decided about them."""

from sqlalchemy import select

from shop.auth.models import Company, User
from shop.db import session


def lock_user(user: User) -> User:
    """As the user is now: what was read before a slow hash may have been changed by a rival meanwhile."""
    return session().get_one(User, user.id, with_for_update={"key_share": True}, populate_existing=True)


def lock_company_of(user: User) -> None:
    """Whoever joins, leaves, removes or hands over in this company waits here; a new member's reference does, too."""
    session().execute(select(Company.id).where(Company.id == user.company_id).with_for_update())
