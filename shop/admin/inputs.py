"""What people type into the forms of a page, read by the schemas of the API: the same rules, the same refusals."""

from collections.abc import Mapping
from typing import Any

from flask import request
from marshmallow import Schema, ValidationError

from shop.admin.texts import field_text
from shop.errors import FieldError, Invalid
from shop.http.fields import MAX_ID
from shop.http.problems import field_errors
from shop.translations import noted, t

# What marshmallow says by itself.
OF_LIBRARY = (noted("Field may not be null."), noted("Not a valid integer."))


def loaded(schema: Schema, values: Mapping[str, Any]) -> dict[str, Any]:
    """As the schema reads them; refuses with a sentence per field."""
    try:
        found: dict[str, Any] = schema.load(values)
    except ValidationError as error:
        wrong = [
            FieldError("form", each.field, f"{field_text(each.field)}: {t(each.message)}")
            for each in field_errors({"form": error.messages})
        ]
        raise Invalid(errors=wrong) from None
    return found


def marked_rows() -> list[int]:
    """The numbers of the rows that were marked, each once."""
    numbers = map(_number, request.form.getlist("rowid"))
    return [number for number in dict.fromkeys(numbers) if number is not None]


def typed_id(name: str) -> int | None:
    """What a LookUp holds; None where nothing was chosen."""
    return _number(request.form.get(name, ""))


def typed_number(name: str) -> str | None:
    """ "1 500,50" as "1500.50"; None where nothing was typed."""
    text = "".join(request.form.get(name, "").split()).replace(",", ".")
    return text or None


def _number(text: str) -> int | None:
    number = int(text) if text.isascii() and text.isdigit() and len(text) < 20 else None
    return number if number is not None and number <= MAX_ID else None
