"""What happens to accounts that others may want to know."""

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
    """The user wants another confirmation link."""

    type: ClassVar[str] = "user.confirmation_requested"
    user_id: int
