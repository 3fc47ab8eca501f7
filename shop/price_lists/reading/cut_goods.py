"""Goods of a file without an end of its own: the last one may be what a cut has left.

A cut good has not come to keys that all goods before it have, or the value of its last key is not whole. One that
lacks its last line end needs few goods to be compared with. Where the cut fell on a line's end, only many can tell.
"""

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from shop.price_lists.reading.parsed import CutGood
from shop.spreadsheets import is_cut_value

COMPARED = 20
ENOUGH, MANY = 3, 10


def with_cut_last(goods: Iterable[Any], *, ends_in_line: bool) -> Iterator[Any]:
    """The same goods, the last one as a CutGood if it is one. `ends_in_line`: the last line end is missing."""
    before: deque[Any] = deque(maxlen=COMPARED)
    goods = iter(goods)
    try:
        last = next(goods)
    except StopIteration:
        return
    for good in goods:
        yield last
        before.append(last)
        last = good
    if all(isinstance(good, dict) for good in before) and _is_cut(last, before, ends_in_line):
        whole = list(last)[: -1 if ends_in_line else None] if isinstance(last, dict) else []
        yield CutGood({name: last[name] for name in whole if name == "id"})
    else:
        yield last


def _is_cut(last: Any, before: Sequence[dict[Any, Any]], ends_in_line: bool) -> bool:
    if len(before) < (ENOUGH if ends_in_line else MANY):
        return False
    if not isinstance(last, dict) or _stops_early(last, before):
        return True
    return ends_in_line and bool(last) and _has_cut_value(last, before)


def _stops_early(last: dict[Any, Any], before: Sequence[dict[Any, Any]]) -> bool:
    """It has only keys that stand, in the good before it, above the first one that it lacks."""
    missing = set.intersection(*map(set, before)) - last.keys()
    order = {name: place for place, name in enumerate(before[-1])}
    first = min((order[name] for name in missing), default=0)
    return bool(missing) and all(order.get(name, 0) < first for name in last)


def _has_cut_value(last: dict[Any, Any], before: Sequence[dict[Any, Any]]) -> bool:
    name = next(reversed(last))
    others = [each[name] for each in before if name in each]
    if isinstance(last[name], dict):
        return _is_cut(last[name], [each for each in others if isinstance(each, dict)], ends_in_line=True)
    return is_cut_value(last[name], others)
