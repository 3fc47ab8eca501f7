"""What a manager may do with one person's account: block it, open it again, end its sessions, have its password set."""

from shop.auth.events import PasswordResetRequested
from shop.auth.models import User
from shop.auth.row_locks import lock_user
from shop.auth.security_notices import log
from shop.auth.tokens import end_tokens
from shop.database import now
from shop.errors import Conflict
from shop.outbox.events import publish


class AccountClosed(Conflict):
    code = "AccountClosed"
    message = "This account was closed; nothing more can be done with it."


class BlockingOneself(Conflict):
    code = "BlockingOneself"
    message = "You cannot block yourself. Ask another manager."


def block_user(user: User, *, by: User, reason: str) -> None:
    """Takes effect with the next request, and ends the sessions: none comes back to life when the block is lifted.

    API keys stay and open nothing meanwhile, as with a blocked company.
    """
    if user.id == by.id:
        raise BlockingOneself
    _lock_open(user)
    user.blocked_at = user.blocked_at or now()
    end_tokens(user)
    log.info("user_blocked", user_id=user.id, by=by.id, reason=reason)


def unblock_user(user: User, *, by: User, reason: str) -> None:
    _lock_open(user)
    user.blocked_at = None
    log.info("user_unblocked", user_id=user.id, by=by.id, reason=reason)


def end_sessions(user: User, *, by: User) -> None:
    """Everywhere, at once; API keys live on."""
    end_tokens(_lock_open(user))
    log.info("sessions_ended", user_id=user.id, by=by.id)


def send_password_reset(user: User, *, by: User) -> None:
    """Mails the same link that the person could have asked for; nobody else gets to see it."""
    publish(PasswordResetRequested(user_id=_lock_open(user).id))
    log.info("password_reset_sent", user_id=user.id, by=by.id)


def _lock_open(user: User) -> User:
    if lock_user(user).closed_at is not None:
        raise AccountClosed
    return user
