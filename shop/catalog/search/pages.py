"""Searching offers: sorted pages, found in one statement, in three where nothing is found and a slip is forgiven.

The answers of what a page shows are known, or read by one statement more.
"""

import hashlib
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import lru_cache
from typing import Any

import orjson
from psycopg.rows import tuple_row
from sqlalchemy import (
    ARRAY,
    BigInteger,
    Numeric,
    Select,
    bindparam,
    cast,
    func,
    literal,
    literal_column,
    select,
    true,
    tuple_,
    union,
)

from shop.catalog.compare_prices import compare_price
from shop.catalog.models import Offer
from shop.catalog.offer_cache import VERSIONED, answers_of
from shop.catalog.offers import IS_NOT_BEYOND, NEWEST_ID, Finished, select_offers
from shop.catalog.search.filters import OfferFilter, conditions, select_matching
from shop.catalog.search.search_terms import Words, correct
from shop.database.fast_read import Prepared, is_in_transaction
from shop.http.pagination import cursor_id, make_cursor, page_of, read_cursor

MOST_RELEVANT_HITS = 1000
MOST_POPULAR = 100  # offers on a page: people look at those; a program that walks the catalog asks for more at once
PLACE_OF_KEY = len(VERSIONED)  # in a row
BY_ID = {"supplier": Offer.supplier_id, "category": Offer.category_id}  # each with an index in the order of newest
NEWEST, RELEVANCE, COMPARE_PRICE = "newest", "relevance", "compare_price"


PLAIN_RANK = re.compile(r"\d{1,9}(\.\d{1,40})?")
PLAIN_PRICE = re.compile(r"\d{1,14}(\.\d{1,4})?")


def _price(value: Any) -> Decimal:
    if not isinstance(value, str) or not PLAIN_PRICE.fullmatch(value):
        raise ValueError
    return Decimal(value)


def _name(value: Any) -> str:
    if not isinstance(value, str) or "\x00" in value:
        raise ValueError
    value.encode()
    return value


def _rank(value: Any) -> Decimal:
    if not isinstance(value, str) or not PLAIN_RANK.fullmatch(value):
        raise ValueError
    rank = Decimal(value)
    if not 0 <= rank < MOST_RELEVANT_HITS:
        raise ValueError
    return rank


def _flag(value: Any) -> bool:
    if not isinstance(value, bool):
        raise ValueError
    return value


@dataclass(frozen=True)
class Sort:
    """The columns that order a list, the id last, and how a cursor's values are read back into them."""

    columns: tuple[str, ...]
    types: tuple[Callable[[Any], Any], ...]
    is_descending: bool = False


SORTS: Mapping[str, Sort] = {
    NEWEST: Sort(("id",), (cursor_id,), is_descending=True),
    "name": Sort(("name_key", "id"), (_name, cursor_id)),
    "price": Sort(("price_with_vat", "id"), (_price, cursor_id)),
    "-price": Sort(("price_with_vat", "id"), (_price, cursor_id), is_descending=True),
    COMPARE_PRICE: Sort(("base_unit", COMPARE_PRICE, "id"), (_name, _price, cursor_id)),
    RELEVANCE: Sort(("rank", "id"), (_rank, cursor_id), is_descending=True),
}


@dataclass(frozen=True)
class Found:
    """`is_approximate`: nothing was found as typed, these are what was probably meant."""

    items: list[Finished]
    next_cursor: str | None
    is_approximate: bool = False


def search_offers(
    wanted: OfferFilter,
    *,
    sort: str | None = None,
    limit: int = 40,
    cursor: str | None = None,
    with_vat: bool = True,
) -> Found:
    """A page of listed offers of active suppliers. By relevance (the default with `q`) it reaches over 1,000 hits.

    By the price to compare come the offers of one base unit after those of another: there is no price of both.
    """
    sort = sort or (RELEVANCE if wanted.q else NEWEST)
    scope = scope_of(wanted, sort if with_vat else f"{sort}-net")
    key = read_cursor(cursor, scope=scope, types=(_flag, *SORTS[sort].types))
    words = Words(wanted.q) if wanted.q else None
    if key and key[0] and words:
        words = correct(words) or words
    find = Search(wanted, words, sort, limit, is_first=key is None, with_vat=with_vat)
    found = find.page(key[1:] if key else (), scope=scope)
    if not found.items and words and not key and (meant := correct(words)):
        found = replace(find, words=meant).page(scope=scope)
    return found


def scope_of(wanted: OfferFilter, sort: str) -> str:
    """A cursor is good for this search only: with other filters it would skip or repeat offers."""
    digest = hashlib.blake2b(orjson.dumps(wanted, default=str, option=orjson.OPT_SORT_KEYS), digest_size=8)
    return f"offers:{sort}:{digest.hexdigest()}"


@dataclass(frozen=True)
class Search:
    """What is asked for, but for the place where a page begins."""

    wanted: OfferFilter
    words: Words | None
    sort: str
    limit: int
    is_first: bool
    with_vat: bool = True

    def page(self, after: Sequence[Any] = (), *, scope: str) -> Found:
        """What begins after these values."""
        given = {f"after_{number}": value for number, value in enumerate(after)}
        if self.limit <= MOST_POPULAR and not is_in_transaction():
            rows = _prepared(self, whole=False).rows(given)
            answers = answers_of([row[:PLACE_OF_KEY] for row in rows], with_vat=self.with_vat)
            if answers is not None:
                return self._found(answers, [row[PLACE_OF_KEY:] for row in rows], scope)
        rows = _prepared(self).rows(given)
        return self._found([row[0] for row in rows], [row[1:] for row in rows], scope)

    def _found(self, answers: Sequence[str], keys: Sequence[Sequence[Any]], scope: str) -> Found:
        """Out of one more than the page shows, if there are."""
        is_approximate = bool(answers and self.words and self.words.corrected)
        page, next_cursor = page_of(
            keys, limit=self.limit, cursor_of=lambda key: make_cursor(scope=scope, key=[is_approximate, *key])
        )
        return Found([Finished(answer) for answer in answers[: len(page)]], next_cursor, is_approximate)

    def statement(self, *, whole: bool = True) -> Select[*tuple[Any, ...]]:
        """The values that the list is sorted by, after the finished answer, or after what it is known by."""
        offers = select_offers(with_vat=self.with_vat) if whole else select_offers(*VERSIONED, finished=False)
        return self._relevant(offers) if self.sort == RELEVANCE and self.words else self._sorted(offers)

    def _sorted(self, offers: Select[*tuple[Any, ...]]) -> Select[*tuple[Any, ...]]:
        kinds = [name for name in BY_ID if getattr(self.wanted, name)]
        if self.sort == NEWEST and len(kinds) == 1 and not self.words:
            return self._newest_of_each(offers, kinds[0])
        columns = [self._column(name) for name in SORTS[self.sort].columns]
        statement = offers.add_columns(*columns).where(
            Offer.is_listed, IS_NOT_BEYOND, *conditions(self.wanted, self.words)
        )
        return self._page(statement, columns)

    def _newest_of_each(self, offers: Select[*tuple[Any, ...]], kind: str) -> Select[*tuple[Any, ...]]:
        """The newest of each supplier (category), and of these the newest.

        Ids of one list stand together, so the index of all ids would have to be read past everybody else's lists; the
        planner, who takes them for mixed, would do that. Between two places of the other index it has no choice.
        """
        given = literal(sorted(set(getattr(self.wanted, kind))), ARRAY(BigInteger))
        value = func.unnest(given).table_valued("value", name="of").render_derived()
        column, others = BY_ID[kind], dict[str, Any]({kind: ()})
        place = tuple_(column, Offer.id)
        begin = (
            place <= tuple_(value.c.value, NEWEST_ID)
            if self.is_first
            else place < tuple_(value.c.value, _after(0, Offer.id))
        )
        newest = (
            select_matching(Offer.id, wanted=replace(self.wanted, **others), words=None)
            .where(Offer.is_listed, begin, place >= tuple_(value.c.value, 0))
            .order_by(column.desc(), Offer.id.desc())
            .limit(literal_column(str(self.limit + 1)))
            .correlate(value)
            .lateral("newest")
        )
        page = self._page(select(newest.c.id).join_from(value, newest, true()), [newest.c.id]).subquery("page")
        return offers.add_columns(Offer.id.label("key")).join(page, page.c.id == Offer.id).order_by(Offer.id.desc())

    def _column(self, name: str) -> Any:
        return compare_price(self.with_vat) if name == COMPARE_PRICE else getattr(Offer, name)

    def _relevant(self, offers: Select[*tuple[Any, ...]]) -> Select[*tuple[Any, ...]]:
        """Ranks 1,000 hits: ranking all that a common word finds would read the whole catalog.

        They are the offers with exactly this code, then the newest. Only the page's own offers are joined with what
        is shown of them.
        """
        assert self.words
        rank = func.round(cast(self.words.relevance(), Numeric), 6).label("rank")
        newest = (
            select_matching(Offer.id, rank, wanted=self.wanted, words=self.words)
            .where(Offer.is_listed, IS_NOT_BEYOND)
            .order_by(Offer.id.desc())
            .limit(MOST_RELEVANT_HITS)
        )
        hits = newest.subquery("hits")
        if self.words.corrected is None:
            exact = newest.where(self.words.is_exact_code()).subquery("exact")
            both = union(select(exact), select(newest.subquery("newest"))).subquery("both")
            best = (both.c.rank.desc(), both.c.id.desc())
            hits = select(both).order_by(*best).limit(MOST_RELEVANT_HITS).subquery("hits")
        page = self._page(select(hits), [hits.c.rank, hits.c.id]).subquery("page")
        statement = offers.add_columns(page.c.rank, Offer.id).join(page, page.c.id == Offer.id)
        return statement.order_by(page.c.rank.desc(), page.c.id.desc())

    def _page(self, statement: Select[*tuple[Any, ...]], columns: Sequence[Any]) -> Select[*tuple[Any, ...]]:
        """How many rows are wanted stands in the text: a plan for any number of them would sort the whole catalog."""
        is_descending = SORTS[self.sort].is_descending
        if not self.is_first:
            key, last = tuple_(*columns), tuple_(*(_after(*each) for each in enumerate(columns)))
            statement = statement.where(key < last if is_descending else key > last)
        order = [column.desc() if is_descending else column for column in columns]
        return statement.order_by(*order).limit(literal_column(str(self.limit + 1)))


def _after(place: int, column: Any) -> Any:
    """Of the cursor. In a subquery: the planner, who saw it, would plan each page anew (decision 0029)."""
    return select(bindparam(f"after_{place}", type_=column.type)).scalar_subquery()


@lru_cache(maxsize=512)
def _prepared(find: Search, *, whole: bool = True) -> Prepared:
    """Kept for those who ask the same again: putting it together costs as much as running it."""
    return Prepared(find.statement(whole=whole), row_factory=tuple_row)
