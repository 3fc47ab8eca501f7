"""Fields and the schema base that every body and answer is built from: strict types, no unknown fields."""

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import marshmallow as ma
from flask_smorest.fields import Upload
from marshmallow import fields, validate
from marshmallow.exceptions import SCHEMA
from werkzeug.datastructures import FileStorage

from shop.money import money_text, quantity_number

MAX_ID = 2**63 - 1
MOST_ERRORS, MANY_UNKNOWN = 100, 10  # errors that one answer names; fields that are not looked at one by one
PLAIN_NUMBER = re.compile(r"-?\d{1,15}(\.\d{1,9})?")
CONTROL_CHARACTERS = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\u2028\u2029]")


class MoreErrors(str):
    """Among a schema's messages: stands for `number` errors that nobody would read, so that none is made of each."""

    number: int

    @classmethod
    def of(cls, number: int) -> "MoreErrors":
        made = cls(f"… and {number} more.")
        made.number = number
        return made


class Schema(ma.Schema):
    """Refuses unknown fields and keeps the order in which they are written down."""

    class Meta:
        unknown = ma.RAISE

    def load(self, data: Any, *, unknown: Any = None, **options: Any) -> Any:
        """Of an object with many unknown fields nothing else is looked at: they are named, or only counted."""
        if isinstance(data, Mapping) and len(data) > MANY_UNKNOWN and (unknown or self.unknown) == ma.RAISE:
            names = self.unknown_names(data)
            if len(names) > MANY_UNKNOWN:
                raise ma.ValidationError(self._many_unknown(names))
        return super().load(data, unknown=unknown, **options)

    def unknown_names(self, data: Mapping[str, Any]) -> list[str]:
        known = {field.data_key or name for name, field in self.load_fields.items()}
        return [name for name in data if name not in known]

    def _many_unknown(self, names: list[str]) -> dict[str, str]:
        """One text for all: lists would be copied again and again on their way out of nested objects."""
        told = dict.fromkeys(names[:MOST_ERRORS], self.error_messages["unknown"])
        more = len(names) - len(told)
        return told | {SCHEMA: MoreErrors.of(more)} if more else told


class AnswerSchema(Schema):
    """What the product says; clients must ignore fields that they do not know."""


class Text(fields.String):
    """Text as PostgreSQL can keep it, trimmed, at most `max_length` characters; on one line unless `multiline`."""

    default_error_messages = {
        "unstorable": "Must not contain control or broken Unicode characters.",
        "blank": "Must not be blank.",
    }

    def __init__(self, *, max_length: int = 255, blank: bool = True, multiline: bool = False, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.blank, self.multiline = blank, multiline
        self.length = validate.Length(max=max_length, min=0 if blank else 1)
        self.validators = [self.length, *self.validators]

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
        text = super()._deserialize(value, attr, data, **kwargs)
        text = text.strip() if self.multiline else " ".join(text.split())
        if self.length.max and len(text) > self.length.max:
            self.length(text)  # before anything dearer looks through it
        if CONTROL_CHARACTERS.search(text) or not _is_encodable(text):
            raise self.make_error("unstorable")
        if not text and not self.blank:
            raise self.make_error("blank")
        return text


class CountedList(fields.List[Any]):
    """A list that is counted before anything in it is looked at; `length` is for limits that are not fixed."""

    def __init__(
        self,
        inner: Any,
        *,
        max_length: int | None = None,
        min_length: int | None = None,
        length: validate.Validator | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(inner, **kwargs)
        self.length = length or validate.Length(min_length, max_length)
        self.validators = [self.length, *self.validators]

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
        if isinstance(value, list):
            self.length(value)
        return super()._deserialize(value, attr, data, **kwargs)


class CountedDict(fields.Dict):
    """The same for an object whose names are the sender's own."""

    def __init__(self, *, max_length: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.length = validate.Length(max=max_length)
        self.validators = [self.length, *self.validators]

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
        if isinstance(value, dict):
            self.length(value)
        return super()._deserialize(value, attr, data, **kwargs)  # type: ignore[no-untyped-call]


class Flag(fields.Boolean):
    """true or false in JSON; "off", 1 and the like are refused."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> bool:
        if not isinstance(value, bool):
            raise self.make_error("invalid", input=value)
        return value


class UploadedFile(Upload):  # type: ignore[misc]
    """A file of a multipart form; a text field of its name is none."""

    default_error_messages = {"invalid": "Must be a file: a part of the form with a file name."}

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> FileStorage:
        if not isinstance(value, FileStorage):
            raise self.make_error("invalid")
        return value


class Identifier(fields.Integer):
    """The id of a thing."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(strict=True, **kwargs)
        self.validators = [validate.Range(min=1, max=MAX_ID), *self.validators]


class Day(fields.Date):
    """A calendar day of this or a near century; no arithmetic on it can overflow."""

    default_error_messages = {"far": "Must be a day between 2000 and 2999."}

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
        day = super()._deserialize(value, attr, data, **kwargs)
        if not 2000 <= day.year <= 2999:
            raise self.make_error("far")
        return day


class Money(fields.Field[Decimal]):
    """A decimal string with at least two places: "110000.00", "0.4855"."""

    default_error_messages = {"invalid": 'Must be a decimal number as text, like "1250.50".'}

    def _serialize(self, value: Decimal | None, attr: str | None, obj: Any, **kwargs: Any) -> str | None:
        return None if value is None else money_text(value)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Decimal:
        return _finite_decimal(self, value)


class Quantity(fields.Field[Decimal]):
    """A JSON number with at most three decimals."""

    default_error_messages = {
        "invalid": "Must be a number.",
        "positive": "Must be more than 0 and at most 1,000,000,000.",
        "places": "Must have at most three decimals.",
    }

    def __init__(self, *, allow_zero: bool = False, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.allow_zero = allow_zero

    def _serialize(self, value: Decimal | None, attr: str | None, obj: Any, **kwargs: Any) -> int | float | None:
        return None if value is None else quantity_number(value)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Decimal:
        if isinstance(value, str):
            raise self.make_error("invalid")
        quantity = _finite_decimal(self, value)
        if not (0 < quantity <= 10**9 or (self.allow_zero and quantity == 0)):
            raise self.make_error("positive")
        if quantity != round(quantity, 3):
            raise self.make_error("places")
        return quantity


def _finite_decimal(field: fields.Field[Any], value: Any) -> Decimal:
    if isinstance(value, bool) or not isinstance(value, int | float | str) or not PLAIN_NUMBER.fullmatch(str(value)):
        raise field.make_error("invalid")
    return Decimal(str(value))


def _is_encodable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
