"""What happens to accounts and companies that others may want to know."""

from dataclasses import dataclass
from typing import ClassVar

from shop.outbox.events import Event


@dataclass(frozen=True)
class UserRegistered(Event):
    type: ClassVar[str] = "user.registered"
    user_id: int


@dataclass(frozen=True)
class RegistrationRepeated(Event):
    """Somebody registered with the e-mail of this user, who has an account already."""

    type: ClassVar[str] = "user.registration_repeated"
    user_id: int


@dataclass(frozen=True)
class ConfirmationRequested(Event):
    """Somebody wants another confirmation link; without a user where none is to be sent, so that both cost the same."""

    type: ClassVar[str] = "user.confirmation_requested"
    user_id: int | None


@dataclass(frozen=True)
class PasswordResetRequested(Event):
    """Somebody wants a link to set a new password; without a user where the e-mail is unknown."""

    type: ClassVar[str] = "user.password_reset_requested"
    user_id: int | None


@dataclass(frozen=True)
class EmailChangeRequested(Event):
    """The user's pending e-mail is to be confirmed, and the present one to be warned."""

    type: ClassVar[str] = "user.email_change_requested"
    user_id: int


@dataclass(frozen=True)
class EmailChanged(Event):
    """The address that the account had until now is not the user's any more, so the event must hold it."""

    type: ClassVar[str] = "user.email_changed"
    user_id: int
    old_email: str


@dataclass(frozen=True)
class SecurityChanged(Event):
    """Something that only the owner of the account may have done; `what` is a name of security_notices."""

    type: ClassVar[str] = "user.security_changed"
    user_id: int
    what: str
    subject: str = ""
