"""Register, confirm, log in and out, and the sessions that come of it."""

from datetime import timedelta
from typing import Any

from flask import request

from shop.auth import accounts, tokens
from shop.auth.access import authenticated, current_token, current_user, public
from shop.auth.email_addresses import EmailInvalid
from shop.auth.mailed_tokens import LinkNotValid
from shop.auth.models import AccessToken
from shop.auth.passwords import PasswordTooWeak
from shop.auth.routes.blueprint import MAIL_SENT, blueprint, confirmation_lifetime
from shop.auth.schemas import (
    AccessTokenSchema,
    ConfirmEmailSchema,
    LogInSchema,
    MessageSchema,
    RegisterSchema,
    ResendConfirmationSchema,
)
from shop.auth.second_factor import OtpRequired, OtpWrong
from shop.auth.throttling import per_account, per_log_in, per_mailbox
from shop.auth.token_schemas import SessionsSchema
from shop.config import current_settings
from shop.database import transaction
from shop.http.blueprint import refuses
from shop.http.throttling import caller_address


@blueprint.route("/register", methods=["POST"])
@public
@per_account
@per_mailbox
@refuses(EmailInvalid, PasswordTooWeak)
@blueprint.arguments(RegisterSchema)
@blueprint.response(202, MessageSchema)
def register(body: dict[str, Any]) -> dict[str, str]:
    """Register a company and its first user.

    A mail with a confirmation link follows. The answer is the same for an e-mail that has an account already; then its
    owner gets another mail. A supplier can trade after a manager's approval.
    """
    with transaction():
        accounts.register(**body)
    return MAIL_SENT


@blueprint.route("/confirm-email", methods=["POST"])
@public
@refuses(LinkNotValid)
@blueprint.arguments(ConfirmEmailSchema)
@blueprint.response(200, MessageSchema)
def confirm_email(body: dict[str, Any]) -> dict[str, str]:
    """Confirm an e-mail with the token of the mailed link

    The token works once. The mail's own link opens a page that does the same; without this step nobody logs in.
    """
    with transaction():
        accounts.confirm_email(
            body["token"], secret_key=current_settings().signing_key, lifetime=confirmation_lifetime()
        )
    return {"message": "Your e-mail is confirmed. You can log in now."}


@blueprint.route("/resend-confirmation", methods=["POST"])
@public
@per_account
@per_mailbox
@blueprint.arguments(ResendConfirmationSchema)
@blueprint.response(202, MessageSchema)
def resend_confirmation(body: dict[str, Any]) -> dict[str, str]:
    """Ask for another confirmation link

    The answer is the same for any e-mail, and only an account that waits for it gets a mail, a few in an hour at most.
    """
    with transaction():
        accounts.resend_confirmation(body["email"])
    return {"message": "If this e-mail waits for its confirmation, a mail with a new link is on its way."}


@blueprint.route("/login", methods=["POST"])
@public
@per_log_in
@refuses(accounts.LoginFailed, OtpRequired, OtpWrong, accounts.EmailNotConfirmed, accounts.AccountBlocked)
@blueprint.arguments(LogInSchema)
@blueprint.response(200, AccessTokenSchema)
def log_in(body: dict[str, Any]) -> dict[str, Any]:
    """Get an access token for an e-mail and a password.

    Where the account has a second factor the answer without `otp` is 401 OtpRequired; send all three together then.
    """
    with transaction():
        token, secret = accounts.log_in(
            **body,
            lifetime=timedelta(days=current_settings().session_lifetime_days),
            secret_key=current_settings().signing_key,
            opened_from=caller_address(),
            user_agent=request.headers.get("User-Agent"),
        )
    return {"access_token": secret, "token_type": "Bearer", "expires_at": token.expires_at}


@blueprint.route("/logout", methods=["POST"])
@authenticated(before_second_factor=True)
@blueprint.response(204)
def log_out() -> None:
    """End the session that this request carries

    Its token opens nothing from the next request on. Other sessions and API keys live on.
    """
    with transaction():
        accounts.log_out(current_token())


@blueprint.route("/logout-all", methods=["POST"])
@authenticated(before_second_factor=True)
@blueprint.response(204)
def log_out_everywhere() -> None:
    """End all your sessions, this one too

    API keys live on: delete those one by one, or by a reset of the password with `end_api_keys`.
    """
    with transaction():
        accounts.log_out_everywhere(current_user())


@blueprint.route("/sessions", methods=["GET"])
@authenticated()
@blueprint.response(200, SessionsSchema)
def list_sessions() -> dict[str, Any]:
    """List your open sessions, the latest first

    All on one page: where and by which program each was opened, and which one this is.
    """
    return {"items": [_session_facts(token) for token in tokens.sessions_of(current_user())], "next_cursor": None}


@blueprint.route("/sessions/<id:session_id>", methods=["DELETE"])
@authenticated()
@refuses(tokens.SessionNotFound)
@blueprint.response(204)
def end_session(session_id: int) -> None:
    """End one of your sessions

    On a device that you have lost, for example. Its token opens nothing from the next request on.
    """
    with transaction():
        tokens.end_session(current_user(), session_id)


def _session_facts(token: AccessToken) -> dict[str, Any]:
    names = ("id", "created_at", "last_used_at", "expires_at", "opened_from", "user_agent")
    return {name: getattr(token, name) for name in names} | {"is_current": token.id == current_token().id}
