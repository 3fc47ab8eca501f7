"""Facets: how many offers a search finds in each category, of each supplier, with each value of a parameter.

Each facet ignores its own filter and honors all others: it says what one would find by choosing another value or one
more. The number of offers honors all.
"""

from dataclasses import replace
from itertools import islice
from typing import Any

from sqlalchemy import CTE, Select, Text, false, func, literal, literal_column, select, true, union_all
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from shop.catalog.models import Offer
from shop.catalog.offers import Answer
from shop.catalog.search.filters import OfferFilter, select_matching
from shop.catalog.search.search_terms import Words, correct
from shop.database import session
from shop.money import money_text

MOST_CATEGORIES, MOST_SUPPLIERS, MOST_PARAMETERS, MOST_VALUES = 200, 200, 20, 20
CHOSEN = "chosen_"  # … and a number: the hits without the filter by one parameter

CATEGORIES = """(
    SELECT coalesce(jsonb_agg(jsonb_build_object('id', id, 'name', name, 'offers', offers) ORDER BY offers DESC, name),
        '[]')
    FROM (
        SELECT category_id, count(*) AS offers FROM {hits} WHERE category_id IS NOT NULL
        GROUP BY category_id ORDER BY offers DESC, category_id LIMIT {most}
    ) AS counted JOIN categories ON id = category_id
)"""

SUPPLIERS = """(
    SELECT coalesce(jsonb_agg(jsonb_build_object('id', id, 'name', name, 'offers', offers) ORDER BY offers DESC, name),
        '[]')
    FROM (
        SELECT supplier_id, count(*) AS offers FROM {hits}
        GROUP BY supplier_id ORDER BY offers DESC, supplier_id LIMIT {most}
    ) AS counted JOIN companies ON id = supplier_id
)"""

# A value with its unit beside it is shown as the value. Parameters that are filtered by are always among those shown.
PARAMETERS = f"""(
    WITH frequent AS (
        SELECT name, sum(offers) AS offers FROM pairs
        GROUP BY name ORDER BY bool_or(is_chosen) DESC, sum(offers) DESC, name LIMIT {MOST_PARAMETERS}
    )
    SELECT coalesce(jsonb_agg(jsonb_build_object('name', name, 'offers', offers, 'values', (
        SELECT jsonb_agg(jsonb_build_object('value', value, 'offers', offers) ORDER BY offers DESC, value)
        FROM (
            SELECT CASE jsonb_typeof(value) WHEN 'object' THEN value -> 'value' ELSE value END AS value, offers
            FROM pairs WHERE pairs.name = frequent.name
            ORDER BY offers DESC, value LIMIT {MOST_VALUES}
        ) AS shown
    )) ORDER BY offers DESC, name), '[]')
    FROM frequent
)"""  # noqa: S608 - made of constants


def count_facets(wanted: OfferFilter) -> Answer:
    """One statement; two more where nothing is found and a slip is forgiven, as in the search itself."""
    words = Words(wanted.q) if wanted.q else None
    row, is_approximate = _count(wanted, words), False
    if not row.offers and words and (meant := correct(words)):
        row = _count(wanted, meant)
        is_approximate = bool(row.offers)
    price = row.lowest is not None and {"min": money_text(row.lowest), "max": money_text(row.highest)}
    return {
        "offers": row.offers,
        "approximate": is_approximate,
        "price": price or None,
        "categories": row.categories,
        "suppliers": row.suppliers,
        "parameters": row.parameters,
    }


def _count(wanted: OfferFilter, words: Words | None) -> Any:
    hits = _hits("hits", wanted, words)
    categories = _hits("in_any_category", replace(wanted, category=()), words) if wanted.category else hits
    suppliers = _hits("of_any_supplier", replace(wanted, supplier=()), words) if wanted.supplier else hits
    any_price = replace(wanted, price_min=None, price_max=None)
    prices = _hits("at_any_price", any_price, words) if any_price != wanted else hits
    statement: Select[*tuple[Any, ...]] = select(
        select(func.count()).select_from(hits).scalar_subquery().label("offers"),
        func.min(prices.c.price_with_vat).label("lowest"),
        func.max(prices.c.price_with_vat).label("highest"),
        literal_column(CATEGORIES.format(hits=categories.name, most=MOST_CATEGORIES)).label("categories"),
        literal_column(SUPPLIERS.format(hits=suppliers.name, most=MOST_SUPPLIERS)).label("suppliers"),
        literal_column(PARAMETERS).label("parameters"),
    )
    return session().execute(statement.add_cte(categories, suppliers, _pairs(hits, wanted, words))).one()


def _hits(name: str, wanted: OfferFilter, words: Words | None) -> CTE:
    columns = (Offer.category_id, Offer.supplier_id, Offer.price_with_vat, Offer.parameters)
    return select_matching(*columns, wanted=wanted, words=words).where(Offer.is_listed).cte(name)


def _pairs(hits: CTE, wanted: OfferFilter, words: Words | None) -> CTE:
    """Each parameter's name and value with the number of offers."""
    pair = func.jsonb_each(hits.c.parameters).table_valued("key", "value", name="pair")
    pairs = select(pair.c.key.label("name"), pair.c.value, func.count().label("offers"), false().label("is_chosen"))
    pairs = pairs.select_from(hits.join(pair, true())).group_by(pair.c.key, pair.c.value)
    if not wanted.parameters:
        return pairs.cte("pairs")
    unfiltered = pair.c.key != func.all(literal(list(wanted.parameters), ARRAY(Text)))
    chosen = []
    for number, name in enumerate(islice(wanted.parameters, MOST_PARAMETERS)):
        others = {other: values for other, values in wanted.parameters.items() if other != name}
        free = _hits(f"{CHOSEN}{number}", replace(wanted, parameters=others), words)
        value = free.c.parameters.op("->", return_type=JSONB)(name)
        chosen.append(
            select(literal(name, Text), value, func.count(), true()).where(value.is_not(None)).group_by(value)
        )
    return union_all(pairs.where(unfiltered), *chosen).cte("pairs")
