"""Lines of a table: their cells as text, and the last line of a text that was cut off before its end.

A text that lacks its last line end may have been cut. What the cut has left of its last line is seen by comparing it
with the lines before: it has fewer cells, or its last cell is blank or has lost decimals that all of them have.
"""

import math
import re
from collections.abc import Sequence
from datetime import datetime, time
from typing import Any

Line = list[Any]

SPACES = re.compile(r"\s+")
DECIMALS = re.compile(r"[-+]?\d[\d\s]{0,20}(?:[.,](?P<places>\d{0,15}))?")
LONGEST_NUMBER = 40
ENOUGH = 3  # lines to compare with, before anything is said of a value


class CutLine(list[Any]):
    """The last line of a text that ends in the middle of it."""


def cell_text(value: Any) -> str:
    """One line of text; 12.0 is how a workbook writes 12, and midnight how it writes a day."""
    if isinstance(value, float) and math.isfinite(value) and value.is_integer():
        return str(int(value))
    if isinstance(value, datetime) and value.time() == time():
        return value.date().isoformat()
    return SPACES.sub(" ", str(value)).strip() if value is not None else ""


def is_blank(value: Any) -> bool:
    return value is None or (isinstance(value, str) and not value.strip())


def last_filled(line: Sequence[Any]) -> int:
    """How far a line reaches: blank cells at its end do not count."""
    width = len(line)
    while width and is_blank(line[width - 1]):
        width -= 1
    return width


def is_cut_line(line: Sequence[Any], before: Sequence[Sequence[Any]]) -> bool:
    """Whether a line without a line end is what a cut has left, as those before it show."""
    if not before:
        return False
    if len(line) < min(map(len, before)):
        return True
    column = len(line) - 1
    return len(before) > ENOUGH and is_cut_value(
        line[column], [each[column] for each in before[1:] if len(each) > column]
    )


def is_cut_value(value: Any, others: Sequence[Any]) -> bool:
    """Whether it is blank where no other one is, or has fewer decimals than each of them."""
    if len(others) < ENOUGH or any(map(is_blank, others)):
        return False
    if is_blank(value):
        return True
    places = _places(value)
    return places is not None and places < min(_places(other) or 0 for other in others)


def _places(value: Any) -> int | None:
    text = str(value).strip()
    found = DECIMALS.fullmatch(text) if len(text) <= LONGEST_NUMBER else None
    return len(found["places"] or "") if found else None
