"""Facets: how many of the offers that a search finds are in each category, of each supplier, with each parameter."""

from typing import Any

from sqlalchemy import Select, func, literal_column, select

from shop.catalog.filters import OfferFilter, select_matching
from shop.catalog.models import Offer
from shop.catalog.offers import Answer
from shop.catalog.words import Words, correct
from shop.db import session
from shop.money import money_text

MOST_CATEGORIES, MOST_SUPPLIERS, MOST_PARAMETERS, MOST_VALUES = 200, 200, 20, 20

CATEGORIES = f"""(
    SELECT coalesce(jsonb_agg(jsonb_build_object('id', id, 'name', name, 'offers', offers) ORDER BY offers DESC, name),
        '[]')
    FROM (
        SELECT category_id, count(*) AS offers FROM hits WHERE category_id IS NOT NULL
        GROUP BY category_id ORDER BY offers DESC, category_id LIMIT {MOST_CATEGORIES}
    ) AS counted JOIN categories ON id = category_id
)"""  # noqa: S608 - made of constants

SUPPLIERS = f"""(
    SELECT coalesce(jsonb_agg(jsonb_build_object('id', id, 'name', name, 'offers', offers) ORDER BY offers DESC, name),
        '[]')
    FROM (
        SELECT supplier_id, count(*) AS offers FROM hits
        GROUP BY supplier_id ORDER BY offers DESC, supplier_id LIMIT {MOST_SUPPLIERS}
    ) AS counted JOIN companies ON id = supplier_id
)"""  # noqa: S608

# A value with its unit beside it is shown as the value.
PARAMETERS = f"""(
    WITH counted AS MATERIALIZED (
        SELECT pair.key AS name, pair.value, count(*) AS offers
        FROM hits, jsonb_each(hits.parameters) AS pair
        GROUP BY pair.key, pair.value
    ),
    frequent AS (
        SELECT name, sum(offers) AS offers FROM counted
        GROUP BY name ORDER BY sum(offers) DESC, name LIMIT {MOST_PARAMETERS}
    )
    SELECT coalesce(jsonb_agg(jsonb_build_object('name', name, 'offers', offers, 'values', (
        SELECT jsonb_agg(jsonb_build_object('value', value, 'offers', offers) ORDER BY offers DESC, value)
        FROM (
            SELECT CASE jsonb_typeof(value) WHEN 'object' THEN value -> 'value' ELSE value END AS value, offers
            FROM counted WHERE counted.name = frequent.name
            ORDER BY offers DESC, value LIMIT {MOST_VALUES}
        ) AS shown
    )) ORDER BY offers DESC, name), '[]')
    FROM frequent
)"""  # noqa: S608


def count_facets(wanted: OfferFilter) -> Answer:
    """One statement; two more where nothing is found and a slip is forgiven, as in the search itself."""
    words = Words(wanted.q) if wanted.q else None
    row, is_approximate = _count(wanted, words), False
    if not row.offers and words and (meant := correct(words)):
        row = _count(wanted, meant)
        is_approximate = bool(row.offers)
    price = row.offers and {"min": money_text(row.lowest), "max": money_text(row.highest)}
    return {
        "offers": row.offers,
        "approximate": is_approximate,
        "price": price or None,
        "categories": row.categories,
        "suppliers": row.suppliers,
        "parameters": row.parameters,
    }


def _count(wanted: OfferFilter, words: Words | None) -> Any:
    columns = (Offer.category_id, Offer.supplier_id, Offer.price, Offer.parameters)
    hits = select_matching(*columns, wanted=wanted, words=words).where(Offer.is_listed).cte("hits")
    statement: Select[*tuple[Any, ...]] = select(
        func.count().label("offers"),
        func.min(hits.c.price).label("lowest"),
        func.max(hits.c.price).label("highest"),
        literal_column(CATEGORIES).label("categories"),
        literal_column(SUPPLIERS).label("suppliers"),
        literal_column(PARAMETERS).label("parameters"),
    )
    return session().execute(statement.select_from(hits)).one()
