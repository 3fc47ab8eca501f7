"""What the catalog is measured against: a bare Flask app with hello world and one raw SELECT of 40 offers.

Both under the same server as the product. A SELECT is as raw as it gets: a connection per thread, past SQLAlchemy, no
transaction, and the answer put together by orjson.
"""

import os
import threading
from typing import Any, LiteralString, cast

import orjson
import psycopg
from flask import Flask, Response
from psycopg.rows import dict_row
from sqlalchemy.dialects.postgresql import psycopg as postgresql

from shop.catalog.search.filters import OfferFilter
from shop.catalog.search.pages import RELEVANCE, Search
from shop.catalog.search.search_terms import Words

WORDS = "чайники серия 16"

PAGE = """
SELECT id, name, sku, price::text, parameters::text, kind, on_hand::float
FROM offers LEFT JOIN stock_levels ON offer_id = id
WHERE is_listed ORDER BY id DESC LIMIT 40
"""
OFFER = """
SELECT id, name, sku, price::text, kind, on_hand::float FROM offers JOIN stock_levels ON offer_id = id WHERE id = 777
"""
# What the search itself sends.
SEARCH = (
    Search(OfferFilter(q=WORDS), Words(WORDS), RELEVANCE, limit=40, is_first=True)
    .statement()
    .compile(dialect=postgresql.dialect())
)

app = Flask(__name__, static_folder=None)
mine = threading.local()


@app.get("/health/ready")
@app.get("/hello")
def hello() -> Response:
    return _json({"hello": "world"})


@app.get("/page")
def page() -> Response:
    rows = _select(PAGE)
    for row in rows:
        row["parameters"] = orjson.Fragment(row["parameters"])
    return _json(rows)


@app.get("/offer")
def offer() -> Response:
    return _json(_select(OFFER)[0])


@app.get("/search")
def search() -> Response:
    """Its rows hold finished JSON."""
    return _json([orjson.Fragment(row["answer"]) for row in _select(str(SEARCH), SEARCH.params)])


def _select(statement: str, values: Any = None) -> list[dict[str, Any]]:
    if not hasattr(mine, "connection"):
        url = os.environ["DATABASE_URL"].replace("+psycopg", "")
        mine.connection = psycopg.connect(url, autocommit=True, row_factory=dict_row)
    return mine.connection.execute(cast(LiteralString, statement), values).fetchall()


def _json(answer: Any) -> Response:
    return Response(orjson.dumps(answer), content_type="application/json")
