"""Change the password, or set a new one by mail."""

from typing import Any

from shop.auth import password_changes
from shop.auth.access import authenticated, current_token, current_user, public
from shop.auth.mailed_tokens import LinkNotValid
from shop.auth.passwords import PasswordTooWeak
from shop.auth.routes.blueprint import blueprint, reset_lifetime
from shop.auth.schemas import ChangePasswordSchema, MessageSchema, RequestPasswordResetSchema, ResetPasswordSchema
from shop.auth.throttling import per_account, per_guesser, per_mailbox
from shop.config import current_settings
from shop.database import transaction
from shop.http.blueprint import refuses
from shop.http.throttling import caller_address


@blueprint.route("/change-password", methods=["POST"])
@authenticated()
@per_guesser
@refuses(password_changes.PasswordWrong, password_changes.FreshLogInNeeded, PasswordTooWeak)
@blueprint.arguments(ChangePasswordSchema)
@blueprint.response(204)
def change_password(body: dict[str, Any]) -> None:
    """Set another password, or a first one

    All your other sessions end; API keys live on. Who has a password states it; who came by a provider has to have
    logged in just now.
    """
    with transaction():
        password_changes.change_password(
            current_user(), present=body["present_password"], new=body["new_password"], keep=current_token()
        )


@blueprint.route("/password-reset", methods=["POST"])
@public
@per_account
@per_mailbox
@blueprint.arguments(RequestPasswordResetSchema)
@blueprint.response(202, MessageSchema)
def request_password_reset(body: dict[str, Any]) -> dict[str, str]:
    """Ask for a link to set a new password. The answer is the same for any e-mail.

    For an e-mail that was registered and never confirmed a mail says to register again.
    """
    with transaction():
        password_changes.request_password_reset(body["email"])
    return {"message": "If this e-mail has an account, a mail is on its way."}


@blueprint.route("/password-reset/confirm", methods=["POST"])
@public
@refuses(LinkNotValid, PasswordTooWeak)
@blueprint.arguments(ResetPasswordSchema)
@blueprint.response(200, MessageSchema)
def reset_password(body: dict[str, Any]) -> dict[str, str]:
    """Set a new password with the token of the mailed link, which works once.

    All sessions end.
    """
    with transaction():
        password_changes.reset_password(
            **body, secret_key=current_settings().signing_key, lifetime=reset_lifetime(), opened_from=caller_address()
        )
    return {"message": "The new password is set. You can log in with it now."}
