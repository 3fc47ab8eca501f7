"""Texts in the reader's language: English where they are used, Russian in ru/LC_MESSAGES/messages.po.

`make translations` brings the catalog up to date with the code; a test fails where a text has no Russian.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from flask import Flask, request
from flask_babel import Babel, force_locale, get_locale, get_translations
from flask_babel.speaklater import LazyString

FOLDER = Path(__file__).parent
LANGUAGES = ("ru", "en")


def init_app(app: Flask, **selectors: Any) -> None:
    """`selectors` say whose language and time zone it is: `locale_selector`, `timezone_selector`."""
    app.jinja_env.globals["t"] = t
    Babel(app, default_translation_directories=str(FOLDER), **selectors)


def t(text: str, **values: Any) -> str:
    """The text in the reader's language, `{name}` filled in. In "state|new" what stands before | only tells apart."""
    said: str = get_translations().ugettext(text) if text else ""  # gettext keeps the catalog's header under ""
    return _filled(text.rpartition("|")[2] if said == text else said, values)


def t_in(locale: str, text: str, **values: Any) -> str:
    """The same for a reader who does not ask now: of a mail, of a page behind a link. English is there as it stands."""
    if locale == "en":
        return _filled(text.rpartition("|")[2], values)
    with force_locale(locale):
        return t(text, **values)


def _filled(said: str, values: Mapping[str, Any]) -> str:
    return said.format(**values) if values else said


def later(text: str) -> LazyString:
    """For what is named before anybody reads it: menus, columns, labels."""
    return LazyString(t, text)


def noted(text: str) -> str:
    """The text as it is: a constant that somebody else gives to t(), put into the catalog from here."""
    return text


def preferred_language() -> str:
    """What the browser asks for, of a reader whom we do not know."""
    return request.accept_languages.best_match(LANGUAGES) or LANGUAGES[0]


def language() -> str:
    """ru or en, the reader's."""
    return str(get_locale() or "en")[:2]
