"""The blueprint orders, to which the route modules add their operations."""

from flask import Response

from shop.http.blueprint import ApiBlueprint

blueprint = ApiBlueprint(
    "orders", __name__, url_prefix="/api/v1", description="Baskets, orders, the suppliers' parts of them, invoices"
)

ETAG = {"ETag": {"schema": {"type": "string"}, "description": "The version; send it back as If-Match"}}


def finished_json(answer: str | bytes) -> Response:
    """What is JSON already goes out as it stands."""
    return Response(answer, content_type="application/json")
