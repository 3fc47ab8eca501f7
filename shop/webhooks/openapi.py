"""The messages that webhooks send, in the `webhooks` section of the OpenAPI document."""

from typing import Any

from apispec import APISpec

from shop.webhooks.event_types import EventType, event_types

HEADERS = {
    "webhook-id": "The same in every attempt: remember it, and a repeated message does nothing",
    "webhook-timestamp": "When this attempt was made, in seconds since 1970; refuse what is older than five minutes",
    "webhook-signature": "v1,… by Standard Webhooks; several by blanks while a secret is rotated",
}


def add_to(spec: APISpec) -> None:
    types = event_types()
    for kind in types.values():
        name = _schema_name(kind)
        if name not in spec.components.schemas:
            spec.components.schema(name, schema=kind.data)
    spec.options["webhooks"] = {name: {"post": _operation(name, kind)} for name, kind in types.items()}


def _operation(name: str, kind: EventType) -> dict[str, Any]:
    content = {
        "type": "object",
        "required": ["type", "timestamp", "data"],
        "properties": {
            "type": {"const": name},
            "timestamp": {"type": "string", "format": "date-time", "description": "When it happened"},
            "data": {"$ref": f"#/components/schemas/{_schema_name(kind)}"},
        },
    }
    return {
        "summary": kind.summary,
        "parameters": [
            {"in": "header", "name": header, "required": True, "schema": {"type": "string"}, "description": description}
            for header, description in HEADERS.items()
        ],
        "requestBody": {"required": True, "content": {"application/json": {"schema": content}}},
        "responses": {
            "2XX": {"description": "Taken. Anything else, or nothing in 15 s: it comes again for 24 hours"},
            "410": {"description": "The receiver is gone for good: the webhook is switched off"},
        },
    }


def _schema_name(kind: EventType) -> str:
    return kind.data.__name__.removesuffix("Schema")
