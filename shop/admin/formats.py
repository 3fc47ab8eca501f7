"""How the desk shows things: money, numbers, moments and days in the reader's language and time zone, states, links."""

from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from babel.dates import format_date as babel_date
from babel.dates import format_datetime as babel_moment
from flask_babel import get_locale, get_timezone
from markupsafe import Markup

from shop.database import now
from shop.money import NBSP, NO_VAT, localized, money_text, number_text
from shop.orders.states import PART_STATES
from shop.translations import language, t

NOTHING = Markup('<span class="nothing">—</span>')
MAX_CLIPPED = 120
TONES = {
    "held": "waiting",
    "pending": "waiting",
    "quarantined": "waiting",
    "queued": "moving",
    "checking": "moving",
    "applying": "moving",
    "applied": "good",
    "active": "good",
    "failed": "bad",
    "parked": "bad",
    "blocked": "bad",
    **{state.name: state.tone for state in PART_STATES.values()},
}

Formatter = Callable[[Any, Any, Any, str], Any]


def money(amount: Decimal | str | None) -> str | Markup:
    """12 345,60 ₽; unit prices with up to four decimals."""
    if amount is None:
        return NOTHING
    return _localized(money_text(round(Decimal(amount), 4))) + f"{NBSP}₽"


def number(amount: Decimal | int | str | None) -> str | Markup:
    """At most three decimals, and none that say nothing."""
    if amount is None:
        return NOTHING
    return _localized(number_text(round(Decimal(amount), 3)))


def vat_rate(rate: str | None) -> str:
    """Free of VAT, taxed at 0 % and unknown are three things."""
    if rate is None:
        return t("VAT unknown")
    return t("without VAT") if rate == NO_VAT else f"{rate}{NBSP}%"


def moment(at: datetime | None) -> Markup:
    """Today: the time; this year: day and time; else the day with its year. The title says all of it."""
    if at is None:
        return NOTHING
    place, locale = zone(), get_locale()
    there, today = at.astimezone(place), now().astimezone(place)
    pattern = "d MMM y" if there.year != today.year else "HH:mm" if there.date() == today.date() else "d MMM, HH:mm"
    shown = babel_moment(there, pattern, tzinfo=place, locale=locale)
    title = babel_moment(there, "long", tzinfo=place, locale=locale)
    return Markup('<time datetime="{}" title="{}">{}</time>').format(at.astimezone(UTC).isoformat(), title, shown)


def day(on: date | None) -> str | Markup:
    return NOTHING if on is None else babel_date(on, "d MMM y", locale=get_locale())


def badge(state: str | None) -> Markup:
    if not state:
        return NOTHING
    return Markup('<span class="badge {}">{}</span>').format(TONES.get(state, "quiet"), t(f"state|{state}"))


def clipped(text: str | None) -> Markup:
    """The beginning of something long; all of it in its title."""
    if not text:
        return NOTHING
    shown = text if len(text) <= MAX_CLIPPED else f"{text[:MAX_CLIPPED]}…"
    return Markup('<span title="{}">{}</span>').format(text, shown)


def link(address: str, text: Any) -> Markup:
    return Markup('<a href="{}">{}</a>').format(address, text)


def plain(value: Any) -> Any:
    """What has no formatter of its own, by its type."""
    if value is None or value == "":
        return NOTHING
    if isinstance(value, bool):
        return t("yes") if value else t("no")
    if isinstance(value, datetime):
        return moment(value)
    if isinstance(value, date):
        return day(value)
    if isinstance(value, int | Decimal):
        return number(value)
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value))
    return value


def shown(show: Callable[[Any], Any]) -> Formatter:
    """One of the functions above as a formatter of a column: `column_formatters = {"total": shown(money)}`."""
    return lambda _view, _context, row, name: show(getattr(row, name))


def linked(address_of: Callable[[Any], str]) -> Formatter:
    """The column's value as a link to what the row is about."""
    return lambda _view, _context, row, name: link(address_of(row), plain(getattr(row, name)))


def zone() -> ZoneInfo:
    return ZoneInfo(str(get_timezone()))


def _localized(text: str) -> str:
    return localized(text, language())
