"""Numbers, days and sums as Russian paper writes them: «1 234,50», «22.11.2026», «Сто двадцать рублей 50 копеек»."""

from collections.abc import Callable
from datetime import date
from decimal import Decimal

from num2words import num2words

from shop.money import NBSP, localized, money_text, number_text

MINUS = "\N{MINUS SIGN}"
NO_VAT = "без НДС"

RUBLES = ("рубль", "рубля", "рублей")
KOPECKS = ("копейка", "копейки", "копеек")
GOODS = ("наименование", "наименования", "наименований")


def number(value: str | Decimal, *, signed: bool = False) -> str:
    """A signed one says its direction: «+5», «−5», and plain «0»."""
    return _on_paper(number_text, value, signed)


def money(value: str | Decimal, *, signed: bool = False) -> str:
    return _on_paper(money_text, value, signed)


def day(iso: str) -> str:
    return f"{date.fromisoformat(iso):%d.%m.%Y}"


def vat_rate(rate: str) -> str:
    return NO_VAT if rate == "none" else f"{number(rate)}{NBSP}%"


def sum_in_words(value: str | Decimal, currency: str = "RUB") -> str:
    """Whole units in words, hundredths in figures; a foreign currency keeps its code: «Десять 50/100 BYN»."""
    units, hundredths = divmod(int(abs(Decimal(value)) * 100), 100)
    spelled = num2words(units, lang="ru").capitalize()
    if currency != "RUB":
        return f"{spelled} {hundredths:02d}/100 {currency}"
    return f"{spelled} {plural(units, RUBLES)} {hundredths:02d} {plural(hundredths, KOPECKS)}"


def count_of_goods(count: int) -> str:
    """«21 (двадцать одно) наименование»."""
    return f"{count} ({num2words(count, lang='ru', gender='n')}) {plural(count, GOODS)}"


def plural(count: int, forms: tuple[str, str, str]) -> str:
    """The form of a noun after a number: 1 рубль, 2 рубля, 5 рублей, 11 рублей, 21 рубль."""
    one, few, many = forms
    if count % 100 in range(11, 15):
        return many
    return {1: one, 2: few, 3: few, 4: few}.get(count % 10, many)


def _on_paper(write: Callable[[Decimal], str], value: str | Decimal, signed: bool) -> str:
    exact = Decimal(value)
    sign = MINUS if exact < 0 else "+" if signed and exact > 0 else ""
    return sign + localized(write(abs(exact)), "ru")
