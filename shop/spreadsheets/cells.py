"""Cells as text: codes and numbers as spreadsheet programs spoil them, units behind numbers, thousands or decimals."""

import re
from typing import Any

LONGEST_STOCK = 100

WHOLE = re.compile(r"(\d+)[.,]0+")
NUMBER = re.compile(r"-?(?:0|[1-9]\d{0,14})(?:\.\d{1,15})?")
WORDS = {"true": True, "false": False, "истина": True, "ложь": False}
THOUSANDS_OR_DECIMALS = re.compile(r"[1-9]\d{0,2}(?P<sign>[.,])\d{3}")

FORMULA = re.compile(r"'*[=+\-@\t\r]")
# What a spreadsheet would take for a formula, or read as something else than text, has an apostrophe in front of it.
APOSTROPHES = re.compile(rf"'+(?=[=+\-@\t\r]|$|(?:{NUMBER.pattern}|\d+[.,]\d+|{'|'.join(WORDS)})$)", re.IGNORECASE)

# What is dropped behind a number. «тыс. шт» is none of them: it would make another number of it.
UNITS = (
    *("шт(?:ук[аи]?)?", "ед(?:иниц[аы]?)?", "уп(?:ак|аковк[аи]|аковок)?", "пач(?:к[аи]|ек)?", "кор(?:обк[аи]|обок)?"),
    *("ящ(?:ик|ика|иков)?", "бут(?:ылк[аи]|ылок)?", "рул(?:он|она|онов)?", "пар[аы]?", "компл(?:ект|екта|ектов)?"),
    *("наб(?:ор|ора|оров)?", "лист(?:а|ов)?", "меш(?:ок|ка|ков)?", "бан(?:к[аи]|ок)?", "кг", "г", "гр", "т", "л"),
    *("мл", "м", "м2", "м²", "м3", "м³", "pcs", "pc", "pieces?", "units?", "items?", "ea", "kg", "g", "l"),
)
NUMBER_AND_UNIT = re.compile(rf"(?P<number>.*\d)\s*(?P<plus>\+?)\s*(?:{'|'.join(UNITS)})\.?\s*(?P<after>\+?)")


def harmless(text: str) -> str:
    """As it is written into any file: what a spreadsheet program would run gets an apostrophe, which plain_text() takes
    away again. One that stands there already is the author's own."""
    return f"'{text}" if FORMULA.match(text) else text


def plain_text(value: Any) -> Any:
    if isinstance(value, str) and value.startswith("'") and APOSTROPHES.match(value):
        return value[1:]
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        return int(value)
    return value


def code_of(value: Any) -> Any:
    """12.0 is how a spreadsheet writes 12; a date or a number that has lost its digits is left to be refused."""
    plain = plain_text(value)
    if isinstance(value, str) and plain == value and (whole := WHOLE.fullmatch(value.strip())):
        return whole[1]
    return plain


def without_unit(text: str) -> str:
    """«12 шт.» as «12»: what a number counts is said in a column of its own."""
    found = NUMBER_AND_UNIT.fullmatch(text) if len(text) <= LONGEST_STOCK else None
    return f"{found['number']}{found['plus'] or found['after']}" if found else text


def may_be_thousands(value: Any) -> bool:
    """A comma and three figures: 1,000 is a thousand in one country and one in another."""
    found = THOUSANDS_OR_DECIMALS.search(value[:LONGEST_STOCK]) if isinstance(value, str) and "," in value else None
    return found is not None and found["sign"] == ","
