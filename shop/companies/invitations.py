"""Invitations: the owner asks people into the company by mail; the link works once."""

from collections.abc import Sequence
from datetime import timedelta

from sqlalchemy import ColumnElement, delete, func, select

from shop.auth.accounts import EmailTaken, add_or_replace_user
from shop.auth.email_addresses import clean_email
from shop.auth.mailed_tokens import INVITATION, LinkNotValid, Signed, read_link, sign_link
from shop.auth.models import BLOCKED, Company, User
from shop.auth.passwords import check_password, hash_password
from shop.auth.row_locks import lock_company
from shop.auth.security_notices import log
from shop.companies.approval import require_owner
from shop.companies.events import MemberInvited
from shop.companies.models import Invitation
from shop.config import current_settings
from shop.database import delete_some, give_back_connection, now, session
from shop.errors import Conflict, NotFound
from shop.outbox.events import publish

MAX_OPEN = 50


class InvitationNotFound(NotFound):
    code = "InvitationNotFound"
    message = "There is no such invitation of your company."


class MemberAlready(Conflict):
    code = "MemberAlready"
    message = "This person is a member of your company already."


class TooManyInvitations(Conflict):
    code = "TooManyInvitations"
    message = "{limit} invitations of your company are open already. Take one back first."


def invitation_lifetime() -> timedelta:
    return timedelta(hours=current_settings().invitation_lifetime_hours)


def invite_member(email: str, *, lifetime: timedelta, locale: str, by: User) -> Invitation:
    """Mails a link. A second invitation of the same address takes the place of the first, whose link dies.

    The answer does not tell whether the address has an account with another company.
    """
    require_owner(by)
    email = clean_email(email)
    session().execute(select(Company.id).where(Company.id == by.company_id).with_for_update(key_share=True))
    _check_invited(email, by)
    session().execute(delete(Invitation).where(_of_company(by), func.lower(Invitation.email) == func.lower(email)))
    invitation = Invitation(
        company_id=by.company_id, invited_by_id=by.id, email=email, locale=locale, expires_at=now() + lifetime
    )
    session().add(invitation)
    session().flush()
    publish(MemberInvited(invitation_id=invitation.id))
    log.info("member_invited", invitation_id=invitation.id, company_id=by.company_id, by=by.id)
    return invitation


def invitations_of(user: User) -> Sequence[Invitation]:
    """The company's open invitations, expired ones that were not purged yet included; for the owner."""
    require_owner(user)
    return session().scalars(select(Invitation).where(_of_company(user)).order_by(Invitation.id)).all()


def find_invitation(user: User, invitation_id: int) -> Invitation:
    require_owner(user)
    invitation = session().scalar(select(Invitation).where(Invitation.id == invitation_id, _of_company(user)))
    if invitation is None:
        raise InvitationNotFound
    return invitation


def take_back_invitation(user: User, invitation_id: int) -> None:
    """Its link dies."""
    session().delete(find_invitation(user, invitation_id))
    log.info("invitation_taken_back", invitation_id=invitation_id, by=user.id)


def invitation_token(invitation: Invitation, *, secret_key: str) -> str:
    return sign_link(INVITATION, Signed(invitation.id, invitation.email.casefold()), secret_key=secret_key)


def open_invitation(token: str, *, secret_key: str, lifetime: timedelta, lock: bool = False) -> Invitation:
    """Which invitation a link is about, without using it up; refuses with LinkNotValid."""
    signed = read_link(INVITATION, token, secret_key=secret_key, lifetime=lifetime)
    locked = {"key_share": True} if lock else None
    invitation = session().get(Invitation, signed.user_id, with_for_update=locked, populate_existing=lock)
    if invitation is None or invitation.is_expired or invitation.email.casefold() != signed.state:
        raise LinkNotValid
    if session().get_one(Company, invitation.company_id).status == BLOCKED:
        raise LinkNotValid
    return invitation


def accept_invitation(
    token: str,
    *,
    password: str,
    first_name: str,
    last_name: str,
    position: str | None,
    locale: str | None,
    secret_key: str,
    lifetime: timedelta,
) -> User:
    """A new member, whose e-mail needs no other confirmation: the link came there. Refuses with EmailTaken.

    A registration of the e-mail that was never confirmed is replaced: a stranger's keeps nobody from joining.
    """
    found = open_invitation(token, secret_key=secret_key, lifetime=lifetime)
    email, company = found.email, session().get_one(Company, found.company_id).name
    give_back_connection()
    check_password(password, email=email, names=(first_name, last_name, company))
    hashed = hash_password(password)  # slow, so before the lock
    lock_company(found.company_id)  # before the invitation, as who closes the company does
    invitation = open_invitation(token, secret_key=secret_key, lifetime=lifetime, lock=True)
    joined = session().get_one(Company, invitation.company_id)
    user = User(
        email=email,
        email_confirmed_at=now(),
        password_hash=hashed,
        role=joined.kind,
        company=joined,
        is_owner=False,
        first_name=first_name,
        last_name=last_name,
        position=position,
        locale=locale or invitation.locale,
    )
    member = add_or_replace_user(user)
    if member is None:
        raise EmailTaken
    session().delete(invitation)
    log.info("invitation_accepted", user_id=member.id, company_id=joined.id)
    return member


def purge_invitations() -> int:
    return delete_some(Invitation, Invitation.expires_at < now())


def _check_invited(email: str, by: User) -> None:
    is_member = select(User.id).where(
        User.company_id == by.company_id, User.closed_at.is_(None), func.lower(User.email) == func.lower(email)
    )
    if session().scalar(is_member) is not None:
        raise MemberAlready
    if session().scalars(select(func.count()).where(_of_company(by))).one() >= MAX_OPEN:
        raise TooManyInvitations(limit=MAX_OPEN)


def _of_company(user: User) -> ColumnElement[bool]:
    return Invitation.company_id == user.company_id
