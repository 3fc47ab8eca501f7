"""Filters of a list: named fields above the table, each a condition on the statement and a part of the address."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, tzinfo
from typing import Any

from sqlalchemy import ColumnElement, or_

from shop.admin.formats import zone
from shop.http.fields import CONTROL_CHARACTERS

MAX_TEXT = 200

Condition = Callable[[Any], ColumnElement[bool]]
Choices = Sequence[tuple[str, str]]
Offered = Callable[[], Choices]  # asked for when the page is made: packages declare some later than it is imported


@dataclass(frozen=True)
class Filter:
    """`?key=value` narrows the list by `condition(value)`; `parse` refuses by ValueError what cannot be meant."""

    key: str
    label: str
    condition: Condition
    kind: str = "search"
    choices: Offered = tuple
    parse: Callable[[str], Any] = str


def contains(key: str, label: str, *columns: Any) -> Filter:
    """The text occurs in one of the columns, whatever its case."""
    return Filter(key, label, lambda text: any_contains(columns, text), parse=_text)


def choice(key: str, label: str, column: Any, choices: Choices | Offered) -> Filter:
    """One of a few values, each with its label."""
    offered: Offered = choices if callable(choices) else lambda: choices

    def parse(text: str) -> str:
        return _one_of(text, {value for value, _ in offered()})

    return Filter(key, label, lambda value: column == value, "choice", offered, parse=parse)


def flag(key: str, label: str, condition: ColumnElement[bool]) -> Filter:
    """On or off; `?key=1` is on."""
    return Filter(key, label, lambda _: condition, "flag", parse=lambda text: _one_of(text, {"1"}))


def since(key: str, label: str, column: Any) -> Filter:
    """From the beginning of that day in the reader's time zone."""
    return Filter(key, label, lambda on: column >= beginning(on), "date", parse=_day)


def until(key: str, label: str, column: Any) -> Filter:
    """To the end of that day."""
    return Filter(key, label, lambda on: column < beginning(on + timedelta(days=1)), "date", parse=_day)


def any_contains(columns: Sequence[Any], text: str) -> ColumnElement[bool]:
    return or_(*(column.icontains(text, autoescape=True) for column in columns))


def beginning(on: date) -> datetime:
    return beginning_in(zone(), on)


def beginning_in(place: tzinfo, on: date) -> datetime:
    return datetime.combine(on, time(), place)


def _text(text: str) -> str:
    text = text.strip()
    if not text or len(text) > MAX_TEXT or CONTROL_CHARACTERS.search(text):
        raise ValueError(text)
    return text


def _one_of(text: str, values: set[str]) -> str:
    if text not in values:
        raise ValueError(text)
    return text


def _day(text: str) -> date:
    on = date.fromisoformat(text)
    if not 2000 <= on.year <= 2999:
        raise ValueError(text)
    return on
