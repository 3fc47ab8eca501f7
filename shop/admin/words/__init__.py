"""The admin's texts: English where they are used, `t("…")`, and here what they are in Russian, by area.

A sentence of a refusal is a text, too: its Russian stands here under the English message of its class.
"""

from typing import Any

from flask_babel import get_locale
from flask_babel.speaklater import LazyString

from shop.admin.words import (
    audit,
    catalog,
    dashboard,
    deliveries,
    entering,
    fields,
    lists,
    orders,
    people,
    price_lists,
    refusals,
)
from shop.errors import Refusal

STATE_FACTS = ("state", "to", "status", "allowed")

RUSSIAN: dict[str, str] = {}
for area in (entering, lists, orders, people, dashboard, price_lists, catalog, deliveries, audit, fields, refusals):
    RUSSIAN |= area.RUSSIAN


def t(text: str, **values: Any) -> str:
    """The text in the reader's language, `{name}` filled in. In "state|new" what stands before | only tells apart."""
    locale = get_locale()
    said = RUSSIAN.get(text) if locale is not None and locale.language == "ru" else None
    said = said or text.rpartition("|")[2]
    return said.format(**values) if values else said


def language() -> str:
    """ru or en, the reader's."""
    return str(get_locale() or "en")[:2]


def later(text: str) -> LazyString:
    """For what is named before anybody reads it: menus, columns, labels."""
    return LazyString(t, text)


def act_word(action: str) -> str:
    """What the audit calls an act; in English user.end_sessions is "user: end sessions"."""
    return t(f"act|{action}").replace(".", ": ").replace("_", " ")


def field_word(name: str) -> str:
    return t(f"field|{name}").replace("_", " ")


def say(refusal: Refusal) -> str:
    """The refusal's own sentence, the one that the API answers with; states in it are words, too."""
    message = type(refusal).message
    try:
        is_of_class = refusal.detail == message.format(**refusal.facts)
    except (KeyError, IndexError):
        is_of_class = False
    facts = {name: _state_words(value) if name in STATE_FACTS else value for name, value in refusal.facts.items()}
    return t(message).format(**facts) if is_of_class else t(refusal.detail)


def _state_words(states: Any) -> str:
    return ", ".join(t(f"state|{state}") for state in str(states).split(", "))
