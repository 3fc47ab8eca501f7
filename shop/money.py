"""Money and quantities: rounding, VAT and how both are written, the same here as in SQL."""

from decimal import ROUND_HALF_UP, Decimal

KOPECK = Decimal("0.01")
NBSP = "\N{NO-BREAK SPACE}"
# Between thousands, and before the places. In Russian a plain no-break space: PT Sans has no narrow one (U+202F).
SEPARATORS = {"ru": (NBSP, ","), "en": (",", ".")}
NO_VAT = "none"
VAT_RATES = ("22", "10", "7", "5", "0", NO_VAT)


def round_sum(amount: Decimal) -> Decimal:
    """To the kopeck, halves away from zero, as PostgreSQL's round(numeric, 2) does."""
    return amount.quantize(KOPECK, rounding=ROUND_HALF_UP)


def line_sum(price: Decimal, quantity: Decimal) -> Decimal:
    return round_sum(price * quantity)


def vat_inside(amount: Decimal, rate: str | None) -> Decimal:
    """The VAT contained in `amount`; nothing where the goods carry none («без НДС»).

    Of an unknown rate there is none to be named; what is ordered has a rate (VatRateUnknown).
    """
    percent = _percent(rate)
    return round_sum(amount * percent / (100 + percent))


def vat_on_top(amount: Decimal, rate: str | None) -> Decimal:
    """The VAT to add to `amount`, a sum without it."""
    return round_sum(amount * _percent(rate) / 100)


def sql_vat_on_top(amount: str, rate: str) -> str:
    """vat_on_top() in SQL; NULL where there is none to add."""
    return f"round({amount} * nullif({rate}, '{NO_VAT}')::numeric / 100, 2)"


def number_text(number: Decimal) -> str:
    """Without an exponent and without places that say nothing: 1000, 0.5."""
    return f"{number.normalize():f}"


def money_text(amount: Decimal) -> str:
    """A decimal with at least two places and no others that say nothing: 110000.00, 0.4855."""
    whole, _, fraction = number_text(amount).partition(".")
    return f"{whole}.{fraction.ljust(2, '0')}"


def sql_money_text(amount: str) -> str:
    """money_text() in SQL."""
    return f"(CASE WHEN min_scale({amount}) < 2 THEN round({amount}, 2) ELSE trim_scale({amount}) END)::text"


def localized(text: str, locale: str) -> str:
    """What number_text() or money_text() has written, as people of a language read it: 1 234,50 or 1,234.50."""
    sign, digits = text[: text.startswith("-")], text.removeprefix("-")
    whole, point, fraction = digits.partition(".")
    thousands, before_places = SEPARATORS[locale]
    return f"{sign}{int(whole):,}".replace(",", thousands) + point.replace(".", before_places) + fraction


def quantity_number(value: Decimal) -> int | float:
    """Quantities have at most 14 digits, so a JSON number carries them without loss."""
    return int(value) if value == int(value) else float(value)


def _percent(rate: str | None) -> Decimal:
    return Decimal(0) if rate is None or rate == NO_VAT else Decimal(rate)
