"""What the catalog is measured against: a bare Flask app with hello world and one raw SELECT of 40 offers."""

import os
from typing import Any

import orjson
from flask import Flask, Response
from sqlalchemy import create_engine

PAGE = """
SELECT id, name, sku, price::text, parameters, kind, on_hand::float
FROM offers LEFT JOIN stock_levels ON offer_id = id
WHERE is_listed ORDER BY id DESC LIMIT 40
"""
SEARCH = """
SELECT id, name, sku, price::text, parameters, kind, on_hand::float
FROM offers LEFT JOIN stock_levels ON offer_id = id
WHERE is_listed AND search @@ websearch_to_tsquery('russian', 'чайники серия 16')
ORDER BY ts_rank(search, websearch_to_tsquery('russian', 'чайники серия 16'), 1) DESC, id DESC LIMIT 40
"""

app = Flask(__name__, static_folder=None)
engine = create_engine(os.environ["DATABASE_URL"], pool_size=5)


@app.get("/health/ready")
@app.get("/hello")
def hello() -> Response:
    return _json({"hello": "world"})


@app.get("/page")
def page() -> Response:
    return _select(PAGE)


@app.get("/search")
def search() -> Response:
    return _select(SEARCH)


def _select(statement: str) -> Response:
    with engine.connect() as connection:
        return _json([dict(row) for row in connection.exec_driver_sql(statement).mappings()])


def _json(answer: Any) -> Response:
    return Response(orjson.dumps(answer), content_type="application/json")
