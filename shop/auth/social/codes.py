"""One-time secrets on the way from a provider to an account: 256 random bits, kept as a SHA-256, used once, soon."""

import base64
import hashlib
import hmac
import re
import secrets
from dataclasses import asdict
from datetime import timedelta

from sqlalchemy import delete, select, update
from sqlalchemy.exc import IntegrityError

from shop.auth.models import User
from shop.auth.social.models import REGISTER, SocialCode
from shop.auth.social.providers import Identity
from shop.database import delete_some, now, session, violated_constraint
from shop.errors import Invalid

# The link in a client, the client itself, a person who fills in a form.
TICKET_LIFETIME = timedelta(minutes=5)
CODE_LIFETIME = timedelta(seconds=60)
REGISTRATION_LIFETIME = timedelta(minutes=30)
KEEP_USED = timedelta(hours=1)  # longer than an unfinished log-in may wait in its browser

CHALLENGE = re.compile(r"[A-Za-z0-9_-]{43}")
UNIQUE_STATE = "uq_social_codes_state_hash"


class SocialCodeNotValid(Invalid):
    code = "SocialCodeNotValid"
    message = "This code was used already, has expired, or was made for somebody or something else. Start again."


class AnswerRepeated(Invalid):
    """The provider's answer with this state was taken before: the cookie of the browser was copied, or its history."""

    code = "AnswerRepeated"
    message = "This log-in was finished already. Start again."


def make_code(
    purpose: str,
    *,
    provider: str,
    lifetime: timedelta,
    user_id: int | None = None,
    identity: Identity | None = None,
    challenge: str | None = None,
    state: str | None = None,
) -> tuple[SocialCode, str]:
    """A new code and its secret. Of two with the same `state` the second is refused with AnswerRepeated."""
    secret = secrets.token_urlsafe(32)
    code = SocialCode(
        hash=_hash(secret),
        purpose=purpose,
        provider=provider,
        user_id=user_id,
        identity=asdict(identity) if identity else None,
        challenge=challenge,
        state_hash=_hash(state) if state else None,
        expires_at=now() + lifetime,
    )
    try:
        with session().begin_nested():
            session().add(code)
    except IntegrityError as error:
        if violated_constraint(error) != UNIQUE_STATE:
            raise
        raise AnswerRepeated from None
    return code, secret


def use_code(secret: str, purpose: str, *, verifier: str | None = None) -> SocialCode:
    """Uses it up in one statement, so of two simultaneous uses one is refused with SocialCodeNotValid."""
    code: SocialCode | None = session().scalar(
        update(SocialCode)
        .where(
            SocialCode.hash == _hash(secret),
            SocialCode.purpose == purpose,
            SocialCode.used_at.is_(None),
            SocialCode.expires_at > now(),
        )
        .values(used_at=now())
        .returning(SocialCode)
    )
    if code is None or not _is_proved(code.challenge, verifier):
        raise SocialCodeNotValid
    return code


def email_behind(secret: str) -> str | None:
    """What the provider told as the e-mail of who may register with this code; nothing is used up."""
    found = select(SocialCode.identity["email"].as_string()).where(SocialCode.hash == _hash(secret))
    return session().scalar(found.where(SocialCode.purpose == REGISTER))


def challenge_of(verifier: str) -> str:
    """RFC 7636, S256."""
    digest = hashlib.sha256(verifier.encode(errors="replace")).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def identity_of(code: SocialCode) -> Identity:
    if code.identity is None:
        raise SocialCodeNotValid
    return Identity(**code.identity)


def forget_codes(user: User) -> None:
    """A linking under way ends: who began it may not be the owner."""
    session().execute(delete(SocialCode).where(SocialCode.user_id == user.id))


def purge_social_codes() -> int:
    """Codes that expired an hour ago, and with them what the provider said about the person."""
    return delete_some(SocialCode, SocialCode.expires_at < now() - KEEP_USED)


def _is_proved(challenge: str | None, verifier: str | None) -> bool:
    """A client that sends a verifier has begun with its challenge: a code without one was slipped in by another."""
    if challenge is None or verifier is None:
        return challenge is verifier
    return hmac.compare_digest(challenge_of(verifier), challenge)


def _hash(secret: str) -> bytes:
    return hashlib.sha256(secret.encode(errors="replace")).digest()
