"""What a list lacks: seen in its columns before it is read, or else once all of its goods are."""

from collections import Counter
from collections.abc import Collection
from typing import Any, NoReturn, cast

from sqlalchemy import text

from shop.database import session
from shop.price_lists.models import FULL, PRICES_AND_STOCK, STOCK_ONLY, UPDATE
from shop.price_lists.reading import ParsedPriceList, UnreadablePriceList
from shop.price_lists.row_issues import Problem

TAKEN_ALONE = ("price", "price_rrc", "quantity")  # by mode prices_and_stock

ORIGINAL = """jsonb_strip_nulls(jsonb_build_object('id', row.external_id, 'sku', row.sku, 'name', row.name,
    'price', trim_scale(row.price)::text, 'unit', row.unit, 'vat_rate', row.vat_rate))"""

# Goods that were read before the first one with this field: until then nobody knew that the list has it.
REPORT_MISSING = """
INSERT INTO price_list_issues (price_list_id, row, severity, external_id, field, code, facts, original)
SELECT row.price_list_id, row.row, 'error', row.external_id, '{field}', '{field}_missing',
    jsonb_build_object('sentence', 'missing'), {original}
FROM price_list_rows AS row
WHERE row.price_list_id = :price_list_id AND row.{field} IS NULL AND NOT row.is_price_refused
"""
REFUSE = {
    "name": """
DELETE FROM price_list_rows WHERE price_list_id = :price_list_id AND name IS NULL AND NOT is_price_refused
""",
    "price": """
UPDATE price_list_rows SET is_price_refused = TRUE
WHERE price_list_id = :price_list_id AND price IS NULL AND NOT is_price_refused
""",
}
COUNT_UNKNOWN = text("""
SELECT count(*) FROM price_list_rows AS row JOIN price_lists AS list ON list.id = row.price_list_id
WHERE row.price_list_id = :price_list_id AND NOT EXISTS (
    SELECT FROM offers AS offer WHERE offer.supplier_id = list.supplier_id AND offer.external_id = row.external_id
)
""")


def refuse_columns(parsed: ParsedPriceList, mode: str) -> None:
    """Or every row would be refused for the same reason, which then lies in the columns."""
    if parsed.lacks is None:
        return
    if mode == FULL and "price" in parsed.lacks:
        raise UnreadablePriceList("no_price_column", columns=parsed.columns)
    if mode == FULL and "name" in parsed.lacks:
        raise UnreadablePriceList("no_name_column", columns=parsed.columns)
    _refuse_empty_handed(mode, frozenset(TAKEN_ALONE) - parsed.lacks)


def refuse_missing(price_list_id: int, mode: str, had: Collection[str], parsed: ParsedPriceList) -> Counter[Problem]:
    """What is wrong with how many rows that have no name or price; refuses a list that cannot do without.

    Mode full asks for them in any case.
    """
    _refuse_empty_handed(mode, had)
    wrong: Counter[Problem] = Counter()
    for field in ("name", "price") if mode != STOCK_ONLY else ():
        if field in had or mode == FULL:
            wrong[Problem(field, f"{field}_missing", (("sentence", "missing"),))] = _refuse_rows(price_list_id, field)
        elif mode == UPDATE and (unknown := count_unknown(price_list_id)):
            _refuse(field, unknown, parsed)
    return wrong


def count_unknown(price_list_id: int) -> int:
    """Rows whose goods are not in the supplier's catalog yet."""
    return cast(int, session().scalar(COUNT_UNKNOWN, {"price_list_id": price_list_id}))


def _refuse_empty_handed(mode: str, had: Collection[str]) -> None:
    if mode == STOCK_ONLY and "quantity" not in had:
        raise UnreadablePriceList("no_stock")
    if mode == PRICES_AND_STOCK and not set(TAKEN_ALONE) & set(had):
        raise UnreadablePriceList("nothing_to_take")


def _refuse_rows(price_list_id: int, field: str) -> int:
    ids = {"price_list_id": price_list_id}
    session().execute(text(REPORT_MISSING.format(field=field, original=ORIGINAL)), ids)
    return cast(int, cast(Any, session().execute(text(REFUSE[field]), ids)).rowcount)


def _refuse(field: str, unknown: int, parsed: ParsedPriceList) -> NoReturn:
    if field == "name":
        if parsed.columns:
            raise UnreadablePriceList("no_name_column", columns=parsed.columns, unknown=unknown)
        raise UnreadablePriceList("no_name_of_new", unknown=unknown)
    if parsed.columns:
        raise UnreadablePriceList("no_price_column", columns=parsed.columns, unknown=unknown)
    raise UnreadablePriceList("no_price_of_new", unknown=unknown)
