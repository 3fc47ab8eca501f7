"""The rejected rows of a list as CSV, as they stood in the file, with what is wrong: to be mended and sent again."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import select, text

from shop.database import session
from shop.price_lists.models import ERROR, PriceList, PriceListIssue
from shop.price_lists.row_issues import issue_text
from shop.spreadsheets.headings import FIELDS, ISSUE_COLUMNS
from shop.spreadsheets.writers import BYTE_ORDER_MARK, write_csv

PIECE = 2000
OF_SENTENCES = (PriceListIssue.field, PriceListIssue.code, PriceListIssue.facts, PriceListIssue.kept_message)

COLUMNS = text("""
SELECT DISTINCT jsonb_object_keys(original) FROM price_list_issues
WHERE price_list_id = :price_list_id AND original IS NOT NULL
""")


def rejected_rows(price_list: PriceList, *, locale: str) -> Iterator[bytes]:
    """The file's own columns, then issue_row, issue_code and issue_message (ru | en), which importing ignores."""
    return write_csv(_table(price_list, locale), delimiter=";", mark=BYTE_ORDER_MARK)


def _table(price_list: PriceList, locale: str) -> Iterator[list[Any]]:
    columns = _columns(price_list)
    yield [*columns, *ISSUE_COLUMNS]
    after = 0
    while rows := _rows(price_list, after):
        after = rows[-1][0]
        for row, found in _by_row(rows):
            yield _line(columns, row, found, locale)


def _columns(price_list: PriceList) -> list[str]:
    found = session().scalars(COLUMNS, {"price_list_id": price_list.id})
    order = {name: number for number, name in enumerate(FIELDS)}
    return sorted(found, key=lambda name: (order.get(name, len(order)), name))


def _rows(price_list: PriceList, after: int) -> Sequence[Any]:
    """Whole rows only: all issues of the rows after `after`, up to some."""
    errors = (PriceListIssue.price_list_id == price_list.id, PriceListIssue.severity == ERROR)
    numbers = (
        select(PriceListIssue.row)
        .where(*errors, PriceListIssue.row > after)
        .group_by(PriceListIssue.row)
        .order_by(PriceListIssue.row)
        .limit(PIECE)
    )
    columns = (PriceListIssue.row, PriceListIssue.original, *OF_SENTENCES)
    statement = select(*columns).where(*errors, PriceListIssue.row.in_(numbers))
    return session().execute(statement.order_by(PriceListIssue.row, PriceListIssue.id)).all()


def _by_row(rows: Sequence[Any]) -> Iterator[tuple[int, list[Any]]]:
    grouped: dict[int, list[Any]] = {}
    for row in rows:
        grouped.setdefault(row[0], []).append(row)
    yield from grouped.items()


def _line(columns: Sequence[str], row: int, issues: Sequence[Any], locale: str) -> list[Any]:
    original: Mapping[str, str] = next((issue.original for issue in issues if issue.original), {})
    codes = ", ".join(dict.fromkeys(issue.code for issue in issues))
    messages = "; ".join(issue_text(issue, locale) for issue in issues)
    return [*(original.get(name) for name in columns), row, codes, messages]
