"""The second factor of managers."""

from typing import Any

from shop.auth import second_factor
from shop.auth.access import current_token, current_user, only
from shop.auth.models import MANAGER
from shop.auth.password_changes import FreshLogInNeeded, PasswordWrong, require_password
from shop.auth.routes.blueprint import blueprint
from shop.auth.schemas import ProofSchema
from shop.auth.throttling import per_guesser
from shop.auth.token_schemas import OtpSchema, RecoveryCodesSchema, TotpSchema
from shop.config import current_settings
from shop.database import transaction
from shop.http.blueprint import refuses


@blueprint.route("/totp", methods=["POST"])
@only(MANAGER, before_second_factor=True)
@per_guesser
@refuses(second_factor.SecondFactorOn, PasswordWrong, FreshLogInNeeded)
@blueprint.arguments(ProofSchema)
@blueprint.response(201, TotpSchema)
def set_up_totp(body: dict[str, Any]) -> dict[str, str]:
    """Get a secret for your authenticator app

    It counts for nothing before its first code is verified; asking again replaces it. Who has a password states it.
    """
    with transaction():
        require_password(current_user(), body["password"], by_token=current_token())
        secret, uri = second_factor.set_up_totp(current_user(), secret_key=current_settings().signing_key)
    return {"secret": secret, "otpauth_uri": uri}


@blueprint.route("/totp/verify", methods=["POST"])
@only(MANAGER, before_second_factor=True)
@per_guesser
@refuses(second_factor.SecondFactorOn, second_factor.OtpInvalid)
@blueprint.arguments(OtpSchema)
@blueprint.response(200, RecoveryCodesSchema)
def verify_totp(body: dict[str, Any]) -> dict[str, list[str]]:
    """Switch the second factor on with the first code

    Logging in needs one from now on; all other sessions and all API keys end. The recovery codes in the answer are
    shown this once.
    """
    with transaction():
        codes = second_factor.switch_on(
            current_user(), otp=body["otp"], secret_key=current_settings().signing_key, keep=current_token()
        )
    return {"recovery_codes": codes}


@blueprint.route("/totp/disable", methods=["POST"])
@only(MANAGER)
@per_guesser
@refuses(second_factor.SecondFactorOff, second_factor.OtpInvalid)
@blueprint.arguments(OtpSchema)
@blueprint.response(204)
def disable_totp(body: dict[str, Any]) -> None:
    """Switch the second factor off

    With a code of the app or a recovery code. Recovery codes that are left open nothing any more.
    """
    with transaction():
        second_factor.switch_off(current_user(), otp=body["otp"], secret_key=current_settings().signing_key)
