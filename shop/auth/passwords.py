"""Passwords: which ones are good enough, and their argon2 hashes."""

import re
import threading
import unicodedata
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from zxcvbn import zxcvbn

from shop.auth.common_passwords import KEYS, WORDS
from shop.errors import FieldError, Invalid, Unavailable

MIN_CHARACTERS = 12
MAX_BYTES = 1024
MIN_GUESSES = 10**9  # "Password2026!!" falls within 10^8 guesses, however long it looks; twelve random digits do not
LOOKED_AT = 24  # the estimate of 72 characters made for the purpose takes seconds, of 24 at most 0.2
SHORTEST_OWN_WORD = 4
PRODUCT = ("shop", "order", "orders", "ordering")

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


def check_password(password: str, *, email: str, names: Iterable[str] = (), field: str = "password") -> None:
    """Refuses passwords that are too short, too long, or among the first that somebody would try.

    `names` are those of the person and of the company: whoever aims at this account tries them first.
    """
    reason = _weakness(password, email, names)
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


def _weakness(password: str, email: str, names: Iterable[str]) -> str | None:
    if not _is_usable(password):
        return f"Must be valid Unicode of at most {MAX_BYTES} bytes."
    text = _normalized(password)
    if len(text) < MIN_CHARACTERS:
        return f"Must have at least {MIN_CHARACTERS} characters."
    local_part = email.strip().partition("@")[0].casefold()
    if len(local_part) >= SHORTEST_OWN_WORD and local_part in text.casefold():
        return "Must not contain your e-mail address."
    if _guesses(text, own_words=_words(email, *names)) < MIN_GUESSES:
        return "Is too easy to guess: avoid common words, names, sequences and years."
    return None


def _guesses(text: str, *, own_words: list[str]) -> int:
    """How many passwords somebody tries before this one, by the keys that were pressed, whatever the layout."""
    known = [word.translate(KEYS) for word in own_words] + list(WORDS)
    with _slot():
        return int(zxcvbn(text[:LOOKED_AT].translate(KEYS), user_inputs=known)["guesses"])


def _words(*texts: str) -> list[str]:
    found = re.findall(r"[^\W_]+", " ".join((*texts, *PRODUCT)).casefold())
    return [word for word in dict.fromkeys(found) if len(word) >= SHORTEST_OWN_WORD]
