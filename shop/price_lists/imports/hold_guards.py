"""Guards: what makes a list wait until a person has looked at it."""

import re
from collections.abc import Iterator, Mapping

from sqlalchemy import select, text

from shop.auth.models import SUPPLIER, Company, LegalEntity
from shop.config import Settings
from shop.database import session
from shop.price_lists.imports.changes_table import CHANGED, QUARANTINED, UNCHANGED, WITHDRAWN
from shop.price_lists.imports.comparison import Guards
from shop.price_lists.models import FULL, STOCK_ONLY, ImportTerms, PriceList, PriceListIssue
from shop.price_lists.reading.row_checks import CUT
from shop.price_lists.reasons import Reason

LEGAL_FORM = re.compile(r"\b(?:ооо|оао|зао|пао|ао|ип|llc|ltd)\b")
NOT_WORDS = re.compile(r"[\W_]+")
GUARDS = ("guard_price_percent", "guard_median_percent", "guard_withdrawn_percent")

COUNT_LISTED = text("SELECT count(*) FROM offers WHERE supplier_id = :supplier_id AND is_listed")

MEDIAN = text("""
SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY abs(row.price - offer.price) * 100 / offer.price)
FROM price_list_rows AS row
JOIN offers AS offer ON offer.supplier_id = :supplier_id AND offer.external_id = row.external_id
WHERE row.price_list_id = :price_list_id AND row.price IS NOT NULL
""")


def guards_of(supplier_id: int, settings: Settings) -> Guards:
    """The operator's thresholds, unless the supplier has some of its own."""
    terms = session().get(ImportTerms, supplier_id)

    def limit(name: str) -> int:
        own: int | None = getattr(terms, name, None)
        return int(getattr(settings, name)) if own is None else own

    return Guards(*map(limit, GUARDS))


def reasons_to_hold(price_list: PriceList, counts: Mapping[str, int], guards: Guards) -> list[Reason]:
    """None where the list may be applied. Lists of stock change too little to be held."""
    if price_list.mode == STOCK_ONLY:
        return []
    ids = {"price_list_id": price_list.id, "supplier_id": price_list.supplier_id}
    return [
        *_cut(price_list),
        *_foreign(price_list),
        *_empty(price_list, counts),
        *_withdrawn(counts, guards, ids),
        *_median(counts, guards, ids),
    ]


def _cut(price_list: PriceList) -> Iterator[Reason]:
    issues = select(PriceListIssue.row).filter_by(price_list_id=price_list.id, code=CUT)
    row = session().scalar(issues.limit(1))
    if row is not None:
        yield Reason("torn", {"row": row})


def _foreign(price_list: PriceList) -> Iterator[Reason]:
    other = whose_name(price_list.shop, price_list.supplier_id)
    if other is not None:
        yield Reason("foreign", {"shop": price_list.shop[:100]})


def whose_name(shop: str, supplier_id: int) -> int | None:
    """Another supplier who is called like this while the list's own is not."""
    wanted = _name(shop)
    if not wanted:
        return None
    statement = select(Company.id, Company.name, LegalEntity.short_name, LegalEntity.full_name).outerjoin(
        LegalEntity, LegalEntity.company_id == Company.id
    )
    rows = session().execute(statement.where(Company.kind == SUPPLIER))
    found = {company_id for company_id, *names in rows if wanted in map(_name, names)}
    return None if supplier_id in found else next(iter(sorted(found)), None)


def _empty(price_list: PriceList, counts: Mapping[str, int]) -> Iterator[Reason]:
    if price_list.mode == FULL and not price_list.rows_total:
        yield Reason("empty", {"withdrawn": counts[WITHDRAWN]})


def _withdrawn(counts: Mapping[str, int], guards: Guards, ids: Mapping[str, int]) -> Iterator[Reason]:
    if not counts[WITHDRAWN]:
        return
    listed = session().execute(COUNT_LISTED, ids).scalar_one()
    if counts[WITHDRAWN] * 100 > guards.withdrawn_percent * listed:
        facts = {"withdrawn": counts[WITHDRAWN], "listed": listed, "percent": guards.withdrawn_percent}
        yield Reason("withdrawn", facts)


def _median(counts: Mapping[str, int], guards: Guards, ids: Mapping[str, int]) -> Iterator[Reason]:
    """Where most rows change nothing, the median is 0 and need not be asked for."""
    if counts[CHANGED] + counts[QUARANTINED] < counts[UNCHANGED]:
        return
    median = session().execute(MEDIAN, ids).scalar_one()
    if median is not None and median > guards.median_percent:
        yield Reason("median", {"moved": round(median), "percent": guards.median_percent})


def _name(name: str | None) -> str:
    plain = NOT_WORDS.sub(" ", (name or "").casefold().replace("ё", "е"))
    return LEGAL_FORM.sub(" ", plain).strip()
