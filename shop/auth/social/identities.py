"""Social log-in: who a provider's identity opens an account for, and how identities are linked and unlinked.

An identity is (provider, the provider's id of the person), never an e-mail. It opens the account that it is linked to.
An e-mail equal to an account's neither logs in nor links: only who is logged in to an account links something to it.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar

import structlog
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import joinedload

from shop.auth.accounts import AccountBlocked, EmailNotConfirmed, add_or_replace_user
from shop.auth.email_addresses import clean_email, has_owner, user_with_email
from shop.auth.events import RegistrationRepeated, UserRegistered
from shop.auth.models import ACTIVE, BUYER, PENDING, AccessToken, Company, User
from shop.auth.row_locks import lock_user
from shop.auth.social.codes import (
    CODE_LIFETIME,
    REGISTRATION_LIFETIME,
    TICKET_LIFETIME,
    SocialCodeNotValid,
    identity_of,
    make_code,
    use_code,
)
from shop.auth.social.models import LINK, LOG_IN, REGISTER, TICKET, SocialAccount
from shop.auth.social.providers import Identity
from shop.auth.tokens import issue_token
from shop.database import now, session, violated_constraint
from shop.errors import Conflict, FieldError, Forbidden, Invalid, NotFound
from shop.outbox.events import Event, publish

log = structlog.get_logger()

UNIQUE_IDENTITY = "uq_social_accounts_provider_provider_user_id"
UNIQUE_PROVIDER = "uq_social_accounts_user_id_provider"


@dataclass(frozen=True)
class ProviderLinked(Event):
    """An identity at this provider opens the user's account from now on."""

    type: ClassVar[str] = "user.provider_linked"
    user_id: int
    provider: str


@dataclass(frozen=True)
class ProviderUnlinked(Event):
    type: ClassVar[str] = "user.provider_unlinked"
    user_id: int
    provider: str


class AccountExists(Conflict):
    code = "AccountExists"
    message = "There is an account with this e-mail. Log in to it in your usual way and link the provider there."


class RegistrationNeeded(Conflict):
    """`facts` hold what the provider says and a `registration_code` for `POST /api/v1/auth/social/register`."""

    code = "RegistrationNeeded"
    message = "Nobody has registered with this identity yet. Register with the registration_code."


class EmailNeeded(Invalid):
    code = "EmailNeeded"
    message = "The provider tells no e-mail. Add one; a confirmation mail goes there."


class IdentityTaken(Conflict):
    code = "IdentityTaken"
    message = "This identity is linked to an account already."


class ProviderTaken(Conflict):
    code = "ProviderTaken"
    message = "Your account is linked to somebody at this provider already. Unlink that first."


class LastWayIn(Conflict):
    code = "LastWayIn"
    message = "Without this provider nothing would open your account. Set a password or link another provider first."


class SocialAccountNotFound(NotFound):
    code = "SocialAccountNotFound"
    message = "Your account is not linked to this provider."


class NotForManagers(Forbidden):
    code = "NotForManagers"
    message = "A provider opens no token of managers and of accounts with a second factor. Log in with your password."


@dataclass(frozen=True)
class Registration:
    """What somebody unknown may register with, until when."""

    code: str
    expires_at: datetime
    identity: Identity


def issue_ticket(user: User, provider: str) -> tuple[str, datetime]:
    """The secret that begins linking in this user's browser."""
    _refuse_without_use(user)
    code, secret = make_code(TICKET, provider=provider, lifetime=TICKET_LIFETIME, user_id=user.id)
    return secret, code.expires_at


def use_ticket(secret: str, provider: str) -> int | None:
    """The id of the user for whom linking begins; refuses with SocialCodeNotValid."""
    ticket = use_code(secret, TICKET)
    if ticket.provider != provider:
        raise SocialCodeNotValid
    return ticket.user_id


def issue_code(identity: Identity, *, state: str, challenge: str | None, link_user_id: int | None) -> str:
    """The one-time code that the browser carries to the client; to `link_user_id` only, where linking was begun."""
    _, secret = make_code(
        LOG_IN if link_user_id is None else LINK,
        provider=identity.provider,
        lifetime=CODE_LIFETIME,
        user_id=link_user_id,
        identity=identity,
        challenge=challenge,
        state=state,
    )
    return secret


def exchange_code(
    secret: str, *, verifier: str | None, session_facts: dict[str, Any]
) -> tuple[AccessToken, str] | Registration:
    """A session of the account that the identity opens (with `session_facts`), or what an unknown one registers with.

    Only who reads the mailbox, as the provider vouches, hears that its e-mail has an account.
    """
    identity = identity_of(use_code(secret, LOG_IN, verifier=verifier))
    account = account_of(identity)
    if account is not None:
        return _log_in(account, session_facts)
    if identity.email_verified and identity.email and has_owner(identity.email):
        log.warning("social_login_refused", provider=identity.provider, reason=AccountExists.code)
        raise AccountExists
    code, registration = make_code(
        REGISTER, provider=identity.provider, lifetime=REGISTRATION_LIFETIME, identity=identity
    )
    return Registration(registration, code.expires_at, identity)


def register_with_code(
    secret: str,
    *,
    session_facts: dict[str, Any],
    role: str,
    company: str,
    email: str | None = None,
    first_name: str,
    last_name: str,
    position: str | None = None,
    locale: str = "ru",
) -> tuple[AccessToken, str] | None:
    """A new company with its first user, who has no password and enters by this identity.

    With the e-mail that the provider vouches for: a session. With any other our confirmation mail comes first, the
    answer is None, and as with `register` nobody can tell whether the e-mail had an account before.
    """
    identity = identity_of(use_code(secret, REGISTER))
    address = _address(email, identity)
    is_vouched = identity.email_verified and address.casefold() == (identity.email or "").casefold()
    user = User(
        email=address,
        email_confirmed_at=now() if is_vouched else None,
        role=role,
        company=Company(kind=role, name=company, status=ACTIVE if role == BUYER else PENDING),
        is_owner=True,
        first_name=first_name,
        last_name=last_name,
        position=position,
        locale=locale,
    )
    registered = add_or_replace_user(user)
    if registered is None:
        _repeat_registration(address, is_vouched=is_vouched)
        return None
    _add_account(registered.id, identity)
    log.info("registered", user_id=registered.id, role=role, provider=identity.provider)
    publish(ProviderLinked(user_id=registered.id, provider=identity.provider))
    if not is_vouched:
        publish(UserRegistered(user_id=registered.id))
        return None
    return issue_token(registered, **session_facts)


def social_accounts_of(user: User) -> list[SocialAccount]:
    return list(session().scalars(select(SocialAccount).where(SocialAccount.user_id == user.id).order_by("id")))


def link(user: User, secret: str, *, verifier: str | None) -> SocialAccount:
    """The identity opens this account from now on.

    The code must come from a ticket of this user, so nobody's browser can be led into linking a stranger's identity;
    and it needs this user's log-in, so a ticket given to somebody else does not bring that person's identity here.
    """
    _refuse_without_use(user)
    code = use_code(secret, LINK, verifier=verifier)
    if code.user_id != user.id:
        raise SocialCodeNotValid
    identity = identity_of(code)
    account = _add_account(user.id, identity)
    publish(ProviderLinked(user_id=user.id, provider=identity.provider))
    log.info("provider_linked", user_id=user.id, provider=identity.provider)
    return account


def unlink(user: User, provider: str, *, offered: frozenset[str]) -> None:
    """Refuses with LastWayIn where neither a password nor another provider that is still offered would remain."""
    # Locked first: two requests at once would each see the other's provider remain.
    has_password = select(User.password_hash.is_not(None)).where(User.id == user.id).with_for_update(key_share=True)
    ways = int(bool(session().scalar(has_password)))
    accounts = {account.provider: account for account in social_accounts_of(user)}
    account = accounts.pop(provider, None)
    if account is None:
        raise SocialAccountNotFound
    if not ways and not offered & accounts.keys():
        raise LastWayIn
    session().delete(account)
    publish(ProviderUnlinked(user_id=user.id, provider=provider))
    log.info("provider_unlinked", user_id=user.id, provider=provider)


def account_of(identity: Identity) -> SocialAccount | None:
    """What a closed account leaves behind opens nothing: the person may register anew."""
    account = session().scalar(
        select(SocialAccount)
        .where(
            SocialAccount.provider == identity.provider,
            SocialAccount.provider_user_id == identity.provider_user_id,
        )
        .options(joinedload(SocialAccount.user, innerjoin=True).joinedload(User.company))
    )
    if account is not None and account.user.closed_at is not None:
        session().delete(account)
        session().flush()
        return None
    return account


def _log_in(account: SocialAccount, session_facts: dict[str, Any]) -> tuple[AccessToken, str]:
    user = account.user
    if user.is_manager or user.has_second_factor:
        raise NotForManagers
    check_may_log_in(account)
    log.info("logged_in", user_id=user.id, provider=account.provider)
    return issue_token(user, **session_facts)


def check_may_log_in(account: SocialAccount) -> None:
    """Who drops the identity and ends all sessions, as a reset does, has either done so or finds this session, too."""
    if account.user.email_confirmed_at is None:
        raise EmailNotConfirmed
    lock_user(account.user)
    if session().get(SocialAccount, account.id, populate_existing=True) is None:
        raise SocialCodeNotValid
    if not account.user.may_log_in:
        log.warning("login_blocked", user_id=account.user_id, provider=account.provider)
        raise AccountBlocked


def _address(email: str | None, identity: Identity) -> str:
    address = email or identity.email
    if not address:
        raise EmailNeeded(errors=[FieldError("json", "email", EmailNeeded.message)])
    return clean_email(address)


def _add_account(user_id: int, identity: Identity) -> SocialAccount:
    account_of(identity)  # a closed account gives its identity free
    account = SocialAccount(
        user_id=user_id,
        provider=identity.provider,
        provider_user_id=identity.provider_user_id,
        email=identity.email,
        linked_at=now(),
    )
    try:
        with session().begin_nested():
            session().add(account)
    except IntegrityError as error:
        raise _refusal_of(error) from None
    return account


def _repeat_registration(email: str, *, is_vouched: bool) -> None:
    if is_vouched:
        raise AccountExists
    if owner := user_with_email(email):
        publish(RegistrationRepeated(user_id=owner.id))
        log.info("registration_repeated", user_id=owner.id)


def _refusal_of(error: IntegrityError) -> Conflict | IntegrityError:
    kinds = {UNIQUE_IDENTITY: IdentityTaken, UNIQUE_PROVIDER: ProviderTaken}
    refusal = kinds.get(violated_constraint(error) or "")
    return refusal() if refusal else error


def _refuse_without_use(user: User) -> None:
    """A provider knows nothing of the second factor. Managers use theirs at the desk, which asks for it, too."""
    if user.has_second_factor and not user.is_manager:
        raise NotForManagers
