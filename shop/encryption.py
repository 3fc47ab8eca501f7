"""Secrets that we must be able to read again: encrypted, so that a stolen backup holds none that works."""

import base64
import hashlib
import hmac

from cryptography.fernet import Fernet, InvalidToken


def seal(secret: str, *, purpose: str, secret_key: str) -> bytes:
    return _cipher(purpose, secret_key).encrypt(secret.encode())


def unseal(sealed: bytes, *, purpose: str, secret_key: str) -> str | None:
    """None after SECRET_KEY has changed."""
    try:
        return _cipher(purpose, secret_key).decrypt(sealed).decode()
    except InvalidToken:
        return None


def _cipher(purpose: str, secret_key: str) -> Fernet:
    """The key is derived, so that it serves this purpose only."""
    key = hmac.new(secret_key.encode(), purpose.encode(), hashlib.sha256).digest()
    return Fernet(base64.urlsafe_b64encode(key))
