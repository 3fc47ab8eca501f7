"""Refusals: what the product says no to, with facts and without HTTP.

Refusal
├── Unauthenticated    nobody, or nobody any more
├── Forbidden          known, but not allowed
├── NotFound           unknown, or somebody else's: the two look the same
├── Stale              the thing has changed since the caller looked at it
├── VersionNeeded      the caller must say which version the change is meant for
├── Untrusted          nobody can tell that the person meant to send this
├── Invalid            the request's content cannot be meant
├── Conflict           well-formed, but the present state forbids it
└── Unavailable        something that it depends on does not answer; try again
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar


@dataclass(frozen=True)
class FieldError:
    """One thing wrong with the input: where it is, the field's path (`lines.0.quantity`), and what to do about it."""

    location: str
    field: str
    message: str


class Refusal(Exception):  # noqa: N818 - a refusal is an answer, not an error
    """The product's answer no. `code` is stable for clients, `message` is for people, `facts` are for both."""

    code: ClassVar[str] = "Refused"
    message: ClassVar[str] = "The request was refused."

    def __init__(self, message: str | None = None, *, errors: Sequence[FieldError] = (), **facts: Any) -> None:
        self.detail = message or self.message.format(**facts)
        self.errors = list(errors)
        self.facts = facts
        super().__init__(self.detail)


class Unauthenticated(Refusal):
    code = "Unauthenticated"
    message = "Log in first: send the header 'Authorization: Bearer …' with a valid token."


class Forbidden(Refusal):
    code = "Forbidden"
    message = "Your account is not allowed to do this."


class NotFound(Refusal):
    code = "NotFound"
    message = "There is no such thing here."


class Untrusted(Refusal):
    code = "Untrusted"
    message = "This form was not sent from a page that we have shown you, or too long ago. Open the page again."


class Invalid(Refusal):
    code = "Invalid"
    message = "The request cannot be understood as it is."


class Conflict(Refusal):
    code = "Conflict"
    message = "The present state does not allow this."


class Busy(Conflict):
    """Somebody else is working on the same rows."""

    code = "Busy"
    message = "Somebody else is changing the same things right now. Try again in a moment."


class Stale(Refusal):
    code = "Stale"
    message = "This has changed since you read it. Read it again, then decide."


class VersionNeeded(Refusal):
    code = "VersionNeeded"
    message = "Send If-Match with the ETag of what you read: this changes its content."


class Unavailable(Refusal):
    code = "Unavailable"
    message = "A part of the service does not answer at the moment. Try again shortly."
    retry_after = 5
