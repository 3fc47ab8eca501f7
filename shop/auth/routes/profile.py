"""See and change who you are, and close the account."""

from typing import Any

from shop.auth import account_closing
from shop.auth import profile as profiles
from shop.auth.access import authenticated, current_token, current_user, public
from shop.auth.accounts import EmailTaken
from shop.auth.email_addresses import EmailInvalid
from shop.auth.mailed_tokens import LinkNotValid
from shop.auth.models import User
from shop.auth.password_changes import FreshLogInNeeded, PasswordWrong
from shop.auth.routes.blueprint import blueprint, confirmation_lifetime
from shop.auth.schemas import ChangeProfileSchema, ConfirmEmailSchema, MessageSchema, ProofSchema, UserSchema
from shop.auth.throttling import per_email_change, per_guesser
from shop.config import current_settings
from shop.database import transaction
from shop.http.blueprint import refuses


@blueprint.route("/me", methods=["GET"])
@authenticated("account:read", before_second_factor=True)
@blueprint.response(200, UserSchema)
def me() -> User:
    """See who you are

    Name, role, company, language, whether you own the company and have a second factor, and the e-mail that waits to be
    confirmed.
    """
    return current_user()


@blueprint.route("/me", methods=["PATCH"])
@authenticated()
@per_guesser
@per_email_change
@refuses(PasswordWrong, FreshLogInNeeded, EmailInvalid)
@blueprint.arguments(ChangeProfileSchema)
@blueprint.response(200, UserSchema)
def change_profile(body: dict[str, Any]) -> User:
    """Change your name, position, language or e-mail; what is not stated stays.

    Another e-mail needs the password and shows as `pending_email` until the link mailed to it is opened. The old
    address gets a notice.
    """
    with transaction():
        profiles.change_profile(current_user(), by_token=current_token(), **body)
    return current_user()


@blueprint.route("/confirm-email-change", methods=["POST"])
@public
@refuses(LinkNotValid, EmailTaken)
@blueprint.arguments(ConfirmEmailSchema)
@blueprint.response(200, MessageSchema)
def confirm_email_change(body: dict[str, Any]) -> dict[str, str]:
    """Make a new e-mail yours with the token of the link mailed to it

    The token works once. Until then the old address is the one to log in with; afterwards it is told of the change.
    """
    with transaction():
        profiles.confirm_email_change(
            body["token"], secret_key=current_settings().signing_key, lifetime=confirmation_lifetime()
        )
    return {"message": "Your new e-mail is in force. Log in with it from now on."}


@blueprint.route("/me/close", methods=["POST"])
@authenticated()
@per_guesser
@refuses(PasswordWrong, FreshLogInNeeded, account_closing.OwnerMustHandOver)
@blueprint.arguments(ProofSchema)
@blueprint.response(204)
def close_account(body: dict[str, Any]) -> None:
    """Close your account for good.

    What is personal is erased, sessions and API keys end, your own delivery points are deleted. What was ordered stays
    with your company, without your name.
    """
    with transaction():
        account_closing.close_account(current_user(), password=body["password"], by_token=current_token())
