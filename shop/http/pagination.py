"""Keyset pages: {items, next_cursor}, where a cursor is the sort key of the last row, opaque to clients."""

import base64
import binascii
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import orjson
from marshmallow import fields, validate

from shop.errors import FieldError, Invalid
from shop.http.fields import MAX_ID, Schema, Text

Row = TypeVar("Row")


class BadCursor(Invalid):
    code = "BadCursor"
    message = "This cursor does not belong to this list. Start again without one."


class PageArgsSchema(Schema):
    limit = fields.Integer(load_default=40, validate=validate.Range(min=1, max=500))
    cursor = Text(load_default=None, max_length=500, metadata={"description": "next_cursor of the page before"})


def cursor_id(value: Any) -> int:
    """An id in a cursor's key; a forged one must not reach the database."""
    if type(value) is not int or not 0 <= value <= MAX_ID:  # True is an int, too
        raise ValueError
    return value


def make_cursor(*, scope: str, key: Sequence[Any]) -> str:
    """`scope` names the list and its sort, so that a cursor of another list is refused."""
    return base64.urlsafe_b64encode(orjson.dumps([scope, *key], default=str)).decode().rstrip("=")


def read_cursor(cursor: str | None, *, scope: str, types: Sequence[Callable[[Any], Any]]) -> list[Any] | None:
    """The key after which the page begins, each part through its type; None for the first page."""
    if cursor is None:
        return None
    try:
        found, *key = orjson.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        if found != scope or len(key) != len(types):
            raise ValueError
        return [read(part) for read, part in zip(types, key, strict=True)]
    except (ValueError, TypeError, ArithmeticError, binascii.Error):
        raise BadCursor(errors=[FieldError("query", "cursor", BadCursor.message)]) from None


def page_of(rows: Sequence[Row], *, limit: int, cursor_of: Callable[[Row], str]) -> tuple[list[Row], str | None]:
    """Of `limit` + 1 rows fetched: the page, and the cursor of the next one if there is one."""
    page = list(rows[:limit])
    return page, cursor_of(page[-1]) if len(rows) > limit else None
