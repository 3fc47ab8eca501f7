"""What the admin calls acts and fields of the audit, and how it says what a refusal says."""

from typing import Any

from shop.errors import Refusal
from shop.translations import t

STATE_FACTS = ("state", "to", "status", "allowed")


def act_text(action: str) -> str:
    """What the audit calls an act; in English user.end_sessions is "user: end sessions"."""
    return t(f"act|{action}").replace(".", ": ").replace("_", " ")


def field_text(name: str) -> str:
    return t(f"field|{name}").replace("_", " ")


def refusal_text(refusal: Refusal) -> str:
    """The refusal's own sentence, the one that the API answers with; states in it are words, too."""
    message = type(refusal).message
    try:
        is_of_class = refusal.detail == message.format(**refusal.facts)
    except (KeyError, IndexError):
        is_of_class = False
    facts = {name: _state_texts(value) if name in STATE_FACTS else value for name, value in refusal.facts.items()}
    return t(message).format(**facts) if is_of_class else t(refusal.detail)


def _state_texts(states: Any) -> str:
    return ", ".join(t(f"state|{state}") for state in str(states).split(", "))
