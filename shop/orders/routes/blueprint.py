"""The blueprint orders, to which the route modules add their operations."""

from typing import Any

import orjson
from flask import Response

from shop.http.blueprint import ApiBlueprint

blueprint = ApiBlueprint(
    "orders", __name__, url_prefix="/api/v1", description="Baskets, orders, the suppliers' parts of them, invoices"
)

ETAG = {"ETag": {"schema": {"type": "string"}, "description": "The version; send it back as If-Match"}}


def finished_json(answer: Any) -> Response:
    """Nothing is dumped: a text is JSON already, other values are what JSON knows. The schemas document both."""
    body = answer if isinstance(answer, str) else orjson.dumps(answer)
    return Response(body, content_type="application/json")
