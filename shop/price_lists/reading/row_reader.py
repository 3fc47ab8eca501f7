"""What is taken of one good, field by field.

A good is rejected without a readable id, name or price, and where the same id came before. Everything else is taken
without the field that is wrong (a category that the list does not declare, a barcode whose check digit is wrong), and
reported. A row holds what the good says and None in place of what it does not. Whether a name or a price that is
missing is an error depends on whether the list has names and prices at all (listed_fields.py).
"""

import math
import re
from collections.abc import Callable, MutableMapping
from dataclasses import dataclass, field
from decimal import Decimal
from functools import lru_cache
from typing import Any, NamedTuple, TypeVar, cast

from shop.catalog.barcodes import gtin_of
from shop.catalog.models import EXACT
from shop.catalog.units import breaks_pieces, unit_of, whole_pieces
from shop.money import number_text
from shop.price_lists.models import ERROR, PRICES_AND_STOCK, STOCK_ONLY, WARNING
from shop.price_lists.reading.cell_values import (
    CONTROLS,
    ZERO,
    UnreadableValueError,
    decimal_sign_of,
    has_broken_characters,
    is_empty,
    is_plain,
    price_of,
    quantity_of,
    stock_of,
    text_of,
    vat_rate_of,
)
from shop.price_lists.reading.listed_fields import LONGEST_PARAMETER_NAME, Had
from shop.price_lists.reading.original_rows import original_of
from shop.price_lists.reading.parsed import TableGood
from shop.price_lists.row_issues import Issue
from shop.spreadsheets.cells import may_be_thousands

LONGEST = {"id": 100, "sku": 100, "name": 500, "model": 255, "category": 200}
LONGEST_PARAMETER = 1000
MOST_PARAMETERS = 100
MOST_BARCODES = 20
MOST_ISSUES = 50  # of one good; errors are told all the same
LONGEST_MATCH_KEY = 600  # an index entry holds 2,700 bytes
RUBLE = "RUB"
RUBLES = frozenset({"", "rub", "rur", "руб", "руб.", "₽", "643"})
NOT_WORDS = re.compile(r"[\W_]+")
PUNCTUATION = re.compile(r"[^\w ]+|_+")
PLAIN_TYPES = frozenset({str, int, bool})
ROUNDED = re.compile(r"\d(?:[.,]\d+)?E\+\d+", re.IGNORECASE)

T = TypeVar("T")


class Row(NamedTuple):
    """What a good says, in our types; None where it says nothing. `category` is one of the list's own ids."""

    row: int
    external_id: str
    sku: str | None = None
    name: str | None = None
    model: str | None = None
    category: str | None = None
    price: Decimal | None = None
    price_rrc: Decimal | None = None
    currency: str | None = None
    vat_rate: str | None = None
    unit_code: str | None = None
    unit: str | None = None
    quantity_step: Decimal | None = None
    minimum_quantity: Decimal | None = None
    units_per_pack: Decimal | None = None
    is_price_refused: bool = False
    match_key: str | None = None
    stock_kind: str | None = None
    stock: Decimal | None = None
    barcodes: list[str] | None = None
    parameters: dict[str, Any] | None = None


def match_key(name: str, model: str) -> str:
    """By this the same good is found in other suppliers' lists: case, ё and punctuation do not count."""
    return f"{_words(name)}|{_words(model)}"[:LONGEST_MATCH_KEY]


def _words(text: str) -> str:
    return " ".join(PUNCTUATION.sub(" ", text.casefold().replace("ё", "е")).split())


@dataclass(slots=True)
class GoodReader:
    """Reads one good, collecting what is wrong with it instead of stopping at the first thing."""

    number: int
    good: dict[Any, Any]
    categories: MutableMapping[str, str]
    ids_of_names: MutableMapping[str, str]
    had: Had
    may_add_category: bool = False
    external_id: str = ""
    issues: list[Issue] = field(default_factory=list)
    is_rejected: bool = False
    is_price_refused: bool = False

    def identify(self, first_rows: dict[str, int]) -> None:
        """Raises where the good has no id of its own: whatever else is wrong could not be told apart."""
        value = self.good.get("id")
        if isinstance(value, float):
            raise UnreadableValueError("not_text:figures", figures=str(value))
        self.external_id = text_of(value, longest=LONGEST["id"])
        if not self.external_id:
            raise UnreadableValueError("missing")
        if "+" in self.external_id and ROUNDED.fullmatch(self.external_id):
            raise UnreadableValueError("rounded", figures=self.external_id)
        first = first_rows.setdefault(self.external_id, self.number)
        if first != self.number:
            raise UnreadableValueError("duplicate", first=first)

    def row(self, mode: str) -> Row | None:
        """None where it is rejected, unless its price was refused: then that is what it says."""
        if mode == STOCK_ONLY:  # where an unreadable quantity leaves nothing to take
            stock_kind, stock = self.stock(severity=ERROR)
            row = Row(self.number, self.external_id, stock_kind=stock_kind, stock=stock)
        else:
            row = self.priced_row()
            if self.is_price_refused:
                return Row(self.number, self.external_id, name=row.name, is_price_refused=True)
            if mode != PRICES_AND_STOCK:
                row = row._replace(**self.rest(row))
            row = self.in_whole_pieces(row)
        return None if self.is_rejected else row

    def priced_row(self) -> Row:
        """What mode prices_and_stock takes, and what the guards look at."""
        unit_code, unit = self.optional("unit", _unit) or (None, None)
        stock_kind, stock = self.stock()
        return Row(
            row=self.number,
            external_id=self.external_id,
            name=self.name(),
            price=self.price(),
            price_rrc=self.optional("price_rrc", price_of),
            currency=self.currency(),
            vat_rate=self.optional("vat_rate", vat_rate_of),
            unit_code=unit_code,
            unit=unit,
            units_per_pack=self.optional("units_per_pack", quantity_of),
            stock_kind=stock_kind,
            stock=stock,
        )

    def in_whole_pieces(self, row: Row) -> Row:
        """What the list itself says is counted has no quantities that would divide a piece."""
        unit = row.unit or ""
        whole: dict[str, Any] = {}
        for name in ("quantity_step", "minimum_quantity", "units_per_pack"):
            given: Decimal | None = getattr(row, name)
            if given is not None and breaks_pieces(given, unit):
                self.warn(name, "not_whole", unit=unit)
                whole[name] = None
        if row.stock is not None and breaks_pieces(row.stock, unit):
            pieces = whole["stock"] = whole_pieces(row.stock, unit)
            self.warn("quantity", "not_whole:taken", unit=unit, taken=number_text(pieces))
        return row._replace(**whole) if whole else row

    def rest(self, row: Row) -> dict[str, Any]:
        step, minimum = self.optional("quantity_step", quantity_of), self.optional("minimum_quantity", quantity_of)
        if step and minimum and minimum % step:
            self.warn("minimum_quantity", "not_a_multiple", step=number_text(step))
        model = self.text("model")
        return {
            "sku": self.sku(),
            "model": model or None,
            "category": self.category(),
            "quantity_step": step,
            "minimum_quantity": minimum,
            "barcodes": self.barcodes() or None,
            "parameters": self.parameters(),
            "match_key": match_key(row.name, model) if row.name else None,
        }

    def name(self) -> str | None:
        try:
            name = self.clean("name", self.good.get("name"))
            if not name and "name" in self.had.fields:
                raise UnreadableValueError("missing")
        except UnreadableValueError as error:
            self.report(ERROR, "name", error)
            return None
        return name or None

    def text(self, name: str) -> str:
        try:
            return self.clean(name, self.good.get(name))
        except UnreadableValueError as error:
            self.report(WARNING, name, error)
            return ""

    def clean(self, name: str, value: Any) -> str:
        if is_plain(value, LONGEST[name]):
            return cast(str, value)
        if has_broken_characters(value):
            self.warn(name, "broken_characters")
        return text_of(value, longest=LONGEST[name])

    def sku(self) -> str | None:
        if isinstance(value := self.good.get("sku"), float):
            self.warn("sku", "not_text:figures", figures=str(value))
            return None
        sku = self.text("sku")
        if "+" in sku and ROUNDED.fullmatch(sku):
            self.report(ERROR, "sku", UnreadableValueError("rounded", figures=sku))
        return sku or None

    def price(self) -> Decimal | None:
        """What cannot be one is refused, and so is none where the list has prices."""
        value = self.good.get("price")
        try:
            if not is_empty(value):
                return price_of(value)
            if "price" in self.had.fields:
                raise UnreadableValueError("missing")
        except UnreadableValueError as error:
            self.is_price_refused = True
            self.report(ERROR, "price", error)
        return None

    def currency(self) -> str | None:
        """A price in another currency must not be taken for rubles."""
        value = self.good.get("currency")
        if is_empty(value):
            return None
        if str(value).strip().casefold() not in RUBLES:
            self.is_price_refused = True
            self.report(ERROR, "currency", UnreadableValueError("unknown:currency", value=f"«{str(value)[:20]}»"))
        return RUBLE

    def category(self) -> str | None:
        value = self.good.get("category")
        if type(value) is str and value in self.categories:
            return value
        category = self.text("category")
        if not category or category in self.categories:
            return category or None
        found = self.ids_of_names.get(category.casefold())
        if found is None and self.may_add_category:
            found = self.ids_of_names[category.casefold()] = category
            self.categories[category] = category
        if found is None:
            self.warn("category", "undeclared", value=f"«{category}»")
        return found

    def stock(self, severity: str = WARNING) -> tuple[str | None, Decimal | None]:
        """Nothing is not zero, and what cannot be read is not «есть»: what is known already stays."""
        value = self.good.get("quantity")
        if is_empty(value):
            self.had.without_stock += "quantity" in self.good or isinstance(self.good, TableGood)
            return None, None
        decimal_sign = decimal_sign_of(self.good.get("price"))
        if not decimal_sign and may_be_thousands(value):
            self.warn("quantity", "ambiguous:quantity", value=f"«{str(value)[:60]}»")
        try:
            return stock_of(value, decimal_sign=decimal_sign)
        except UnreadableValueError as error:
            self.report(severity, "quantity", error)
            return (EXACT, ZERO) if error.sentence == "negative" else (None, None)

    def barcodes(self) -> list[str]:
        given = self.good.get("barcodes")
        if given is None and self.good.get("barcode") is None:
            return []
        values = [self.good.get("barcode"), *(given if isinstance(given, list) else [given])]
        found: dict[str, None] = {}
        for value in values:
            if value is None or value == "":
                continue
            gtin = gtin_of(value if isinstance(value, str) else str(value))
            if gtin is None or len(found) >= MOST_BARCODES:
                self.warn("barcode", "invalid", value=f"«{str(value)[:40]}»")
                if len(self.issues) >= MOST_ISSUES:
                    break
            else:
                found[gtin] = None
        return list(found)

    def parameters(self) -> dict[str, Any]:
        given = self.good.get("parameters")
        if given is None:
            return {}
        if not isinstance(given, dict):
            self.warn("parameters", "not_a_group")
            return {}
        found: dict[str, Any] = {}
        for key, value in given.items():
            if type(value) in PLAIN_TYPES and len(found) < MOST_PARAMETERS and _is_plain_parameter(key, value):
                found[key] = value
                continue
            try:
                name = text_of(key, longest=LONGEST_PARAMETER_NAME)
                if not name:
                    raise UnreadableValueError("missing:name")
                if len(found) >= MOST_PARAMETERS:
                    raise UnreadableValueError("too_many", most=MOST_PARAMETERS)
                if has_broken_characters(key) or has_broken_characters(value):
                    self.warn("parameters", "broken_characters", parameter=name)
                found[name] = _parameter(value)
            except UnreadableValueError as error:
                shown = NOT_WORDS.sub(" ", str(key))[:LONGEST_PARAMETER_NAME]
                self.warn("parameters", error.sentence, parameter=shown, **error.facts)
                if len(self.issues) >= MOST_ISSUES:
                    break
        return found

    def optional(self, name: str, read: Callable[[Any], T]) -> T | None:
        value = self.good.get(name)
        if is_empty(value):
            return None
        try:
            return read(value)
        except UnreadableValueError as error:
            self.report(WARNING, name, error)
            return None

    def warn(self, field_name: str, sentence: str, **facts: str | int) -> None:
        self.report(WARNING, field_name, UnreadableValueError(sentence, **facts))

    def report(self, severity: str, name: str, error: UnreadableValueError) -> None:
        self.is_rejected = self.is_rejected or severity == ERROR
        if severity == WARNING and len(self.issues) >= MOST_ISSUES:
            return
        code = f"{name}_{error.sentence.partition(':')[0]}".strip("_")
        facts = {key: CONTROLS.sub(" ", fact) if isinstance(fact, str) else fact for key, fact in error.facts.items()}
        facts["sentence"] = error.sentence
        original = None
        if severity == ERROR and not any(issue.original for issue in self.issues):
            original = original_of(self.good, self.categories)
        self.issues.append(Issue(self.number, severity, self.external_id or None, name, code, facts, original))


def _unit(value: Any) -> tuple[str | None, str]:
    text = text_of(value, longest=LONGEST["id"])
    found = unit_of(text)
    if found is None:
        raise UnreadableValueError("unknown:unit", value=f"«{text[:40]}»")
    return found


@lru_cache(maxsize=4096, typed=True)
def _is_plain_parameter(name: Any, value: Any) -> bool:
    """All goods of a list share some dozen names, and many of their values."""
    is_value = is_plain(value, LONGEST_PARAMETER) if type(value) is str else abs(value) < 2**53
    return is_value and bool(name) and is_plain(name, LONGEST_PARAMETER_NAME)


def _parameter(value: Any) -> str | int | float | bool:
    """Text, a number or yes/no, as it stands."""
    if type(value) is str:
        return text_of(value, longest=LONGEST_PARAMETER)
    if isinstance(value, bool):
        return value
    if value is None or isinstance(value, list | dict) or (isinstance(value, float) and not math.isfinite(value)):
        raise UnreadableValueError("not_a_value")
    if isinstance(value, int) and abs(value) >= 2**53:
        return str(value)  # no JSON reader would get it back
    return value if isinstance(value, int | float) else text_of(value, longest=LONGEST_PARAMETER)
