"""Change sets: what a list does to each offer, written down so that it can be read before and after applying."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from sqlalchemy import delete, select, text

from shop.database import session
from shop.http.pagination import cursor_id, make_cursor, page_of, read_cursor
from shop.money import money_text
from shop.price_lists.models import ChangeSetLine, PriceList
from shop.price_lists.reading.listed_fields import DATA

MONEY = ("price", "price_rrc")


def _difference(name: str) -> str:
    before, after = f"offer.{name}", f"change.{name}"
    if name in MONEY:
        before, after = f"{before}::text", f"{after}::text"
    return (
        f"CASE WHEN offer.{name} IS DISTINCT FROM change.{name}"
        f" THEN jsonb_build_object('{name}', jsonb_build_array({before}, {after})) ELSE '{{}}' END"
    )


CATEGORY = """CASE WHEN offer.category_id IS DISTINCT FROM change.category_id
    OR change.category IS NOT NULL AND change.category_id IS NULL THEN jsonb_build_object(
    'category', jsonb_build_array(
        (SELECT name FROM categories WHERE id = offer.category_id),
        coalesce((SELECT name FROM categories WHERE id = change.category_id), list.categories ->> change.category)
    )) ELSE '{}' END"""
LISTED = """CASE WHEN offer.is_listed <> change.is_listed
    THEN jsonb_build_object('is_listed', jsonb_build_array(FALSE, TRUE)) ELSE '{}' END"""
DIFFERENCES = " || ".join([*(_difference(name) for name in DATA if name != "category_id"), CATEGORY, LISTED])
FIELDS = f"CASE WHEN change.is_price_refused THEN CAST('{{}}' AS jsonb) ELSE {DIFFERENCES} END"

# Before the offers change: afterwards their old values are gone.
WRITE_DOWN = text(f"""
INSERT INTO change_set_lines (
    price_list_id, position, change, row, offer_id, external_id, name, price, fields, reasons
)
SELECT
    list.id,
    row_number() OVER (
        ORDER BY array_position(ARRAY['quarantined', 'changed', 'new', 'withdrawn'], change.change),
            change.row, change.external_id
    ),
    change.change, change.row, change.offer_id, change.external_id, change.name,
    CASE WHEN NOT coalesce(change.is_price_refused, FALSE) THEN change.price END,
    CASE WHEN change.change IN ('changed', 'quarantined') THEN {FIELDS} END,
    CASE WHEN change.change = 'quarantined' THEN change.reasons END
FROM price_list_changes AS change
JOIN price_lists AS list ON list.id = :price_list_id
LEFT JOIN offers AS offer ON offer.id = change.offer_id AND change.change IN ('changed', 'quarantined')
WHERE change.change IN ('new', 'changed', 'withdrawn', 'quarantined')
""")  # noqa: S608 - of constants

# An offer that moved on after somebody has looked is a change that nobody has seen. That less changes is no matter.
UNSEEN = text(f"""
SELECT EXISTS (
    SELECT FROM price_list_changes AS change
    JOIN price_lists AS list ON list.id = :price_list_id
    LEFT JOIN offers AS offer ON offer.id = change.offer_id
    LEFT JOIN change_set_lines AS seen
        ON seen.price_list_id = list.id AND seen.external_id = change.external_id
        AND (seen.change = change.change OR seen.change = 'quarantined' AND change.change = 'changed')
    WHERE change.change IN ('new', 'changed', 'withdrawn', 'quarantined')
        AND (
            seen.price_list_id IS NULL
            OR change.change = 'new' AND seen.price IS DISTINCT FROM change.price
            OR change.change = 'quarantined' AND NOT change.reasons <@ seen.reasons
            OR change.change IN ('changed', 'quarantined') AND EXISTS (
                SELECT FROM jsonb_each({FIELDS}) AS field
                WHERE field.value IS DISTINCT FROM seen.fields -> field.key
            )
        )
)
""")  # noqa: S608 - of constants


def write_change_set(price_list: PriceList) -> None:
    """From the table of changes, in place of what was written down before."""
    session().execute(delete(ChangeSetLine).where(ChangeSetLine.price_list_id == price_list.id))
    session().execute(WRITE_DOWN, {"price_list_id": price_list.id})


def has_grown(price_list: PriceList) -> bool:
    """Whether the table of changes holds something that was not in the change set that somebody has read."""
    return bool(session().execute(UNSEEN, {"price_list_id": price_list.id}).scalar_one())


def change_set_of(
    price_list: PriceList, *, change: str | None, limit: int, cursor: str | None
) -> tuple[list[Mapping[str, Any]], str | None]:
    """A page of lines: quarantined, changed, new, withdrawn, each in the order of the file."""
    scope = f"changes:{price_list.id}:{change}"
    after = read_cursor(cursor, scope=scope, types=(cursor_id,))
    statement = select(ChangeSetLine).where(ChangeSetLine.price_list_id == price_list.id)
    if change:
        statement = statement.where(ChangeSetLine.change == change)
    if after:
        statement = statement.where(ChangeSetLine.position > after[0])
    rows = session().scalars(statement.order_by(ChangeSetLine.position).limit(limit + 1)).all()
    page, next_cursor = page_of(rows, limit=limit, cursor_of=lambda last: make_cursor(scope=scope, key=[last.position]))
    return [_answer(line) for line in page], next_cursor


def _answer(line: ChangeSetLine) -> dict[str, Any]:
    return {
        "row": line.row,
        "change": line.change,
        "offer_id": line.offer_id,
        "external_id": line.external_id,
        "name": line.name,
        "price": line.price,
        "fields": [_field(name, values) for name, values in (line.fields or {}).items()],
        "reasons": line.reasons or [],
    }


def _field(name: str, values: Sequence[Any]) -> dict[str, Any]:
    if name in MONEY:
        values = [None if value is None else money_text(Decimal(value)) for value in values]
    return {"field": name, "before": values[0], "after": values[1]}
