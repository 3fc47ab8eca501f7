"""Categories, suppliers and facets are kept under the catalog's generation, so that nobody gets them as they were.

The generation is read before the data: what is computed meanwhile is at least as new as its key says. It changes in
the very commit that changes the catalog (see CatalogGeneration), so a process that dies can leave nothing stale.
"""

import hashlib
from collections.abc import Callable
from typing import Any

import orjson
from flask import Flask, Response
from sqlalchemy import select

from shop.auth.access import CATALOG_ALONG, caller
from shop.catalog.models import CatalogGeneration
from shop.http.caching import json_answer, not_modified, remembered
from shop.reading import Reading

GENERATION = Reading(select(CatalogGeneration.number))
LIFETIME = 15 * 60
LIFETIME_WITH_STOCK = 60  # stock moves with every order and does not raise the generation


def init_app(app: Flask) -> None:
    app.extensions[CATALOG_ALONG] = select(CatalogGeneration.number).scalar_subquery()


def catalog_generation() -> int:
    """0 in a database whose catalog was never written to. Read with the token, or now where there is none."""
    found = caller()
    if found and found.along:
        return int(found.along)
    return next((int(row["number"]) for row in GENERATION.rows()), 0)


def cached_answer(
    name: str, compute: Callable[[], Any], *, varies_by: Any = None, depends_on_stock: bool = False
) -> Response:
    """`name` and `varies_by` are all that the answer depends on, besides the catalog."""
    generation = catalog_generation()
    digest = hashlib.blake2b(orjson.dumps(varies_by, default=str, option=orjson.OPT_SORT_KEYS), digest_size=12)
    key = f"catalog:{generation}:{name}:{digest.hexdigest()}"
    etag = None if depends_on_stock else hashlib.blake2b(key.encode(), digest_size=12).hexdigest()
    if etag and (unchanged := not_modified(etag)):
        return unchanged
    seconds = LIFETIME_WITH_STOCK if depends_on_stock else LIFETIME
    return json_answer(remembered(key, lambda: orjson.dumps(compute()).decode(), seconds=seconds), etag=etag)
