"""Tables as text: what was meant is what is read, and what a cut has left of the last line is seen."""

import csv
import io
from collections.abc import Sequence

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from shop.spreadsheets import CutLine, SheetTooLargeError, TextTable, UnreadableSheetError, cell_text, last_filled
from shop.spreadsheets.lines import is_cut_value

CELLS = st.text(alphabet="абвXYZ 12,.;|\t\"'", max_size=6)
ROWS = st.lists(st.lists(CELLS, min_size=2, max_size=5), min_size=1, max_size=8)
DELIMITERS = st.sampled_from(";,\t|")


def text_of(rows: Sequence[Sequence[str]], delimiter: str) -> str:
    file = io.StringIO()
    csv.writer(file, delimiter=delimiter, lineterminator="\n").writerows(rows)
    return file.getvalue()


def lines_of(raw: bytes, delimiter: str = ";") -> list[list[str]]:
    return list(TextTable(io.BytesIO(raw)).lines(delimiter))


@given(ROWS, DELIMITERS, st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]))
def test_a_whole_table_is_read_as_it_was_meant(rows: list[list[str]], delimiter: str, encoding: str) -> None:
    read = lines_of(text_of(rows, delimiter).encode(encoding), delimiter)

    assert read == rows
    assert not any(isinstance(line, CutLine) for line in read)


GOODS = st.lists(st.tuples(st.integers(1, 9999), st.text("абв ", min_size=1, max_size=8)), min_size=5, max_size=30)


@given(GOODS, DELIMITERS, st.data())
def test_a_cut_inside_of_a_line_is_seen(goods: list[tuple[int, str]], delimiter: str, data: st.DataObject) -> None:
    """Its last column is one of prices with two decimals. A cut at a line's end leaves a whole table."""
    rows = [["Код", "Товар", "Цена"], *([f"{key:04d}", name, f"{key}.50"] for key, name in goods)]
    raw = text_of(rows, delimiter).encode()
    cut = data.draw(st.integers(len(text_of(rows[:-1], delimiter).encode()) + 1, len(raw) - 2))

    read = lines_of(raw[:cut], delimiter)

    assert read[:-1] == rows[:-1]
    assert isinstance(read[-1], CutLine)


@given(ROWS, DELIMITERS, st.data())
def test_whatever_a_cut_leaves_no_line_before_the_last_is_another(
    rows: list[list[str]], delimiter: str, data: st.DataObject
) -> None:
    raw = text_of(rows, delimiter).encode()
    cut = data.draw(st.integers(0, len(raw)))
    try:
        read = lines_of(raw[:cut], delimiter)
    except UnreadableSheetError as error:
        assume(error.code == "quotation_mark")
        return
    assert read[:-1] == rows[: max(len(read) - 1, 0)]


@pytest.mark.parametrize(
    ("text", "is_cut"),
    [
        ("a;b;c\n1;2;3\n4;5", True),
        ("a;b;c\n1;2;3\n4;5\n", False),
        ("a;b;c\n1;2;3\n4;5;6", False),
        ("a;b;c\n1;2\n4;5", False),  # all of them are short
        ("a;b\n1;1.50\n2;2.50\n3;3.50\n4;4.5", True),
        ("a;b\n1;1.50\n2;2.50\n3;3.50\n4;4", True),
        ("a;b\n1;1.50\n2;2.50\n3;3.50\n4;", True),
        ("a;b\n1;1.50\n2;2.50\n3;3.50\n4;4.50", False),
        ("a;b\n1;1.50\n2;\n3;3.50\n4;", False),
        ("a;b\n1;15\n2;20\n3;30\n4;4", False),  # nobody could tell
        ("a;b;c\n1;2;3\n\n4;5", True),
        ("одна строка", False),
    ],
)
def test_the_lines_before_show_whether_the_last_one_is_whole(text: str, is_cut: bool) -> None:
    assert isinstance(lines_of(text.encode())[-1], CutLine) is is_cut


def test_a_cut_inside_of_a_letter_is_a_cut_and_no_other_encoding() -> None:
    [_, _, last] = lines_of("id;name\n1;Щит\n2;Щ".encode()[:-1])

    assert isinstance(last, CutLine)
    assert lines_of("id;name\n1;Щ".encode("cp1251")) == [["id", "name"], ["1", "Щ"]]


@pytest.mark.parametrize("raw", [b"a;\x98b\n", b"\xff\xfea", b"a;\x00b"])
def test_what_is_no_text_is_refused(raw: bytes) -> None:
    with pytest.raises(UnreadableSheetError, match=r"unknown_encoding|not_text"):
        lines_of(raw)


@pytest.mark.parametrize(("raw", "code"), [(b"\n" * 11, "too_many_lines"), (b"x;" * 2**20, "line_too_long")])
def test_sizes_are_seen_before_any_line_is_read(raw: bytes, code: str) -> None:
    with pytest.raises(SheetTooLargeError, match=code):
        TextTable(io.BytesIO(raw)).check_size(lines=10)


def test_cells() -> None:
    assert [cell_text(cell) for cell in (None, 12.0, 1.5, "  a \n b", True)] == ["", "12", "1.5", "a b", "True"]
    assert last_filled(["a", None, "b", " ", ""]) == 3
    assert is_cut_value("1", ["1.50", "2.50"]) is False  # too few to compare with
