"""The goods of a list one by one: each becomes a Row, or an error says why not; warnings say what a row lost."""

from collections import Counter
from collections.abc import Iterable, Iterator, MutableMapping, Sequence
from typing import Any, NamedTuple

from shop.price_lists.models import ERROR, WARNING
from shop.price_lists.reading.cell_values import CONTROLS, UnreadableValueError, text_of
from shop.price_lists.reading.listed_fields import KNOWN_FIELDS, Had
from shop.price_lists.reading.original_rows import original_of
from shop.price_lists.reading.parsed import (
    MOST_CATEGORIES,
    MOST_GOODS,
    CutGood,
    TableGood,
    UnreadablePriceList,
    WideGood,
)
from shop.price_lists.reading.row_reader import LONGEST, NOT_WORDS, GoodReader, Row
from shop.price_lists.row_issues import Issue

HEADING, CUT, TOO_WIDE = "taken_as_heading", "torn", "row_too_wide"


class Checked(NamedTuple):
    """What became of one entry of the list: the row, unless it was rejected, and all that is to be said about it.

    One that was rejected for its price alone has a row, too, which says so.
    """

    row: Row | None
    issues: list[Issue]
    is_rejected: bool = False


def check_categories(declared: Sequence[Any]) -> tuple[dict[str, str], list[Issue]]:
    """Names by id, of those categories that have both; the first one counts where an id is declared twice."""
    if len(declared) > MOST_CATEGORIES:
        raise UnreadablePriceList("too_many_categories", most=MOST_CATEGORIES)
    names: dict[str, str] = {}
    issues = []
    for number, entry in enumerate(declared, start=1):
        try:
            if not isinstance(entry, dict):
                raise UnreadableValueError("not_a_category")
            key, name = (text_of(entry.get(part), longest=LONGEST["category"]) for part in ("id", "name"))
            if not key or not name:
                raise UnreadableValueError("incomplete")
            if names.setdefault(key, name) != name:
                raise UnreadableValueError("duplicate", id=key, name=names[key])
        except UnreadableValueError as error:
            facts = {"number": number, **error.facts}
            issues.append(Issue(0, WARNING, None, "categories", f"category_{error.sentence}", facts))
    return names, issues


def check_goods(
    goods: Iterable[tuple[int, Any]],
    categories: MutableMapping[str, str],
    mode: str,
    *,
    had: Had | None = None,
    declares_categories: bool = True,
    unread: Counter[str] | None = None,
) -> Iterator[Checked]:
    """One after the other, as they are read.

    Where the list declares none, `categories` gains those that goods name. `had` gains what goods have, and `unread`
    counts fields that nobody reads.
    """
    had = had or Had()
    ids_of_names = {name.casefold(): key for key, name in categories.items()}
    first_rows: dict[str, int] = {}
    for count, (number, good) in enumerate(goods):
        if count >= MOST_GOODS:
            raise UnreadablePriceList("too_many_goods", most=MOST_GOODS)
        if isinstance(good, dict) and good.get("is_heading"):
            yield _heading(number, good)
            continue
        if isinstance(good, CutGood | WideGood):
            yield _broken(number, good)
            continue
        checker = GoodReader(number, good if isinstance(good, dict) else {}, categories, ids_of_names, had)
        checker.may_add_category = not declares_categories and len(categories) < MOST_CATEGORIES
        try:
            if not isinstance(good, dict):
                raise UnreadableValueError("not_a_good")
            if unread is not None and not good.keys() <= KNOWN_FIELDS:
                unread.update(str(key)[:100] for key in good.keys() - KNOWN_FIELDS)
            had.note(good)
            checker.identify(first_rows)
            row = checker.row(mode)
        except UnreadableValueError as error:
            checker.report(ERROR, "" if error.sentence == "not_a_good" else "id", error)
            row = None
        yield Checked(row, checker.issues, checker.is_rejected)


def unread_fields(counts: Counter[str]) -> list[Issue]:
    """The most frequent first: a misspelled field must not get lost silently."""
    return [
        Issue(0, WARNING, None, text_of(key, longest=100), "field_unknown", {"goods": count})
        for key, count in counts.most_common(20)
    ]


def without_stock(had: Had) -> list[Issue]:
    """Once for the whole list: what is known of their stock stays."""
    if not had.without_stock or "quantity" not in had.fields:
        return []
    return [Issue(0, WARNING, None, "quantity", "quantity_missing", {"goods": had.without_stock})]


def _broken(number: int, good: TableGood) -> Checked:
    """Nothing of it is taken but the id, which says that the list names this good."""
    code, facts = CUT, {}
    if isinstance(good, WideGood):
        code, facts = TOO_WIDE, {"width": good.width, "named": good.named}
    return Checked(None, [Issue(number, ERROR, _shown_id(good), "", code, facts, original_of(good, {}))], True)


def _heading(number: int, good: dict[Any, Any]) -> Checked:
    """A line of a table that looks like the title of a group; an offer of that id stays as it is."""
    return Checked(None, [Issue(number, WARNING, _shown_id(good), "price", HEADING, {})])


def _shown_id(good: dict[Any, Any]) -> str | None:
    shown = NOT_WORDS.sub(" ", str(good.get("id") or ""))[: LONGEST["id"]].strip()
    return CONTROLS.sub(" ", str(good["id"]))[: LONGEST["id"]] if shown else None
