"""Files and texts that buyers order from: their rows, and which columns hold the SKU and the quantity.

Columns are known by the names that price lists use. Without a heading a row is a SKU and a quantity, in this order and
nothing else; which one of more columns is meant is not guessed at.
"""

import csv
import io
import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice, takewhile
from typing import Any, NamedTuple

from shop.errors import Invalid
from shop.spreadsheets import (
    DELIMITERS,
    CutLine,
    Limits,
    TextTable,
    UnreadableSheetError,
    Workbook,
    cell_text,
    is_blank,
    is_zip,
    last_filled,
)
from shop.spreadsheets.headings import BY_NAME, HOW_MANY, IGNORED, LINES_BEFORE_NAMES

MIB = 2**20
MAX_BYTES = 5 * MIB
MAX_ROWS = 10_000  # an order form is a whole price list with some quantities filled in
MOST = {"rows": MAX_ROWS, "columns": 200, "cells": 200_000, "text": 4 * MIB, "texts": 100_000, "elements": 400_000}
LIMITS = Limits(**MOST, unpacked=16 * MIB)
NEITHER = "The file is neither text nor an XLSX sheet."
NO_TEXT = frozenset({"not_text", "unknown_encoding"})

# What the column of wanted quantities is called. «Остаток» and «Наличие» say what there is.
WANTED = frozenset(
    {*HOW_MANY, "quantity", "qty", "order", "order qty", "заказ", "заказать", "к заказу", "ваш заказ", "нужно"}
    | {"кол", "кол.", "потребность", "количество заказа", "кол-во заказа", "заказ покупателя", "шт", "шт.", "штук"}
)
UNIT_BEHIND = re.compile(r"[\s,(]{1,3}(?:шт|ед|уп|pcs)\.?\)?$")
NUMBER = r"\d+(?:[.,]\d+)?"
QUANTITY = re.compile(rf"(?:{NUMBER})?(?:\s?шт\.?)?")
PIECES = re.compile(r"\s?шт\.?$")
LONGEST_PLAIN_LINE = 1000
SEPARATORS = ";\t|"

CUT = "The file ends in the middle of this row."
IN_TWO_WAYS = "It may be read in two ways. Put a semicolon or a tab between SKU and quantity."


class UnreadableQuickOrder(Invalid):
    code = "UnreadableQuickOrder"
    message = "{reason}"


class Heading(NamedTuple):
    """Its row, 0 where there is none; where the SKU (in the first of `skus` that is filled) and the quantity stand."""

    row: int = 0
    skus: Sequence[int] = (0,)
    quantity: int = 1
    width: int = 2


class FormRow(NamedTuple):
    number: int
    cells: Sequence[str]
    problem: str = ""


class OrderForm(NamedTuple):
    heading: Heading
    rows: Iterable[FormRow]


def read_order_form(raw: bytes | str) -> OrderForm:
    """The rows below the heading that are not blank."""
    if len(raw) > MAX_BYTES:
        raise UnreadableQuickOrder(reason=f"It is larger than {MAX_BYTES // MIB} MiB.")
    try:
        if isinstance(raw, bytes) and is_zip(raw):
            return _form_of_workbook(raw)
        return _form_of_text(raw if isinstance(raw, bytes) else f"{raw}\n".encode(errors="replace"))
    except UnreadableSheetError as error:
        reason = NEITHER if error.code in NO_TEXT else error.sentence
        raise UnreadableQuickOrder(reason=reason) from None


def _form_of_workbook(raw: bytes) -> OrderForm:
    """The first sheet with a heading that we know, else the first one."""
    workbook = Workbook(io.BytesIO(raw), LIMITS)
    sheet, heading = workbook.sheets[0], Heading()
    for each in workbook.sheets:
        if found := _known_heading(list(islice(workbook.lines(each), LINES_BEFORE_NAMES))):
            sheet, heading = each, _heading(*found)
            break
    return _form(heading, list(_rows(workbook.lines(sheet), heading, least=2)))


def _form_of_text(raw: bytes) -> OrderForm:
    table = TextTable(io.BytesIO(raw))
    table.check_size(lines=MAX_ROWS)
    text = raw.decode(table.encoding, errors="ignore")
    known = [(delimiter, found) for delimiter in DELIMITERS if (found := _known_heading(_head(text, delimiter)))]
    if not known:
        return _form(Heading(), _split(text, 0))
    delimiter, found = max(known, key=lambda each: len(_meanings(each[1][1])))
    heading = _heading(*found)
    if heading == Heading(heading.row):
        return _form(heading, _split(text, heading.row))
    return _form(heading, list(_rows(table.lines(delimiter), heading)))


def _form(heading: Heading, rows: list[FormRow]) -> OrderForm:
    """Above the rows a title in the first line is passed over; a heading that we do not know is refused."""
    above = [] if heading.row else list(takewhile(lambda row: not re.search(r"\d", "".join(row.cells)), rows))
    unknown = next((row.cells for row in above if last_filled(row.cells) > 1), None)
    if unknown is not None:
        reason = f"The columns are {_list(unknown)}. Call those of SKU and quantity «Артикул» and «Кол-во»."
        raise UnreadableQuickOrder(reason=reason)
    return OrderForm(heading, rows[1:] if above and above[0].number == 1 else rows)


def _rows(lines: Iterable[Sequence[Any]], heading: Heading, *, least: int = 0) -> Iterator[FormRow]:
    """`least` cells each: a workbook leaves out blank ones, a text may have another separator than we thought."""
    for number, line in enumerate(lines, start=1):
        if number > heading.row and last_filled(line):
            problem = CUT if isinstance(line, CutLine) else ""
            yield _row(number, line, problem, least=least)


def _head(text: str, delimiter: str) -> list[list[str]]:
    try:
        return list(islice(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter), LINES_BEFORE_NAMES))
    except csv.Error:
        return []


def _known_heading(lines: Iterable[Sequence[Any]]) -> tuple[int, Sequence[str]] | None:
    """The line, among the first ones, that names most of the columns we know, and at least two; with its row."""
    texts = ([cell_text(cell) for cell in line[: LIMITS.columns]] for line in lines)
    row, line = max(enumerate(texts, start=1), key=lambda each: len(_meanings(each[1])), default=(0, ()))
    return (row, line) if len(_meanings(line)) > 1 else None


def _meanings(line: Sequence[str]) -> set[str]:
    return {meaning for name in line if (meaning := _meaning(name))}


def _meaning(name: str) -> str | None:
    key = cell_text(name).casefold()
    if key in WANTED or UNIT_BEHIND.sub("", key) in WANTED:
        return "wanted"
    found = BY_NAME.meaning(name)
    return found if found != IGNORED else None


def _heading(row: int, names: Sequence[str]) -> Heading:
    places: dict[str, list[int]] = {}
    for place, name in enumerate(names):
        if meaning := _meaning(name):
            places.setdefault(meaning, []).append(place)
    skus = [*places.get("sku", []), *places.get("id", [])]
    if not skus:
        raise UnreadableQuickOrder(reason=f"No column is called «Артикул»; the columns are {_list(names)}.")
    if "wanted" not in places:
        reason = f"No column says how much is wanted; the columns are {_list(names)}. Call it «Кол-во» or «Заказ»."
        raise UnreadableQuickOrder(reason=reason)
    for name in ("wanted", "sku", "id"):
        if len(places.get(name, [])) > 1:
            alike = _list([names[place] for place in places[name]])
            raise UnreadableQuickOrder(reason=f"Which of the columns {alike} is meant? Leave one of them.")
    return Heading(row, tuple(skus), places["wanted"][0], last_filled(names))


def _list(names: Sequence[str]) -> str:
    return ", ".join(f"«{cell_text(name)[:40]}»" for name in names[:10] if not is_blank(name))


def _split(text: str, after: int) -> list[FormRow]:
    """Each line by its own separator; a blank or a comma is one where nothing else is, if it is clear which."""
    lines = list(enumerate(io.StringIO(text, newline=None), start=1))
    plain = [line for number, line in lines if number > after and not any(sign in line for sign in SEPARATORS)]
    ways = [(_by_blank(line), _by_comma(line)) for line in plain]
    blank = any(by_blank and not by_comma for by_blank, by_comma in ways)
    comma = any(by_comma and not by_blank for by_blank, by_comma in ways)
    rows = []
    for number, line in lines:
        if number > after and line.strip():
            rows.append(_split_line(number, line.rstrip("\n"), blank=blank, comma=comma))
    return rows


def _split_line(number: int, line: str, *, blank: bool, comma: bool) -> FormRow:
    """`blank`, `comma`: whether there are lines that are split by nothing else."""
    if separator := next((sign for sign in SEPARATORS if sign in line), None):
        return _cells(line, separator, number)
    by_blank, by_comma = _by_blank(line), _by_comma(line)
    if by_blank and by_comma and blank and comma:
        return FormRow(number, (line.strip(),), IN_TWO_WAYS)
    found = by_comma if by_comma and (comma or not by_blank) else by_blank
    return FormRow(number, found or (line.strip(),))


def _by_blank(line: str) -> Sequence[str] | None:
    if len(line) > LONGEST_PLAIN_LINE:
        return None
    sku, _, quantity = cell_text(PIECES.sub("", line.strip())).rpartition(" ")
    return (sku, quantity) if sku and quantity and QUANTITY.fullmatch(quantity) else None


def _by_comma(line: str) -> Sequence[str] | None:
    if len(line) > LONGEST_PLAIN_LINE:
        return None
    cells = _cells(line, ",").cells
    return cells if len(cells) == 2 and cells[0] and QUANTITY.fullmatch(cells[1]) else None


def _cells(line: str, separator: str, number: int = 0) -> FormRow:
    try:
        return _row(number, next(csv.reader([line.strip("\n")], delimiter=separator)))
    except csv.Error:  # a cell of 128 KiB
        return FormRow(number, (line,))


def _row(number: int, line: Sequence[Any], problem: str = "", *, least: int = 0) -> FormRow:
    """Up to its last cell that is not blank; of an endless one only the beginning."""
    width = last_filled(line)
    if width > LIMITS.columns:
        width, problem = LIMITS.columns, f"The row has more than {LIMITS.columns} cells."
    least = least or min(len(line), 2)
    return FormRow(number, [cell_text(cell) for cell in line[:width]] + [""] * (least - width), problem)
