"""What happens to companies that others may want to know."""

from dataclasses import dataclass
from typing import ClassVar

from shop.outbox.events import Event


@dataclass(frozen=True)
class MemberInvited(Event):
    type: ClassVar[str] = "company.member_invited"
    invitation_id: int


@dataclass(frozen=True)
class CompanyMoved(Event):
    """A manager approved, blocked or unblocked the company."""

    type: ClassVar[str] = "company.moved"
    company_id: int
    from_status: str
    to_status: str
