"""Passwords: which ones are good enough, and their argon2 hashes."""

import threading
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from shop.auth.common_passwords import SEQUENCES, WORDS
from shop.errors import FieldError, Invalid, Unavailable

MIN_CHARACTERS = 12
MAX_BYTES = 1024
ENOUGH_PIECES = 5  # "Password2026!!" is word, year, "!": three things to guess, however long it looks
LONGEST_PIECE = 20
SHORTEST_LOCAL_PART = 4

# A hash takes 64 MiB and a core for 0.1 s. argon2 releases the GIL, so without a cap every thread would hash at once.
CONCURRENT_HASHES = 2
PATIENCE_SECONDS = 4.0

# The hash of a random password that nobody knows; a test sees to it that its parameters are today's.
_DUMMY_HASH = "$argon2id$v=19$m=65536,t=3,p=4$J7DtvPsZZ4I7nZnWE/wpXw$CBOWbwrSnyWrddoSor69MqO+mCosgd0XIZBaEMzaaRQ"

_slots = threading.BoundedSemaphore(CONCURRENT_HASHES)
_waiting = threading.BoundedSemaphore(1)
_hasher = PasswordHasher()


class PasswordTooWeak(Invalid):
    code = "PasswordTooWeak"
    message = "Choose another password."


def check_password(password: str, *, email: str, field: str = "password") -> None:
    """Refuses passwords that are too short, too long, or among the first that somebody would try."""
    reason = _weakness(password, email)
    if reason:
        raise PasswordTooWeak(reason, errors=[FieldError("json", field, reason)])


def hash_password(password: str) -> str:
    with _slot():
        return _hasher.hash(_normalized(password))


def verify_password(password_hash: str | None, password: str) -> bool:
    """Takes as long where there is no account or no password (None) as where there is one."""
    if not _is_usable(password):
        password, password_hash = "", None
    with _slot():
        try:
            return _hasher.verify(password_hash or _DUMMY_HASH, _normalized(password)) and password_hash is not None
        except (VerificationError, InvalidHashError):
            return False


def needs_rehash(password_hash: str) -> bool:
    """Was it made with other parameters than those of today?"""
    return _hasher.check_needs_rehash(password_hash)


@contextmanager
def _slot() -> Iterator[None]:
    """Few wait and the rest is sent away at once: a flood of log-ins must not hold the threads that serve others."""
    if not _slots.acquire(blocking=False):
        if not _waiting.acquire(blocking=False):
            raise Unavailable
        try:
            if not _slots.acquire(timeout=PATIENCE_SECONDS):
                raise Unavailable
        finally:
            _waiting.release()
    try:
        yield
    finally:
        _slots.release()


def _normalized(password: str) -> str:
    """The same characters typed on another keyboard or system are the same password."""
    return unicodedata.normalize("NFKC", password)


def _is_usable(password: str) -> bool:
    try:
        return len(password.encode()) <= MAX_BYTES
    except UnicodeEncodeError:
        return False


def _weakness(password: str, email: str) -> str | None:
    if not _is_usable(password):
        return f"Must be valid Unicode of at most {MAX_BYTES} bytes."
    text = _normalized(password)
    if len(text) < MIN_CHARACTERS:
        return f"Must have at least {MIN_CHARACTERS} characters."
    folded = text.casefold()
    local_part = email.strip().partition("@")[0].casefold()
    if len(local_part) >= SHORTEST_LOCAL_PART and local_part in folded:
        return "Must not contain your e-mail address."
    if folded in (folded + folded)[1:-1]:
        return "Must not repeat the same characters over and over."
    if not _has_enough_pieces(folded):
        return "Is too easy to guess: avoid common words, sequences and years."
    return None


def _has_enough_pieces(text: str) -> bool:
    """Counts what an attacker has to guess: a common word, a sequence or a run is one piece, as is any other letter."""
    position = pieces = 0
    while position < len(text) and pieces < ENOUGH_PIECES:
        position += _piece_length(text, position)
        pieces += 1
    return pieces >= ENOUGH_PIECES


def _piece_length(text: str, start: int) -> int:
    run = 1
    while text[start : start + 1] == text[start + run : start + run + 1]:
        run += 1
    for length in range(LONGEST_PIECE, max(run, 2), -1):
        piece = text[start : start + length]
        if len(piece) == length and (piece in WORDS or any(piece in sequence for sequence in SEQUENCES)):
            return length
    return run
