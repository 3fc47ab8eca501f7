"""The kinds of mail: each is declared by the function that looks up what it says, in the package that it is about."""

from collections.abc import Callable
from dataclasses import dataclass

from shop.config import Settings
from shop.mail.content import Facts
from shop.mail.models import MailMessage

LookUp = Callable[[MailMessage, Settings], Facts]


@dataclass(frozen=True)
class MailKind:
    look_up: LookUp
    goes_first: bool


KINDS: dict[str, MailKind] = {}  # filled by `mail_kind`; shop/subscribers.py imports those who declare any


def mail_kind(name: str, *, goes_first: bool = False) -> Callable[[LookUp], LookUp]:
    """Above the function that looks up the facts; `templates/<language>/<name>.txt` are what they are put into.

    `goes_first`: somebody sits and waits for it, or must hear of it before it is too late, so it goes before others.
    """

    def declare(look_up: LookUp) -> LookUp:
        if name in KINDS:
            raise ValueError(f"there are two mails of the kind {name}")
        KINDS[name] = MailKind(look_up, goes_first)
        return look_up

    return declare


def facts_of(mail: MailMessage, settings: Settings) -> Facts:
    return KINDS[mail.kind].look_up(mail, settings)


def goes_first(kind: str) -> bool:
    """A mail of a kind that there is no more does not: it ends parked, whenever its turn comes."""
    return kind in KINDS and KINDS[kind].goes_first
