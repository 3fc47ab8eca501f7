"""Quick order: which cell is the SKU and which the quantity, in files and pasted texts as buyers have them."""

import csv
import io
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import pytest
import xlsxwriter
from hypothesis import given
from hypothesis import strategies as st

from shop.orders.basket.order_files import UnreadableQuickOrder
from shop.orders.basket.quick_order import read_quick_order


def read(raw: bytes | str) -> list[tuple[str, Decimal] | str]:
    """What each row wants, or its problem."""
    lines = read_quick_order(raw).lines
    return [(str(line.wanted.sku), line.wanted.quantity) if line.wanted else line.problem for line in lines]


def as_csv(rows: Sequence[Sequence[Any]], delimiter: str = ";") -> bytes:
    file = io.StringIO()
    csv.writer(file, delimiter=delimiter).writerows(rows)
    return file.getvalue().encode()


def as_xlsx(rows: Sequence[Sequence[Any]], *, before: int = 0) -> bytes:
    """`before` sheets of other things stand in front."""
    file = io.BytesIO()
    with xlsxwriter.Workbook(file, {"in_memory": True}) as book:
        for _ in range(before):
            book.add_worksheet().write_row(0, 0, ["Условия поставки"])
        sheet = book.add_worksheet()
        for number, row in enumerate(rows):
            sheet.write_row(number, 0, row)
    return file.getvalue()


SKUS = st.text("ABЯ0123456789-", min_size=1, max_size=8).map(lambda text: f"А{text}")
QUANTITIES = st.one_of(st.just(""), st.integers(1, 999).map(str))
OTHERS = {"Наименование": "Товар, 1 л", "Цена": "96", "Остаток": "500", "В упаковке": "12", "Заметка": ""}
COLUMNS = st.lists(st.sampled_from(list(OTHERS)), unique=True).flatmap(
    lambda others: st.permutations(["Артикул", "Кол-во", *others])
)
FORMS = {
    **{f"csv {sign!r}": (lambda rows, sign=sign: as_csv(rows, sign)) for sign in ";,|\t"},
    "xlsx": as_xlsx,
    "xlsx second sheet": lambda rows: as_xlsx(rows, before=1),
}


@given(st.lists(st.tuples(SKUS, QUANTITIES), min_size=1, max_size=8), COLUMNS, st.sampled_from(sorted(FORMS)))
def test_a_heading_says_what_the_columns_are(wants: list[tuple[str, str]], columns: list[str], form: str) -> None:
    """Wherever they stand, and however many cells are blank: nothing else becomes a quantity."""
    rows = [
        [{"Артикул": sku, "Кол-во": quantity}.get(name, OTHERS.get(name)) for name in columns]
        for sku, quantity in wants
    ]
    wanted = [(sku, Decimal(quantity)) for sku, quantity in wants if quantity]
    raw = FORMS[form]([columns, *rows])
    if not wanted:
        with pytest.raises(UnreadableQuickOrder, match="has a quantity"):
            read(raw)
        return
    assert read(raw) == wanted
    assert read_quick_order(raw).skipped == len(wants) - len(wanted)


@pytest.mark.parametrize("separator", [";", "\t", "|", ","])
@pytest.mark.parametrize("form", [bytes, str])
def test_without_a_heading_a_row_is_a_sku_and_a_quantity(separator: str, form: type) -> None:
    text = separator.join(["A-1", "24"]) + "\n" + separator.join(["A-2", ""]) + "\n" + separator.join(["B", "3"])
    assert read(text.encode() if form is bytes else text) == [("A-1", 24), ("B", 3)]


@pytest.mark.parametrize("row", ["000104;;96", "000104\t\t96", "000104;24;96", "000104|24|шт"])
def test_more_columns_without_a_heading_are_not_guessed_at(row: str) -> None:
    [first, second] = read(f"A 5\n{row}")
    assert first == ("A", 5)
    assert "Name the columns" in str(second)


@pytest.mark.parametrize("row", [";24", "\t24"])
def test_a_blank_sku_is_not_replaced_by_the_next_cell(row: str) -> None:
    assert read(f"A;5\n{row}")[1] == "There is a quantity and no SKU."


@pytest.mark.parametrize(
    ("heading", "said"),
    [
        ("Артикул;Цена", "No column says how much is wanted"),
        ("Артикул;Остаток", "No column says how much is wanted"),
        ("Артикул;Наличие;Цена", "No column says how much is wanted"),
        ("Цена;Кол-во", "No column is called «Артикул»"),
        ("Артикул;Кол-во;Заказ", "Which of the columns «Кол-во», «Заказ»"),
        ("Артикул;SKU;Кол-во", "Which of the columns «Артикул», «SKU»"),
        ("Артикул;Стоимость", "The columns are «Артикул», «Стоимость»"),
        ("Артикул;Menge;Preis", "The columns are «Артикул», «Menge», «Preis»"),
    ],
)
def test_a_heading_that_does_not_say_it_is_refused(heading: str, said: str) -> None:
    raw = f"{heading}\n" + ";".join(["12"] * len(heading.split(";")))
    with pytest.raises(UnreadableQuickOrder, match=said):
        read(raw)
    with pytest.raises(UnreadableQuickOrder, match=said):
        read(as_xlsx([row.split(";") for row in raw.splitlines()]))


@pytest.mark.parametrize(
    "name", ["Кол-во", "Количество, шт", "Заказ (шт.)", "QTY", "Ваш заказ", "quantity", "К заказу"]
)
def test_names_of_the_quantity(name: str) -> None:
    assert read(f"Код;Остаток;{name}\n7;500;24") == [("7", 24)]


def test_a_blank_article_gives_way_to_the_code() -> None:
    assert read("Код;Артикул;Кол-во\n7;;24\n8;B;5") == [("7", 24), ("B", 5)]


def test_titles_stand_above_and_between() -> None:
    rows = [["Бланк заказа"], [], ["Артикул", "Товар", "Кол-во"], ["Сыры"], ["A", "x", 2], ["Итого", "", 2]]
    assert read(as_xlsx(rows)) == [("A", 2), ("Итого", 2)]
    assert read("Прошу отгрузить\nA 2") == [("A", 2)]


def test_a_row_wider_than_its_heading_is_refused() -> None:
    raw = "Артикул,Товар,Цена,Кол-во\nA,Сыр,78,40,12\nB,Сыр,78.40,12,,\n"
    assert read(raw) == ["The row has more cells than the heading has names.", ("B", 12)]


def test_a_file_that_ends_inside_of_a_row_says_so() -> None:
    raw = "Артикул;Кол-во;Товар\nA;1;Сыр\nB;2;Сыр\nC;3".encode()
    assert read(raw)[2] == "The file ends in the middle of this row."
    assert read(raw.decode())[2] == ("C", 3)  # what is pasted ends without a line end


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("A-1,24\nA-2,5", [("A-1", 24), ("A-2", 5)]),
        ("A 1,5\nB 2", [("A", Decimal("1.5")), ("B", 2)]),
        ("A 1,5\nB-2,7", [("A 1", 5), ("B-2", 7)]),
        ("A 1,5", [("A", Decimal("1.5"))]),
        ('"A,1",24', [("A,1", 24)]),
        ("A 24 шт\nB;5 шт.", [("A", 24), ("B", 5)]),
        ("A;12.0", [("A", 12)]),
    ],
)
def test_blanks_and_commas_separate_where_it_is_clear(text: str, wanted: list[tuple[str, Decimal]]) -> None:
    assert read(text) == wanted


def test_what_may_be_read_in_two_ways_is_not_read() -> None:
    rows = read("A 1,5\nB-2,7\nC 3")
    assert "in two ways" in str(rows[0])
    assert rows[1:] == [("B-2", 7), ("C", 3)]
    assert "thousand" in str(read("A;1,000")[0])


def test_a_zero_in_a_form_orders_nothing() -> None:
    order = read_quick_order("Артикул;Кол-во\nA;0\nB;2")
    assert ([line.row for line in order.lines], order.skipped) == ([3], 1)
