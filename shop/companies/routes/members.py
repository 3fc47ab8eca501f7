"""The people of your company, and invitations to it."""

from typing import Any

from flask import url_for

from shop.auth.access import current_user, only, public
from shop.auth.accounts import EmailTaken
from shop.auth.email_addresses import EmailInvalid
from shop.auth.mailed_tokens import LinkNotValid
from shop.auth.models import BUYER, SUPPLIER, User
from shop.auth.passwords import PasswordTooWeak
from shop.auth.routes.blueprint import blueprint
from shop.auth.schemas import MessageSchema
from shop.auth.throttling import per_mailbox
from shop.companies import invitations, members
from shop.companies.approval import OwnerOnly
from shop.companies.models import Invitation
from shop.companies.schemas import (
    AcceptInvitationSchema,
    HandOverSchema,
    InvitationSchema,
    InvitationsSchema,
    InviteMemberSchema,
    MemberSchema,
    MembersSchema,
)
from shop.companies.throttling import per_inviting_company
from shop.config import current_settings
from shop.database import transaction
from shop.http.blueprint import LOCATION, refuses


@blueprint.route("/company/members", methods=["GET"])
@only(BUYER, SUPPLIER, scope="company:read")
@blueprint.response(200, MembersSchema)
def list_members() -> dict[str, Any]:
    """List the people of your company

    All on one page, with who owns the company.
    """
    return {"items": members.members_of(current_user()), "next_cursor": None}


@blueprint.route("/company/members/<id:user_id>", methods=["DELETE"])
@only(BUYER, SUPPLIER)
@refuses(OwnerOnly, members.MemberNotFound, members.OwnerStays)
@blueprint.response(204)
def remove_member(user_id: int) -> None:
    """Remove a member of your company; for its owner.

    The account is closed, its sessions and API keys end at once. What the member ordered stays with the company.
    """
    with transaction():
        members.remove_member(user_id, by=current_user())


@blueprint.route("/company/owner", methods=["PUT"])
@only(BUYER, SUPPLIER)
@refuses(OwnerOnly, members.MemberNotFound)
@blueprint.arguments(HandOverSchema)
@blueprint.response(200, MemberSchema)
def hand_over(body: dict[str, Any]) -> User:
    """Make another member the owner of the company

    For the present owner, who stays a member. Only the owner invites, edits legal details, and keeps webhooks.
    """
    with transaction():
        return members.hand_over(body["user_id"], by=current_user())


@blueprint.route("/company/invitations", methods=["POST"])
@only(BUYER, SUPPLIER)
@per_mailbox
@per_inviting_company
@refuses(OwnerOnly, EmailInvalid, invitations.MemberAlready, invitations.TooManyInvitations)
@blueprint.arguments(InviteMemberSchema)
@blueprint.response(201, InvitationSchema, headers=LOCATION)
def invite_member(body: dict[str, Any]) -> tuple[Invitation, dict[str, str]]:
    """Invite somebody into your company by mail; for its owner

    The mailed link makes an account in your company. Another invitation for the same address replaces the one before.
    """
    with transaction():
        invitation = invitations.invite_member(**body, lifetime=invitations.invitation_lifetime(), by=current_user())
    return invitation, {"Location": url_for("auth.find_invitation", invitation_id=invitation.id)}


@blueprint.route("/company/invitations", methods=["GET"])
@only(BUYER, SUPPLIER)
@refuses(OwnerOnly)
@blueprint.response(200, InvitationsSchema)
def list_invitations() -> dict[str, Any]:
    """List your company's open invitations; for its owner

    All on one page. One that was accepted, taken back or has expired is not among them.
    """
    return {"items": invitations.invitations_of(current_user()), "next_cursor": None}


@blueprint.route("/company/invitations/<id:invitation_id>", methods=["GET"])
@only(BUYER, SUPPLIER)
@refuses(OwnerOnly, invitations.InvitationNotFound)
@blueprint.response(200, InvitationSchema)
def find_invitation(invitation_id: int) -> Invitation:
    """See one of your company's open invitations; for its owner

    To whom it went, and until when its link works.
    """
    return invitations.find_invitation(current_user(), invitation_id)


@blueprint.route("/company/invitations/<id:invitation_id>", methods=["DELETE"])
@only(BUYER, SUPPLIER)
@refuses(OwnerOnly, invitations.InvitationNotFound)
@blueprint.response(204)
def take_back_invitation(invitation_id: int) -> None:
    """Take an invitation back; for the owner

    Its link stops to work. The mail that has gone out already is not called back.
    """
    with transaction():
        invitations.take_back_invitation(current_user(), invitation_id)


@blueprint.route("/accept-invitation", methods=["POST"])
@public
@refuses(LinkNotValid, PasswordTooWeak, EmailTaken)
@blueprint.arguments(AcceptInvitationSchema)
@blueprint.response(201, MessageSchema)
def accept_invitation(body: dict[str, Any]) -> dict[str, str]:
    """Join the company that invited you

    It makes an account with the e-mail that the invitation went to, confirmed by the mailed token, which works once and
    for as long as the invitation stands.
    """
    with transaction():
        invitations.accept_invitation(
            **body, secret_key=current_settings().signing_key, lifetime=invitations.invitation_lifetime()
        )
    return {"message": "Welcome. You can log in now."}
