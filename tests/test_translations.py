"""Texts in the reader's language; that each has its Russian, tests/codebase/test_translations.py says."""

import pytest
from flask import Flask
from flask_babel import force_locale

from dev import translations
from shop.translations import LANGUAGES, t, t_in


@pytest.mark.parametrize("locale", LANGUAGES)
def test_nothing_stays_nothing(app: Flask, locale: str) -> None:
    """gettext would answer with the catalog's header."""
    with app.app_context(), force_locale(locale):
        assert t("") == ""


def test_a_prefix_tells_apart_and_is_never_shown(app: Flask) -> None:
    with app.app_context():
        assert (t_in("ru", "state|new"), t_in("en", "state|new")) == ("новый", "new")
        assert t_in("ru", "state|unheard of") == "unheard of"


def test_values_are_filled_in_after_the_translation(app: Flask) -> None:
    with app.app_context():
        assert t_in("ru", "Log in with {email} from now on.", email="{a}@b.c") == "Теперь входите с адресом {a}@b.c."


def test_what_a_page_holds_beside_its_texts_keeps_no_entry_alive() -> None:
    assert translations.is_written("Too many tries")
    assert not any(translations.is_written(text) for text in ("card", "section", "state|new"))


def test_the_acts_of_a_call_are_found_beside_a_lambda() -> None:
    assert {"act|supplier_category.map", "act|price_list.apply", "act|part.sent"} <= translations.texts()
