"""Rejected rows as they stood in the file, to be mended and sent again."""

import re
from collections.abc import Mapping
from typing import Any

from shop.spreadsheets.headings import FIELD_OF_ALIAS, FIELDS, ISSUE_COLUMNS, PARAMETER

MOST_CELLS = 200
LONGEST_CELL = 1000
UNSTORABLE = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")


def original_of(good: Mapping[Any, Any], categories: Mapping[str, str]) -> dict[str, str]:
    """The cells of a table's line; of other formats the columns that such a good would have in a table."""
    cells = getattr(good, "cells", None) or _columns(good, categories)
    return {_clean(name): _clean(value) for name, value in list(cells.items())[:MOST_CELLS] if value is not None}


def column_of_parameter(name: str) -> str:
    """Parameters that are called like one of our columns say that they are none."""
    taken = name.casefold()
    is_taken = taken in FIELDS or taken in FIELD_OF_ALIAS or taken in ISSUE_COLUMNS or taken.startswith(PARAMETER)
    return f"{PARAMETER}{name}" if is_taken else name


def _columns(good: Mapping[Any, Any], categories: Mapping[str, str]) -> dict[str, Any]:
    cells = {str(name): value for name, value in good.items() if name not in ("parameters", "barcodes", "category")}
    category = str(good.get("category") or "")
    cells["category"] = categories.get(category, category) or None
    if isinstance(barcodes := good.get("barcodes"), list):
        cells["barcode"] = ", ".join(map(str, barcodes))
    if isinstance(parameters := good.get("parameters"), dict):
        cells |= {column_of_parameter(str(name)): value for name, value in parameters.items()}
    return cells


def _clean(value: Any) -> str:
    return UNSTORABLE.sub(" ", str(value))[:LONGEST_CELL]
