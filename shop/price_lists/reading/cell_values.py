"""Single values as suppliers write them, read into ours. What cannot be meant raises UnreadableValueError.

Stock comes as a number, as a bound (">100", "более 100", "100+"), each perhaps with a unit behind it or a word before
it («в наличии 5 шт»), or as a word. A word that promises goods without saying how many («есть», «много», "+") is
`unknown`: such offers can be ordered, and the supplier confirms. «нет» and "-" are zero; a blank says nothing. A word
that is not known is none of these.
"""

import re
from decimal import ROUND_DOWN, ROUND_HALF_UP, Decimal
from typing import Any, Final, cast

from shop.catalog.models import AT_LEAST, EXACT, ON_ORDER, UNKNOWN
from shop.money import NO_VAT, VAT_RATES, number_text
from shop.price_lists.reading.stock_phrases import (
    BELOW,
    BOUND,
    IN_STOCK,
    ON_ORDER_PHRASE,
    PROMISE,
    RANGE,
    SOLD_OUT,
    SOLD_OUT_PHRASE,
)
from shop.spreadsheets.cells import LONGEST_STOCK, THOUSANDS_OR_DECIMALS, without_unit

HIGHEST_PRICE = Decimal(10**9)
LARGEST_QUANTITY = Decimal(10**9)
PRICE_PLACES = Decimal("0.0001")
QUANTITY_PLACES = Decimal("0.001")
LONGEST_NUMBER = 40

CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\ufffe\uffff]+")
HARMLESS_CONTROLS = re.compile(r"[\t\n\r\x0b\x0c\x85\u2028\u2029]+")
SPACES = re.compile(r"\s+")
CURRENCY = re.compile(r"(?:руб(?:\.|лей|ля|ль)?|р\.?|₽|rub)$")
PLAIN = re.compile(r"[0-9]{1,15}(?:\.[0-9]{1,15})?")
PLAIN_PRICE = re.compile(r"[0-9]{1,9}(?:\.[0-9]{1,4})?")  # nearly all are, and need no closer look
PLAIN_QUANTITY = re.compile(r"[0-9]{1,9}(?:\.[0-9]{1,3})?")
NUMBER = re.compile(r"[-+]?(?:\d+(?:[.,]\d*)?|[.,]\d+)")
THOUSANDS = re.compile(r"[-+]?\d{1,3}(?:(?:,\d{3})+\.\d+|(?:\.\d{3})+,\d+)")
AMBIGUOUS = re.compile(r"[-+]?\d{1,3},\d{3}\D*")
GROUPS_OF_THOUSANDS = re.compile(r"\d{1,3}(?:(?:,\d{3}){2,}|(?:\.\d{3}){2,})")
DECIMAL_SIGN = re.compile(r"[\d.,]*\d(?P<sign>[.,])\d{1,2}")

NO_VAT_WORDS = frozenset({NO_VAT, "без ндс", "без налога", "не облагается", "ндс не облагается"})

ZERO: Final = Decimal(0)
ONE: Final = Decimal(1)


class UnreadableValueError(Exception):
    """A value that cannot be meant: which of row_issues.SENTENCES says so, and its facts."""

    def __init__(self, sentence: str, **facts: str | int) -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.facts = facts


def text_of(value: Any, *, longest: int) -> str:
    """One line of text; numbers become text as they were written. Empty where nothing is given."""
    if is_plain(value, longest):
        return cast(str, value)
    if value is None:
        return ""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise UnreadableValueError("not_text", value=_shown(value))
    text = SPACES.sub(" ", CONTROLS.sub(" ", str(value))).strip()
    if len(text) > longest:
        raise UnreadableValueError("too_long", longest=longest)
    return text


def is_empty(value: Any) -> bool:
    return value is None or (type(value) is str and (not value or value.isspace()))


def is_plain(value: Any, longest: int) -> bool:
    """Whether it can be taken as it stands, as nearly all texts can."""
    return (
        type(value) is str
        and len(value) <= longest
        and value.isprintable()  # no space but the common one is
        and "  " not in value
        and value.strip() is value
    )


def has_broken_characters(value: Any) -> bool:
    """Characters that no text has, which `text_of` leaves out; line breaks and tabs are none of them."""
    return (
        isinstance(value, str) and not value.isprintable() and bool(CONTROLS.search(HARMLESS_CONTROLS.sub("", value)))
    )


def number_of(value: Any) -> Decimal:
    """1450.5, "1 450,5", "1 450,50 руб."; a comma is the decimal one unless dots beside it say otherwise."""
    if type(value) is str and PLAIN.fullmatch(value):
        return Decimal(value)
    if type(value) is int:
        text = str(value)
    elif isinstance(value, float) and not isinstance(value, bool):
        text = f"{Decimal(str(value)):f}" if abs(value) < 1e20 else ""
    elif isinstance(value, str):
        text = CURRENCY.sub("", SPACES.sub("", value.casefold()))
    else:
        raise UnreadableValueError("not_a_number", value=_shown(value))
    if THOUSANDS.fullmatch(text):
        text = text.replace(text[-1 - len(re.split("[.,]", text)[-1])], "!").replace(",", "").replace(".", "")
        text = text.replace("!", ".")
    if len(text) > LONGEST_NUMBER or not text.isascii() or not NUMBER.fullmatch(text):
        raise UnreadableValueError("not_a_number", value=_shown(value))
    return Decimal(text.replace(",", "."))


def price_of(value: Any) -> Decimal:
    """Four decimals at most: finer prices are refused, not rounded. So is "1,450", which may be read in two ways."""
    if type(value) is str and PLAIN_PRICE.fullmatch(value) and (plain := Decimal(value)):
        return plain
    if isinstance(value, str) and "," in value and AMBIGUOUS.fullmatch(SPACES.sub("", value)):
        raise UnreadableValueError("ambiguous", value=_shown(value))
    price = number_of(value)
    if price <= 0:
        raise UnreadableValueError("not_positive", value=_shown(value))
    if price > HIGHEST_PRICE:
        raise UnreadableValueError("too_large", value=_shown(value))
    rounded = price.quantize(PRICE_PLACES, rounding=ROUND_HALF_UP)
    if not rounded or abs(rounded - price) > Decimal("0.000001"):  # a spreadsheet's 302.8600000001 is no finer price
        raise UnreadableValueError("too_fine", value=_shown(value))
    return rounded


def quantity_of(value: Any) -> Decimal:
    """For steps, minimums and packs: more than 0, three decimals at most."""
    quantity = number_of(without_unit(value.strip().casefold()) if isinstance(value, str) else value)
    if not 0 < quantity <= LARGEST_QUANTITY:
        raise UnreadableValueError("not_positive:quantity", most=f"{LARGEST_QUANTITY:,}", value=_shown(value))
    if quantity != quantity.quantize(QUANTITY_PLACES):
        raise UnreadableValueError("too_fine:quantity", value=_shown(value))
    return quantity


def stock_of(value: Any, *, decimal_sign: str = "") -> tuple[str, Decimal]:
    """(kind, quantity). Negative stock and what is no stock at all are unreadable.

    `decimal_sign` is that of the prices beside it: "1,000" is a thousand where they are written with a point.
    """
    if type(value) is str and PLAIN_QUANTITY.fullmatch(value) and decimal_sign != ",":
        return EXACT, Decimal(value)
    if value is None or value == "":
        return UNKNOWN, ZERO
    if isinstance(value, bool):
        return (UNKNOWN if value else EXACT), ZERO
    if not isinstance(value, str):
        return EXACT, _pieces(value, value)
    word = SPACES.sub(" ", value[:LONGEST_STOCK]).strip().casefold().rstrip(".!")
    return _stock_in_words(word) or _stock_in_figures(word, value, decimal_sign)


def _stock_in_words(word: str) -> tuple[str, Decimal] | None:
    if word in IN_STOCK or not word:
        return UNKNOWN, ZERO
    if ON_ORDER_PHRASE.fullmatch(word):
        return ON_ORDER, ZERO
    if word in SOLD_OUT or SOLD_OUT_PHRASE.fullmatch(word):
        return EXACT, ZERO
    return None


def _stock_in_figures(word: str, shown: str, sign: str) -> tuple[str, Decimal]:
    if promise := PROMISE.fullmatch(word):
        word = promise["rest"].strip()
    word = without_unit(word)
    if bound := BOUND.fullmatch(word) or RANGE.fullmatch(word):
        least = next(filter(None, bound.groups()))
        return AT_LEAST, _pieces(_without_thousands(without_unit(least), sign), shown)
    if below := BELOW.fullmatch(word):
        most = _pieces(below["less"] or below["most"], shown)
        return (AT_LEAST, ONE) if most > (1 if below["less"] else 0) else (EXACT, ZERO)
    return EXACT, _pieces(_without_thousands(word, sign), shown)


def decimal_sign_of(price: Any) -> str:
    """ "." of 1,450.50 or 96.00, "," of 1 450,50; "" where a price does not show it."""
    text = CURRENCY.sub("", SPACES.sub("", price[:LONGEST_NUMBER].casefold())) if isinstance(price, str) else ""
    found = DECIMAL_SIGN.fullmatch(text)
    return found["sign"] if found else ""


def _without_thousands(text: str, sign: str) -> str:
    plain = SPACES.sub("", text)
    if GROUPS_OF_THOUSANDS.fullmatch(plain):
        return plain.replace(",", "").replace(".", "")
    found = THOUSANDS_OR_DECIMALS.fullmatch(plain) if sign else None
    return plain.replace(found["sign"], "") if found and found["sign"] != sign else text


def vat_rate_of(value: Any) -> str | None:
    """One of VAT_RATES; None where nothing is given. «без НДС» is not 0 %."""
    if value is None or value == "":
        return None
    if isinstance(value, str) and SPACES.sub(" ", value).strip().casefold() in NO_VAT_WORDS:
        return NO_VAT
    digits = number_of(value.replace("%", "") if isinstance(value, str) else value)
    rate = number_text(digits)
    if rate not in VAT_RATES:
        raise UnreadableValueError("unknown_rate", rates=", ".join(VAT_RATES), value=_shown(value))
    return rate


def _pieces(value: Any, shown: Any) -> Decimal:
    pieces = number_of(value)
    if pieces < 0:
        raise UnreadableValueError("negative", value=_shown(shown))
    if pieces > LARGEST_QUANTITY:
        raise UnreadableValueError("too_large", value=_shown(shown))
    return pieces.quantize(QUANTITY_PLACES, rounding=ROUND_DOWN)


def _shown(value: Any) -> str:
    """The fact `value`, short and harmless."""
    if value is None:
        return "nothing"
    if isinstance(value, dict | list):
        return "a list" if isinstance(value, list) else "a group of fields"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"«{CONTROLS.sub(' ', str(value))[:60]}»"
