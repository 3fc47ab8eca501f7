"""What the lines of baskets and orders have in common."""

from collections.abc import Callable
from typing import Any, cast

from marshmallow import ValidationError

from shop.http.fields import (
    Identifier,
    Quantity,
    Schema,
)


def each_once(name: str, message: str) -> Callable[[list[dict[str, Any]]], None]:
    """Which quantity is meant where one thing stands in a list twice? We do not guess."""

    def check(lines: list[dict[str, Any]]) -> None:
        firsts = {line[name]: index for index, line in reversed(list(enumerate(lines)))}
        twice = {index: {name: [message]} for index, line in enumerate(lines) if firsts[line[name]] < index}
        if twice:
            raise ValidationError(cast(Any, twice))

    return check


class OrderLineArgsSchema(Schema):
    offer_id = Identifier(required=True)
    quantity = Quantity(required=True, metadata={"examples": [12]})


VAT_RATE = {
    "description": "The list's, else the seller's own; null only where it was placed before one had to be known"
}
VAT_IS_DEFAULT = {"description": "The list states no rate, so the seller's own was taken"}
TOTAL_TO_AGREE = {
    "description": "The total with VAT that was unknown when this was placed; `POST …/agree-total`. null: nothing to do"
}
