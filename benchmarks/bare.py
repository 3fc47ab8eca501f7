"""What the catalog is measured against: a bare Flask app with hello world and one raw SELECT of 40 offers."""

import os
from typing import Any

import orjson
from flask import Flask, Response
from sqlalchemy import create_engine
from sqlalchemy.dialects.postgresql import psycopg

from shop.catalog.filters import OfferFilter
from shop.catalog.search import RELEVANCE, Search
from shop.catalog.words import Words

WORDS = "чайники серия 16"

PAGE = """
SELECT id, name, sku, price::text, parameters, kind, on_hand::float
FROM offers LEFT JOIN stock_levels ON offer_id = id
WHERE is_listed ORDER BY id DESC LIMIT 40
"""
# What the search itself sends.
SEARCH = (
    Search(OfferFilter(q=WORDS), Words(WORDS), RELEVANCE, limit=40, is_first=True)
    .statement()
    .compile(dialect=psycopg.dialect())
)

app = Flask(__name__, static_folder=None)
engine = create_engine(os.environ["DATABASE_URL"], pool_size=5)


@app.get("/health/ready")
@app.get("/hello")
def hello() -> Response:
    return _json({"hello": "world"})


@app.get("/page")
def page() -> Response:
    with engine.connect() as connection:
        return _json([dict(row) for row in connection.exec_driver_sql(PAGE).mappings()])


@app.get("/search")
def search() -> Response:
    """Its rows hold finished JSON."""
    with engine.connect() as connection:
        answers = connection.exec_driver_sql(str(SEARCH), SEARCH.params).mappings()
        return _json([orjson.Fragment(row["answer"]) for row in answers])


def _json(answer: Any) -> Response:
    return Response(orjson.dumps(answer), content_type="application/json")
