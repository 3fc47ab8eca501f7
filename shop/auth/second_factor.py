"""The second factor: codes of an authenticator app (TOTP), and recovery codes for the day it is lost."""

import base64
import hashlib
import hmac
import secrets

import pyotp
from sqlalchemy import delete
from sqlalchemy.dialects.postgresql import insert

from shop.auth.models import AccessToken, RecoveryCode, TotpFactor, User
from shop.auth.security_notices import (
    RECOVERY_CODE_USED,
    SECOND_FACTOR_OFF,
    SECOND_FACTOR_ON,
    log,
    note_security_change,
)
from shop.auth.tokens import end_tokens
from shop.database import now, session
from shop.encryption import seal, unseal
from shop.errors import Conflict, FieldError, Invalid, Unauthenticated

ISSUER = "Shop"
PURPOSE = "shop.auth.totp"
RECOVERY_CODES = 10
RECOVERY_BYTES = 10  # 80 bits: a plain SHA-256 keeps them, as nobody can try all
TOLERATED_STEPS = (0, -1, 1)  # the app's clock may be half a minute off


class OtpRequired(Unauthenticated):
    code = "OtpRequired"
    message = "This account has a second factor. Log in with `otp`: a code of the app, or a recovery code."


class OtpWrong(Unauthenticated):
    code = "OtpWrong"
    message = "This code is wrong or was used already. Wait for the next one."


class OtpInvalid(Invalid):
    code = "OtpInvalid"
    message = "This code is wrong or was used already. Wait for the next one."


class SecondFactorOn(Conflict):
    code = "SecondFactorOn"
    message = "The second factor is on already. Switch it off first."


class SecondFactorOff(Conflict):
    code = "SecondFactorOff"
    message = "There is no second factor to check. Set one up first."


def set_up_totp(user: User, *, secret_key: str) -> tuple[str, str]:
    """A new secret and its otpauth address, shown this once. It counts for nothing before `switch_on`.

    The caller has proved the password: who found an open session must not lock its owner out with an app of his own.
    """
    if user.has_second_factor:
        raise SecondFactorOn
    secret = pyotp.random_base32()
    values = {"secret": seal(secret, purpose=PURPOSE, secret_key=secret_key), "last_step": 0}
    statement = insert(TotpFactor).values(user_id=user.id, **values)
    session().execute(statement.on_conflict_do_update(index_elements=["user_id"], set_=values))
    log.info("second_factor_set_up", user_id=user.id)
    return secret, pyotp.TOTP(secret).provisioning_uri(name=user.email, issuer_name=ISSUER)


def switch_on(user: User, *, otp: str, secret_key: str, keep: AccessToken) -> list[str]:
    """The first code proves that the app works. Ends all sessions and keys made without one; returns recovery codes."""
    if user.has_second_factor:
        raise SecondFactorOn
    if not _takes_totp(user, otp, secret_key):
        raise OtpInvalid(errors=[FieldError("json", "otp", OtpInvalid.message)])
    user.second_factor_at = now()
    end_tokens(user, kind=None, but=keep)
    note_security_change(user, SECOND_FACTOR_ON)
    return _new_recovery_codes(user)


def switch_off(user: User, *, otp: str, secret_key: str) -> None:
    """Needs a code of the app or a recovery code."""
    if not user.has_second_factor:
        raise SecondFactorOff
    if not _takes_code(user, otp, secret_key):
        raise OtpInvalid(errors=[FieldError("json", "otp", OtpInvalid.message)])
    remove_second_factor(user)


def remove_second_factor(user: User) -> None:
    """For operators, too: who has lost app and codes asks them."""
    for kept in (TotpFactor, RecoveryCode):
        session().execute(delete(kept).where(kept.user_id == user.id))
    user.second_factor_at = None
    note_security_change(user, SECOND_FACTOR_OFF)


def check_second_factor(user: User, otp: str | None, *, secret_key: str) -> None:
    """Every way to log in calls this before it gives out a session; refuses with OtpRequired, OtpWrong."""
    if not user.has_second_factor:
        return
    if not otp:
        raise OtpRequired
    if not _takes_code(user, otp, secret_key):
        log.warning("second_factor_failed", user_id=user.id)
        raise OtpWrong


def _takes_code(user: User, code: str, secret_key: str) -> bool:
    return _takes_totp(user, code, secret_key) or _takes_recovery_code(user, code)


def _takes_totp(user: User, code: str, secret_key: str) -> bool:
    """Each code once: the row is locked, and a step not after the last one taken is refused."""
    factor = session().get(TotpFactor, user.id, with_for_update=True, populate_existing=True)
    if factor is None or (secret := unseal(factor.secret, purpose=PURPOSE, secret_key=secret_key)) is None:
        return False  # after SECRET_KEY has changed only a recovery code or the operator helps
    totp, this_step = pyotp.TOTP(secret), int(now().timestamp()) // 30
    for step in (this_step + offset for offset in TOLERATED_STEPS):
        if step > factor.last_step and hmac.compare_digest(totp.generate_otp(step).encode(), _digits(code)):
            factor.last_step = step
            return True
    return False


def _takes_recovery_code(user: User, code: str) -> bool:
    """DELETE decides: of two simultaneous uses one finds the row."""
    statement = delete(RecoveryCode).where(RecoveryCode.user_id == user.id, RecoveryCode.hash == _hash(code))
    if session().scalar(statement.returning(RecoveryCode.id)) is None:
        return False
    note_security_change(user, RECOVERY_CODE_USED)
    return True


def _new_recovery_codes(user: User) -> list[str]:
    session().execute(delete(RecoveryCode).where(RecoveryCode.user_id == user.id))
    texts = [base64.b32encode(secrets.token_bytes(RECOVERY_BYTES)).decode() for _ in range(RECOVERY_CODES)]
    codes = ["-".join(text[start : start + 4] for start in range(0, len(text), 4)) for text in texts]
    session().add_all(RecoveryCode(user_id=user.id, hash=_hash(code)) for code in codes)
    return codes


def _hash(code: str) -> bytes:
    return hashlib.sha256("".join(filter(str.isalnum, code)).upper().encode(errors="replace")).digest()


def _digits(code: str) -> bytes:
    return "".join(code.split()).encode(errors="replace")
