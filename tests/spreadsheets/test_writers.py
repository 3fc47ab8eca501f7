"""What is written runs nothing, is read again as it was, and is made piece by piece."""

import csv
import io
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shop.spreadsheets import Limits, Workbook
from shop.spreadsheets.cells import harmless, plain_text
from shop.spreadsheets.writers import BYTE_ORDER_MARK, PIECE, write_csv, write_xlsx

RUNS = ("=", "+", "-", "@", "\t", "\r")


@given(quotes=st.integers(0, 3), begin=st.sampled_from(RUNS), rest=st.text(max_size=5))
def test_what_would_run_is_text_and_is_read_as_it_was(quotes: int, begin: str, rest: str) -> None:
    text = "'" * quotes + begin + rest
    assert not harmless(text).startswith(RUNS)
    assert plain_text(harmless(text)) == text


@pytest.mark.parametrize("text", ["", "12", "a=1", "'", "Чай - 5"])
def test_other_text_stays(text: str) -> None:
    assert harmless(text) == text


ROW = ["=1+1", "'@x", "чай", True, 5, Decimal("0.50"), None]


def test_csv_names_values_as_programs_read_them() -> None:
    written = b"".join(write_csv([ROW, [-3]], delimiter=";", mark=BYTE_ORDER_MARK)).decode()
    rows = list(csv.reader(io.StringIO(written.removeprefix(BYTE_ORDER_MARK)), delimiter=";"))
    assert rows == [["'=1+1", "''@x", "чай", "true", "5", "0.50", ""], ["-3"]]


def test_csv_leaves_in_pieces() -> None:
    asked = []
    pieces = write_csv(asked.append(number) or ["x" * 100] for number in range(5000))
    first = next(pieces)
    assert PIECE <= len(first) < PIECE + 200
    assert len(asked) < 1000
    assert len(b"".join([first, *pieces])) == 5000 * 102


def test_a_workbook_holds_numbers_truths_and_text() -> None:
    written = io.BytesIO(b"".join(write_xlsx([ROW, [2**60]])))
    book = Workbook(written, Limits(rows=9, columns=9, cells=99, text=999, texts=99, elements=999, unpacked=10**6))
    lines = [[cell for cell in line if cell is not None] for line in book.lines(book.sheets[0])]
    assert lines == [["'=1+1", "''@x", "чай", True, 5, 0.5], [str(2**60)]]
