"""Every text has its Russian, and the catalog holds nothing else."""

import re

from dev import translations

CATALOG = translations.catalog()


def test_every_text_of_the_code_is_in_the_catalog() -> None:
    texts = translations.texts()
    assert len(texts) > 700
    assert sorted(texts - {each.id for each in CATALOG}) == [], "run `make translations`, then write their Russian"


def test_every_text_has_its_russian() -> None:
    assert [each.id for each in CATALOG if each.id and (not each.string or each.fuzzy)] == []


def test_the_catalog_holds_nothing_that_the_code_does_not_say() -> None:
    texts = translations.texts()
    unsaid = [each.id for each in CATALOG if each.id and each.id not in texts and not translations.is_written(each.id)]
    assert unsaid == [], "run `make translations`"
    assert CATALOG.obsolete == {}


def test_both_languages_fill_in_the_same_values() -> None:
    for each in CATALOG:
        assert [str(error) for error in each.check()] == [], each.id
        assert set(re.findall(r"\{\w+\}", each.id)) == set(re.findall(r"\{\w+\}", each.string)) or not each.id, each.id


def test_what_is_shipped_was_compiled_from_the_catalog() -> None:
    assert translations.COMPILED.read_bytes() == translations.compiled(CATALOG), "run `make translations`"
