"""What is wrong with a row is said in Russian, too."""

import ast
import re
from pathlib import Path

import pytest

from shop.price_lists import reading
from shop.price_lists.issue_words import in_russian
from shop.price_lists.reading.row_reader import BROKEN, ROUNDED_SENTENCE

SOURCES = [Path(reading.__path__[0]) / f"{name}.py" for name in ("row_reader", "row_checks", "cell_values")]


def said_in_code() -> set[str]:
    """The sentences of all issues, with a word in the place of each value."""
    calls = [node for path in SOURCES for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call)]
    found = {BROKEN, ROUNDED_SENTENCE.format("4E+12")}
    for call in calls:
        name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
        if name == "UnreadableValueError" or name == "warn":
            found |= {text for text in [_text(call.args[-1])] if re.search(" [a-z]{2}|[a-z]{2} ", text)}
    return found


def _text(node: ast.expr) -> str:
    if isinstance(node, ast.JoinedStr):
        return "".join(str(part.value) if isinstance(part, ast.Constant) else "7" for part in node.values)
    return str(node.value) if isinstance(node, ast.Constant) else ""


@pytest.mark.parametrize("sentence", sorted(said_in_code()))
def test_every_sentence_has_its_russian(sentence: str) -> None:
    english = sentence if sentence.startswith("The ") else f"price {sentence}"
    russian = in_russian(english)

    assert russian != english
    assert re.search("[а-яё]", russian)


def test_there_are_as_many_as_there_seem_to_be() -> None:
    assert len(said_in_code()) > 25


@pytest.mark.parametrize(
    ("english", "russian"),
    [
        ("price must be a number, not «по запросу»", "price: должно быть числом, а не «по запросу»"),
        ("name must be text, not a list", "name: должно быть текстом, а не список"),
        (
            "parameters «Цвет» has no value that could be shown",
            "parameters «Цвет»: нет значения, которое можно показать",
        ),
        ("Category 3 must have an id and a name.", "Категория 3: нужны id и name"),
        ("This field is not read (12 goods).", "Это поле не читается (товаров: 12)."),
        ("price {0} is odd", "price {0} is odd"),
    ],
)
def test_says_it_in_russian(english: str, russian: str) -> None:
    assert in_russian(english) == russian
