"""The types of events that a webhook can ask for: each package declares what it tells of its things."""

from collections.abc import Mapping
from dataclasses import dataclass

from shop.auth.models import BUYER, SUPPLIER
from shop.http.fields import AnswerSchema, Identifier

TEST = "webhook.test"

TO_BUYER, TO_SUPPLIER = frozenset({BUYER}), frozenset({SUPPLIER})
TO_BOTH = TO_BUYER | TO_SUPPLIER


@dataclass(frozen=True)
class EventType:
    """What a type is about, what its `data` holds, and the kinds of companies that can ask for it."""

    summary: str
    data: type[AnswerSchema]
    concerns: frozenset[str]


_declared: dict[str, Mapping[str, EventType]] = {}


def declare_event_types(owner: str, types: Mapping[str, EventType]) -> None:
    """`owner` is the module that tells of them, its `__name__`."""
    _declared[owner] = types


def event_types() -> dict[str, EventType]:
    """All types, by their owners' names: the order does not depend on who was imported first."""
    return {name: kind for owner in sorted(_declared) for name, kind in _declared[owner].items()}


def event_types_for(company_kind: str) -> list[str]:
    return [name for name, kind in event_types().items() if company_kind in kind.concerns]


class TestNoticeSchema(AnswerSchema):
    webhook_id = Identifier(required=True)


declare_event_types(__name__, {TEST: EventType("You asked for a test", TestNoticeSchema, frozenset())})
