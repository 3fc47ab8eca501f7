"""Accounts: register, confirm the e-mail, log in and out. No answer tells a stranger whether an e-mail is known."""

from datetime import timedelta

import structlog
from sqlalchemy import delete
from sqlalchemy.exc import IntegrityError

from shop.auth.email_addresses import clean_email, user_with_email
from shop.auth.events import ConfirmationRequested, RegistrationRepeated, UserRegistered
from shop.auth.mailed_tokens import CONFIRM_EMAIL, LinkNotValid, Signed, read_link, sign_link
from shop.auth.models import ACTIVE, BUYER, MANAGER, PENDING, AccessToken, Company, User
from shop.auth.passwords import check_password, hash_password, needs_rehash, verify_password
from shop.auth.row_locks import lock_user
from shop.auth.second_factor import check_second_factor
from shop.auth.social.models import SocialAccount
from shop.auth.tokens import end_token, end_tokens, issue_token
from shop.database import give_back_connection, now, session, violated_constraint
from shop.errors import Conflict, Forbidden, Unauthenticated
from shop.outbox.events import publish

log = structlog.get_logger()

UNIQUE_EMAIL = "uq_users_open_email"
REGISTERED = (
    "email",
    "email_confirmed_at",
    "password_hash",
    "role",
    "is_owner",
    "first_name",
    "last_name",
    "position",
    "locale",
)


class LoginFailed(Unauthenticated):
    code = "LoginFailed"
    message = "The e-mail or the password is wrong."


class EmailNotConfirmed(Forbidden):
    code = "EmailNotConfirmed"
    message = "Open the link in the confirmation mail first, or ask for a new one."


class AccountBlocked(Forbidden):
    code = "AccountBlocked"
    message = "This account or its company is blocked. Please write to the operator."


class EmailTaken(Conflict):
    code = "EmailTaken"
    message = "There is an account with this e-mail already."


def register(
    *,
    email: str,
    password: str,
    first_name: str,
    last_name: str,
    role: str,
    company: str,
    position: str | None = None,
    locale: str = "ru",
) -> None:
    """A new company with its first user, who must confirm the e-mail. A supplier waits for a manager's approval.

    Where the e-mail has an account nothing is created and its owner gets a mail: the caller cannot tell the two apart.
    Both ways hash the password and try the same INSERT, so they take the same time; the unique index decides, and two
    simultaneous registrations need no rule of their own. An account whose e-mail was never confirmed may be a
    stranger's: the latest registration takes its place, and the links mailed before die.
    """
    email = clean_email(email)
    check_password(password, email=email, names=(first_name, last_name, company))
    status = ACTIVE if role == BUYER else PENDING
    user = User(
        email=email,
        password_hash=hash_password(password),
        role=role,
        company=Company(kind=role, name=company, status=status),
        is_owner=True,
        first_name=first_name,
        last_name=last_name,
        position=position,
        locale=locale,
    )
    if registered := add_or_replace_user(user):
        publish(UserRegistered(user_id=registered.id))
        log.info("registered", user_id=registered.id, role=role)
    elif owner := user_with_email(email):
        publish(RegistrationRepeated(user_id=owner.id))
        log.info("registration_repeated", user_id=owner.id)


def create_manager(email: str, *, password: str, first_name: str, last_name: str, locale: str = "ru") -> User:
    """One of the operator's staff, confirmed at once: only operators can call this. Refuses with EmailTaken."""
    email = clean_email(email)
    check_password(password, email=email, names=(first_name, last_name))
    user = User(
        email=email,
        email_confirmed_at=now(),
        password_hash=hash_password(password),
        role=MANAGER,
        is_owner=False,
        first_name=first_name,
        last_name=last_name,
        locale=locale,
    )
    manager = add_or_replace_user(user)
    if manager is None:
        raise EmailTaken
    manager.blocked_at = None  # whoever registered this address before and was blocked is not this person
    log.info("manager_created", user_id=manager.id)
    return manager


def confirmation_token(user: User, email: str, *, secret_key: str) -> str:
    """For a link to that address: it works once, for this registration of it, while it is not yet confirmed."""
    return sign_link(CONFIRM_EMAIL, Signed(user.id, _registration(user, email)), secret_key=secret_key)


def user_to_confirm(token: str, *, secret_key: str, lifetime: timedelta, lock: bool = False) -> User:
    """Whom a confirmation link is about, without using it up; refuses with LinkNotValid."""
    signed = read_link(CONFIRM_EMAIL, token, secret_key=secret_key, lifetime=lifetime)
    locked = {"key_share": True} if lock else None
    user = session().get(User, signed.user_id, with_for_update=locked, populate_existing=lock)
    if user is None or user.closed_at or user.email_confirmed_at or _registration(user, user.email) != signed.state:
        raise LinkNotValid
    return user


def confirm_email(token: str, *, secret_key: str, lifetime: timedelta) -> User:
    """Uses up the link. The row is locked, so of two simultaneous uses one is refused."""
    user = user_to_confirm(token, secret_key=secret_key, lifetime=lifetime, lock=True)
    user.email_confirmed_at = now()
    log.info("email_confirmed", user_id=user.id)
    return user


def resend_confirmation(email: str) -> None:
    """Another link for an account that is not confirmed yet; for any other e-mail the same work, and nobody is told."""
    user = user_with_email(email)
    is_waiting = user is not None and user.email_confirmed_at is None
    publish(ConfirmationRequested(user_id=user.id if user and is_waiting else None))


def log_in(
    email: str,
    *,
    password: str,
    lifetime: timedelta,
    secret_key: str,
    otp: str | None = None,
    opened_from: str | None = None,
    user_agent: str | None = None,
) -> tuple[AccessToken, str]:
    """A session and its secret. Only who knows the password hears that the account is unconfirmed or blocked.

    The session is always a new one, so nobody can have fixed it before. A password that was changed while we checked
    the old one opens nothing.
    """
    user = user_with_email(email)
    checked = user.password_hash if user else None
    give_back_connection()
    if not verify_password(checked, password) or user is None or lock_user(user).password_hash != checked:
        log.warning("login_failed", user_id=user.id if user else None)
        raise LoginFailed
    if user.email_confirmed_at is None:
        raise EmailNotConfirmed
    if not user.may_log_in:
        log.warning("login_blocked", user_id=user.id)
        raise AccountBlocked
    check_second_factor(user, otp, secret_key=secret_key)
    if user.password_hash and needs_rehash(user.password_hash):
        user.password_hash = hash_password(password)
    log.info("logged_in", user_id=user.id)
    return issue_token(user, expires_at=now() + lifetime, opened_from=opened_from, user_agent=user_agent)


def log_out(token: AccessToken) -> None:
    """Ends this token; the user's others live on."""
    log.info("logged_out", user_id=token.user_id)
    end_token(token)


def log_out_everywhere(user: User) -> None:
    """Ends all sessions, this one too; API keys live on."""
    end_tokens(user)


def add_or_replace_user(user: User) -> User | None:
    """The new account; or the one of this e-mail that nobody has proved to be theirs, with all of it replaced.

    None where the e-mail has an owner.
    """
    if _add_user(user):
        return user
    found = user_with_email(user.email, lock=True)
    if found is None or found.email_confirmed_at:
        return None
    _replace(found, user)
    return found


def drop_unproved(email: str, *, but: User) -> None:
    """Before somebody else proves to read this mailbox: whoever registered it and never did does not keep it."""
    user = user_with_email(email, lock=True)
    if user is None or user.email_confirmed_at or user.id == but.id:
        return
    company = user.company
    session().execute(delete(User).where(User.id == user.id))
    if company is not None:
        _delete_unused(company)
    log.info("registration_dropped", user_id=user.id)


def _add_user(user: User) -> bool:
    """False where an open account has the e-mail; whatever came with the user is not created either."""
    try:
        with session().begin_nested():
            session().add(user)
    except IntegrityError as error:
        if violated_constraint(error) != UNIQUE_EMAIL:
            raise
        return False
    return True


def _replace(user: User, registered: User) -> None:
    """Of what was registered before, only the row remains, and the operator's decision to block it."""
    former, user.company = user.company, registered.company
    for name in REGISTERED:
        setattr(user, name, getattr(registered, name))
    user.created_at = now()
    end_tokens(user, kind=None)
    session().execute(delete(SocialAccount).where(SocialAccount.user_id == user.id))
    session().flush()
    if former is not None:
        _delete_unused(former)
    log.info("registration_replaced", user_id=user.id)


def _delete_unused(company: Company) -> None:
    """A company that an operator has described, approved or filled already stays, for the operator to judge."""
    try:
        with session().begin_nested():
            session().execute(delete(Company).where(Company.id == company.id))
    except IntegrityError:
        log.warning("company_left", company_id=company.id)


def _registration(user: User, email: str) -> str:
    return f"{email.casefold()}\n{user.created_at.isoformat()}"
