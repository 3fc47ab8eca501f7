"""The states of a supplier's part of an order: one table, which moves, routes, webhooks, mails and the admin follow."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from shop.auth.models import BUYER, MANAGER, SUPPLIER

NEW, CONFIRMED, ASSEMBLED, SENT = "new", "confirmed", "assembled", "sent"
DELIVERED, REFUSED, CANCELED = "delivered", "refused", "canceled"

SELLING, BUYING = frozenset({SUPPLIER, MANAGER}), frozenset({BUYER, MANAGER})
ALL = SELLING | BUYING


@dataclass(frozen=True)
class PartState:
    """`to`: the states in which a part may be next, each with the roles that may move it there; a supplier only its
    own parts, a buyer only the company's.

    `rank`: an order is as far as the least advanced of its parts; None where a part counts for nothing any more.
    `went_wrong`: somebody reads why. `move` is the admin's button for going there, `tone` that of its badges.
    """

    name: str
    rank: int | None
    event_type: str
    event_summary: str
    tone: str
    move: str = ""
    went_wrong: bool = False
    to: Mapping[str, frozenset[str]] = field(default_factory=dict)


PART_STATES: Mapping[str, PartState] = {
    state.name: state
    for state in (
        PartState(
            NEW,
            rank=0,
            event_type="supplier_order.placed",
            event_summary="A buyer ordered of you",
            tone="waiting",
            to={CONFIRMED: SELLING, CANCELED: ALL},
        ),
        PartState(
            CONFIRMED,
            rank=1,
            event_type="supplier_order.confirmed",
            event_summary="A part was confirmed",
            tone="moving",
            move="Confirm",
            to={ASSEMBLED: SELLING, SENT: SELLING, CANCELED: ALL},
        ),
        PartState(
            ASSEMBLED,
            rank=2,
            event_type="supplier_order.assembled",
            event_summary="A part was assembled",
            tone="moving",
            move="Assembled",
            to={SENT: SELLING, CANCELED: SELLING},
        ),
        PartState(
            SENT,
            rank=3,
            event_type="supplier_order.sent",
            event_summary="A part was sent",
            tone="moving",
            move="Sent",
            to={DELIVERED: ALL, REFUSED: BUYING},
        ),
        PartState(
            DELIVERED,
            rank=5,
            event_type="supplier_order.delivered",
            event_summary="A part was delivered",
            tone="good",
            move="Delivered",
        ),
        PartState(
            REFUSED,
            rank=4,
            event_type="supplier_order.refused",
            event_summary="A part was refused at the door",
            tone="bad",
            move="Refused…",
            went_wrong=True,
        ),
        PartState(
            CANCELED,
            rank=None,
            event_type="supplier_order.canceled",
            event_summary="A part was canceled",
            tone="quiet",
            move="Cancel…",
            went_wrong=True,
        ),
    )
}
STATES = tuple(PART_STATES)
WENT_WRONG = tuple(state.name for state in PART_STATES.values() if state.went_wrong)


def moves_from(state: str, role: str) -> tuple[str, ...]:
    """The states to which somebody of this role could move a part now."""
    return tuple(to for to, roles in PART_STATES[state].to.items() if role in roles)


def movers_to(to: str) -> frozenset[str]:
    """The roles that may move a part there, from one state or another."""
    return frozenset().union(*(state.to.get(to, ()) for state in PART_STATES.values()))


def state_of(states: Sequence[str]) -> str:
    """An order's, of those of its parts: the least advanced; canceled when all are."""
    ranks = {state: rank for state in states if (rank := PART_STATES[state].rank) is not None}
    return min(ranks, key=ranks.__getitem__, default=CANCELED)


def before(state: str) -> tuple[str, ...]:
    """The states that are less advanced."""
    limit = PART_STATES[state].rank or 0
    return tuple(each.name for each in PART_STATES.values() if each.rank is not None and each.rank < limit)
