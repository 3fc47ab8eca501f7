"""Idempotency-Key: the same request sent again gets the same answer, and happens once."""

import hashlib
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import wraps
from typing import Any

import orjson
from flask import Response, request
from sqlalchemy import ForeignKey, LargeBinary, UniqueConstraint, select, text
from sqlalchemy.orm import Mapped, mapped_column

from shop.database import CreatedAt, Id, Model, delete_some, now, session, transaction
from shop.errors import FieldError, Invalid
from shop.http.requests import caller_id, is_program

HEADER = "Idempotency-Key"
MAX_LENGTH = 255
LIFETIME = timedelta(hours=24)

KEY_PARAMETER = {
    "in": "header",
    "name": HEADER,
    "required": False,
    "schema": {"type": "string", "minLength": 1, "maxLength": MAX_LENGTH},
    "description": "Any text of your own; the same key sent again within 24 hours answers the same and happens once.",
}


class IdempotencyKeyInvalid(Invalid):
    code = "IdempotencyKeyInvalid"
    message = "The Idempotency-Key must be 1 to 255 printable ASCII characters."


class IdempotencyKeyNeeded(Invalid):
    code = "IdempotencyKeyNeeded"
    message = "Programs must send an Idempotency-Key: a request sent twice by mistake must not happen twice."


class IdempotencyKeyReused(Invalid):
    code = "IdempotencyKeyReused"
    message = "This Idempotency-Key was used for another request. Take a new one for a new request."


class IdempotencyKey(Model):
    """One key of one user: what was asked (as a fingerprint) and what was answered, byte for byte."""

    __tablename__ = "idempotency_keys"
    __table_args__ = (UniqueConstraint("user_id", "key"),)

    id: Mapped[Id]
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    key: Mapped[str]
    fingerprint: Mapped[bytes] = mapped_column(LargeBinary)
    status: Mapped[int | None]
    location: Mapped[str | None]
    body: Mapped[bytes | None] = mapped_column(LargeBinary)
    created_at: Mapped[CreatedAt] = mapped_column(index=True)

    @property
    def expires_at(self) -> datetime:
        return self.created_at + LIFETIME


CLAIM = text("""
INSERT INTO idempotency_keys AS claim (user_id, key, fingerprint) VALUES (:user_id, :key, :fingerprint)
ON CONFLICT (user_id, key) DO UPDATE
SET fingerprint = excluded.fingerprint, created_at = now(), status = NULL, location = NULL, body = NULL
WHERE claim.created_at < :too_old
RETURNING id
""")

STORE = text("""
UPDATE idempotency_keys SET status = :status, location = :location, body = :body WHERE id = :claimed
""")


def idempotent_transaction(view: Callable[..., Response]) -> Callable[..., Response]:
    """Opens the route's transaction and claims the key inside it.

    The claim commits together with what the route did: a rival with the same key waits on the unique index until
    then and reads the stored answer; a refusal rolls the claim back, so that the key can be used again. People may
    do without a key, API keys may not.
    """

    @wraps(view)
    def wrapper(*args: Any, **kwargs: Any) -> Response:
        key = request.headers.get(HEADER)
        user_id = caller_id()
        if key is None and is_program():
            raise IdempotencyKeyNeeded(errors=[FieldError("headers", HEADER, IdempotencyKeyNeeded.message)])
        with transaction():
            if key is None or user_id is None:
                return view(*args, **kwargs)
            _check_key(key)
            fingerprint = _fingerprint()
            claimed = _claim_key(user_id, key, fingerprint)
            if claimed is None:
                return _stored_answer(user_id, key, fingerprint)
            response = view(*args, **kwargs)
            _store_answer(claimed, response)
            return response

    return wrapper


def purge_idempotency_keys() -> int:
    return delete_some(IdempotencyKey, IdempotencyKey.created_at < now() - LIFETIME)


def _check_key(key: str) -> None:
    if not 1 <= len(key) <= MAX_LENGTH or not key.isascii() or not key.isprintable():
        raise IdempotencyKeyInvalid(errors=[FieldError("headers", HEADER, IdempotencyKeyInvalid.message)])


def _fingerprint() -> bytes:
    body = orjson.loads(request.get_data(cache=True) or b"null")  # the schema has read it: it is valid
    canonical = orjson.dumps([request.endpoint, request.view_args, body], option=orjson.OPT_SORT_KEYS)
    return hashlib.sha256(canonical).digest()


def _claim_key(user_id: int, key: str, fingerprint: bytes) -> int | None:
    """The id of our claim; None where the key is in use. A key past its lifetime is taken over."""
    values = {"user_id": user_id, "key": key, "fingerprint": fingerprint, "too_old": now() - LIFETIME}
    return session().connection().execute(CLAIM, values).scalar_one_or_none()


def _stored_answer(user_id: int, key: str, fingerprint: bytes) -> Response:
    stored = session().scalars(select(IdempotencyKey).filter_by(user_id=user_id, key=key)).one()
    if stored.fingerprint != fingerprint:
        raise IdempotencyKeyReused
    response = Response(stored.body, status=stored.status or 200, content_type="application/json")
    if stored.location:
        response.headers["Location"] = stored.location
    response.headers["Idempotency-Replayed"] = "true"
    return response


def _store_answer(claimed: int, response: Response) -> None:
    values = {
        "status": response.status_code,
        "location": response.headers.get("Location"),
        "body": response.get_data(),
    }
    session().connection().execute(STORE, {"claimed": claimed} | values)
