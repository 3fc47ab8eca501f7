"""Which fields a list has, and what an offer becomes by a row that leaves some out: the one home of that rule.

A field is had if a table's heading names it, or any good has its key; each parameter is a field of its own. What a
list does not have stays as it is. What it has, and a row leaves empty, becomes the default or nothing in mode full,
and stays in every other mode. New offers get the defaults.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from shop.catalog.units import DEFAULT_UNIT
from shop.price_lists.models import FULL, OF_WHOLE_GOODS, PRICES_AND_STOCK
from shop.price_lists.reading.cell_values import UnreadableValueError, text_of
from shop.spreadsheets.headings import PARAMETER

KNOWN_FIELDS = frozenset(
    {"id", "sku", "category", "model", "name", "price", "price_rrc", "currency", "vat_rate", "quantity", "parameters"}
    | {"unit", "units_per_pack", "quantity_step", "minimum_quantity", "barcode", "barcodes"}
)
LONGEST_PARAMETER_NAME = 100
MOST_PARAMETERS = 10_000  # names in a list; those beyond it count as not had

# What a list says of a good besides its stock: the columns of an offer, the field that holds each, and its default.
DEFAULTS: Mapping[str, str | None] = {
    "sku": "row.external_id",
    "name": None,
    "model": "''",
    "category_id": None,
    "price": None,
    "price_rrc": None,
    "currency": "'RUB'",
    "vat_rate": None,
    "unit_code": f"'{DEFAULT_UNIT[0]}'",
    "unit": f"'{DEFAULT_UNIT[1]}'",
    "quantity_step": "1",
    "minimum_quantity": None,  # the step
    "units_per_pack": None,
    "barcodes": "CAST('{}' AS text[])",
    "parameters": None,
}
DATA = tuple(DEFAULTS)
FIELD_OF = {"category_id": "category", "unit_code": "unit", "barcodes": "barcode"}
NEVER_EMPTY = ("name", "price")
OF_PRICES = ("price", "price_rrc")

# Of parameters that the list has, a good that leaves one out has none; the others stay.
PARAMETERS_KEPT = """(SELECT coalesce(jsonb_object_agg(kept.key, kept.value), '{}')
    FROM jsonb_each(offer.parameters) AS kept WHERE kept.key <> ALL (CAST(:had_parameters AS text[])))"""


@dataclass(slots=True)
class Had:
    """Noted good by good while a list is read. `without_stock` counts goods whose quantity is empty."""

    fields: set[str] = field(default_factory=set)
    parameters: set[Any] = field(default_factory=set)
    without_stock: int = 0

    def note(self, good: Mapping[Any, Any]) -> None:
        self.fields |= good.keys() & KNOWN_FIELDS
        parameters = good.get("parameters")
        if isinstance(parameters, dict) and not parameters.keys() <= self.parameters:
            room = max(MOST_PARAMETERS - len(self.parameters), 0)
            self.parameters.update(list(parameters.keys() - self.parameters)[:room])

    def names(self) -> list[str]:
        """As they are kept with the list."""
        fields = {"barcode" if name == "barcodes" else name for name in self.fields - {"parameters"}}
        return sorted(fields) + sorted(PARAMETER + name for name in set(map(_name_of, self.parameters)) if name)


def fields_of(had: Collection[str] | None) -> frozenset[str]:
    return KNOWN_FIELDS if had is None else frozenset(name for name in had if not name.startswith(PARAMETER))


def parameters_of(had: Collection[str]) -> list[str]:
    return [name.removeprefix(PARAMETER) for name in had if name.startswith(PARAMETER)]


def taken_by(mode: str) -> tuple[str, ...]:
    """The columns of an offer that a list of this mode may change."""
    return DATA if mode in OF_WHOLE_GOODS else OF_PRICES if mode == PRICES_AND_STOCK else ()


def resolved(mode: str, had: Collection[str] | None) -> dict[str, str]:
    """What each column of an offer becomes, in SQL of `row`, `known` (its category) and `offer`, if there is one."""
    taken, fields = taken_by(mode), fields_of(had)
    found: dict[str, str] = {}
    for column, default in DEFAULTS.items():
        name = FIELD_OF.get(column, column)
        is_kept = not (mode == FULL and name in fields) or name in NEVER_EMPTY
        if column not in taken:
            found[column] = f"offer.{column}"
        elif column == "category_id":
            kept = "offer.category_id" if is_kept else "NULL"
            found[column] = f"CASE WHEN row.category IS NULL THEN {kept} ELSE known.category_id END"
        elif column == "unit_code":  # a unit of the supplier's own has none
            kept = "WHEN offer.id IS NOT NULL THEN offer.unit_code" if is_kept else ""
            found[column] = f"CASE WHEN row.unit IS NOT NULL THEN row.unit_code {kept} ELSE {default} END"
        elif column == "parameters":
            found[column] = _parameters(mode, had)
        else:
            default = found["quantity_step"] if column == "minimum_quantity" else default
            parts = (f"row.{column}", f"offer.{column}" if is_kept else None, default)
            found[column] = f"coalesce({', '.join(part for part in parts if part)})"
    return found


def _parameters(mode: str, had: Collection[str] | None) -> str:
    kept = "offer.parameters" if mode != FULL else "'{}'" if had is None else PARAMETERS_KEPT
    return (
        "CASE WHEN offer.id IS NULL OR row.parameters = offer.parameters THEN row.parameters"
        f" ELSE {kept} || row.parameters END"
    )


def _name_of(key: Any) -> str:
    try:
        return text_of(key, longest=LONGEST_PARAMETER_NAME)
    except UnreadableValueError:
        return ""
