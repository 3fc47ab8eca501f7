"""What suppliers write where the stock is asked for: none is none, and nothing unknown promises goods in silence."""

from decimal import Decimal

import pytest
from flask import Flask
from hypothesis import given
from hypothesis import strategies as st

from shop.auth.models import SUPPLIER
from shop.catalog.models import AT_LEAST, EXACT, ON_ORDER, UNKNOWN
from shop.price_lists.reading.cell_values import UnreadableValueError, decimal_sign_of, quantity_of, stock_of
from shop.price_lists.reading.stock_phrases import IN_STOCK, SOLD_OUT
from tests.factories.auth import make_company
from tests.price_lists.lists import issues, offers, run_import, stock

NONE = [
    "0",
    "0 шт",
    "0шт.",
    "0 шт.",
    "0,00",
    "0.000",
    "0 уп",
    "0 (под заказ)",
    "0 тыс. шт",
    "Нет!",
    "нет, ожидается 12.05",
]
NONE += [
    "нет на складе",
    "В наличии нет",
    "нет/снят",
    "Out of stock",
    "SOLD OUT",
    "<1",
    "остаток: 0",
    *sorted(SOLD_OUT),
]


@pytest.mark.parametrize("text", NONE)
def test_none_is_none(text: str) -> None:
    assert stock_of(text) == (EXACT, 0)


@pytest.mark.parametrize(
    ("text", "kind", "quantity"),
    [
        ("5 шт", EXACT, 5),
        ("5шт.", EXACT, 5),
        ("1 000 шт", EXACT, 1000),
        ("12,5 кг", EXACT, Decimal("12.5")),
        ("3 упаковки", EXACT, 3),
        ("5 м2", EXACT, 5),
        ("7 pcs", EXACT, 7),
        ("в наличии 5 шт", EXACT, 5),
        ("много (120)", EXACT, 120),
        ("Осталось: 3", EXACT, 3),
        ("1,000,000", EXACT, 1_000_000),
        ("более 100 шт", AT_LEAST, 100),
        (">10 шт.", AT_LEAST, 10),
        ("10+", AT_LEAST, 10),
        ("10+ шт", AT_LEAST, 10),
        ("5-10", AT_LEAST, 5),
        ("от 5 до 10 шт", AT_LEAST, 5),
        ("<10", AT_LEAST, 1),
        ("до 5", AT_LEAST, 1),
        ("под заказ 5 дней", ON_ORDER, 0),
        ("Ожидается 15.03", ON_ORDER, 0),
        ("ожидаем 20 шт", ON_ORDER, 0),
        ("Pre-order", ON_ORDER, 0),
        *((word, UNKNOWN, 0) for word in sorted(IN_STOCK)),
    ],
)
def test_words_bounds_and_numbers_with_a_unit(text: str, kind: str, quantity: Decimal) -> None:
    assert stock_of(text) == (kind, quantity)


@pytest.mark.parametrize(
    "text", ["5 дней", "3 нед", "5 тыс. шт", "xyz", "12 месяцев", "01.03.2026", "5 шт в пути", "5/10"]
)
def test_what_is_not_known_is_no_stock(text: str) -> None:
    with pytest.raises(UnreadableValueError):
        stock_of(text)


@given(
    st.integers(0, 10**6),
    st.sampled_from(["", " "]),
    st.sampled_from(["шт", "шт.", "уп", "кор.", "кг", "pcs", "ящиков"]),
)
def test_a_unit_behind_a_number_changes_nothing(number: int, blank: str, unit: str) -> None:
    assert stock_of(f"{number}{blank}{unit}") == (EXACT, number)
    if number:
        assert quantity_of(f"{number}{blank}{unit}") == number


@pytest.mark.parametrize(
    ("price", "quantity", "meant"),
    [
        ("1,450.50", "1,000", 1000),
        ("96.00", "2,500 шт", 2500),
        ("1 450,50 руб.", "1,000", 1),
        ("96,00", "1.000", 1000),
        ("96.00", "1.000", 1),
        ("96.00", "0,500", Decimal("0.5")),
        ("96.00", ">1,000", 1000),
    ],
)
def test_prices_show_what_a_comma_means(price: str, quantity: str, meant: Decimal) -> None:
    assert stock_of(quantity, decimal_sign=decimal_sign_of(price))[1] == meant


@pytest.mark.parametrize("price", ["96", "1,450", "1.450", None])
def test_a_price_that_does_not_show_it_is_no_witness(price: str | None) -> None:
    assert decimal_sign_of(price) == ""


def test_in_a_list(app: Flask) -> None:
    supplier = make_company(SUPPLIER)
    rows = ["A;100;0 шт", "B;100;5 шт", "C;100;нет", 'D;"1,450.50";"1,000"', "E;100;1,000", "F;100;скоро завезём"]
    text = "Код;Цена;Остаток;Наименование\n" + "".join(f"{row};x\n" for row in rows)

    done = run_import(app, supplier, text.encode())

    found = {key: stock(app, offer) for key, offer in offers(app, supplier).items()}
    assert {key: (level.kind, int(level.on_hand)) for key, level in found.items()} == {
        "A": (EXACT, 0),
        "B": (EXACT, 5),
        "C": (EXACT, 0),
        "D": (EXACT, 1000),
        "E": (EXACT, 1),
        "F": (ON_ORDER, 0),
    }
    assert issues(app, done) == [(6, "warning", "quantity_ambiguous")]
