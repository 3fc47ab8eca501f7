"""Files that are price lists, and the sentence for those that are none."""

import time
from contextlib import suppress
from typing import Any
from unittest.mock import patch

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shop.price_lists.reading import ParsedPriceList, UnreadablePriceList, parse_price_list, yaml_files

DEEP = 200


def goods_of(parsed: ParsedPriceList) -> list[Any]:
    return [good for _, good in parsed.goods]


def read(raw: bytes) -> list[Any]:
    """To the last good: some things are seen only on the way."""
    return goods_of(parse_price_list(raw))


@pytest.mark.parametrize(
    ("raw", "sentence"),
    [
        (b"", "must hold shop, categories and goods"),
        (b"# nothing", "must hold shop, categories and goods"),
        (b"[1, 2]", "must hold shop, categories and goods"),
        (b"just text", "must hold shop, categories and goods"),
        (b"shop: x", "no list called goods"),
        (b"goods: 5", "no list called goods"),
        (b"goods: {a: 1}", "no list called goods"),
        (b"goods: []\ncategories: 5", "must be a list of id and name"),
        (b"goods: [1", "not valid YAML (line 2)"),
        (b"goods:\n\t- id: 1", "not valid YAML (line 2)"),
        (b"goods: []\n---\ngoods: []", "more than one document"),
        (b"goods:\n  - id: 1\n    id: 2\n", 'field "id" is given twice for one thing (line 2)'),
        (b"goods:\n  - ? [1]\n    : 2\n", "not valid YAML"),
        (b"goods: &a [1]\nother: *a\n", "repeats parts by reference (*a)"),
        (b"a: &a [x,x]\nb: &b [*a,*a]\ngoods: [*b,*b]", "repeats parts by reference"),
        (b"goods: &a [*a]", "repeats parts by reference"),
        (b"goods: " + b"[" * DEEP + b"]" * DEEP, "nested too deep"),
        (b"goods: " + b"[" * 1_000_000, "nested too deep"),
        (b"goods:\n" + b"".join(b" " * i + b"a:\n" for i in range(DEEP)), "nested too deep"),
        (b"- " * DEEP + b"x", "nested too deep"),
        (b'goods: ["\\uD800"]', "not valid YAML (line 1)"),
        (b"goods: [\x00]", "not text"),
        (b"PK\x03\x04\x00\x00", "workbook is damaged"),
        ("goods: [мышь]".encode("cp1251"), "not in UTF-8 (line 1)"),
        (b"goods: [\xff\xfe]", "not in UTF-8"),
        (b"\xff\xfea", "letters cannot be read"),
    ],
)
def test_refuses_with_a_sentence(raw: bytes, sentence: str) -> None:
    started = time.process_time()  # the clock would measure what else the machine does

    with pytest.raises(UnreadablePriceList) as refused:
        read(raw)

    assert sentence in refused.value.detail
    assert time.process_time() - started < 5


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_reads_text_with_a_byte_order_mark_and_windows_line_ends(encoding: str) -> None:
    parsed = parse_price_list("shop: Связной\r\ngoods:\r\n  - id: 1\r\n    name: Щит\r\n".encode(encoding))

    assert (parsed.shop, goods_of(parsed), parsed.categories) == ("Связной", [{"id": "1", "name": "Щит"}], [])


LINES = ["- ", "  - ", "id: 1\n", "    name: x\n", "  name: y\n", "shop: z\n", "goods: []\n", "# c\n", "---\n", "...\n"]
SIGNS = ["'", '"', "|\n", ">-\n", ": ", "? ", "[", "]", "{", "}", "&a ", "!t ", "!!python/t "]
SPACES = ["\n", "\r\n", "\r", "\u0085", "    ", "\t"]


@settings(max_examples=500, deadline=None)
@given(
    st.sampled_from(["", "shop: q\n", "'"]), st.lists(st.sampled_from(LINES + SIGNS + SPACES), max_size=9).map("".join)
)
def test_goods_read_one_by_one_are_those_of_the_whole_file(before: str, goods: str) -> None:
    """A line end that is none of ours in a comment makes the reader take the file as a whole."""
    text = f"{before}goods:\n{goods}"

    with patch.object(yaml_files, "BLOCK", 1):
        assert goods_or_refusal(f"{text}\n#") == goods_or_refusal(f"{text}\n#\u2028")


INSIDE = ["[", "]", "{", "}", ", ", "a: ", "1", "'", '"', '\\"', "''", "O'Neil", '5" x', "# c ]\n", "\n ", "#", "\\"]


@settings(max_examples=500, deadline=None)
@given(st.lists(st.sampled_from(INSIDE), max_size=12).map("".join), st.sampled_from(["]", "]\nshop: z", "", "] x"]))
def test_goods_in_brackets_are_those_of_the_whole_file(goods: str, after: str) -> None:
    text = f"goods: [{{a: 1}}, {goods}{after}\n"

    with patch.object(yaml_files, "BLOCK", 1):
        apart = goods_or_refusal(text)
    with patch.object(yaml_files, "_goods_in_brackets", return_value=None):
        assert apart == goods_or_refusal(text)


def test_goods_in_brackets_are_taken_apart() -> None:
    raw = (
        "shop: Щит\ngoods: [\n" + "".join(f'{{id: {n}, name: "],{{"}},\n' for n in range(40_000)) + "]\ncategories: []"
    )
    with patch.object(yaml_files, "MOST_AS_A_WHOLE", 2**16):
        parsed = parse_price_list(raw.encode())
        assert (parsed.shop, parsed.rows_expected) == ("Щит", 40_000)
        assert [(row, good["id"]) for row, good in parsed.goods] == [(n + 1, n) for n in range(40_000)]


@pytest.mark.parametrize(
    ("raw", "sentence"),
    [
        (
            "shop: x\ngoods:\n" + "- id: 1\n  name: x\n" * 40_000 + "- id: 1\n  id: 2\n",
            "given twice for one thing (line 80",
        ),
        ("goods:\n  &all\n" + "  - id: 1\n" * 40_000, "one below the other, each after a dash"),
    ],
)
def test_what_cannot_be_taken_apart_must_be_small(raw: str, sentence: str) -> None:
    with patch.object(yaml_files, "MOST_AS_A_WHOLE", 2**16), pytest.raises(UnreadablePriceList) as refused:
        read(raw.encode())
    assert sentence in refused.value.detail


def goods_or_refusal(text: str) -> Any:
    try:
        return read(text.encode())
    except UnreadablePriceList as refused:
        return type(refused)


def test_rows_of_goods_in_blocks_are_counted_from_the_first_to_the_last() -> None:
    raw = "goods:\n" + "".join(f"- id: {n}\n  name: Щит\n" for n in range(40_000)) + "shop: Щит\n"
    parsed = parse_price_list(raw.encode())

    assert (parsed.shop, parsed.rows_expected) == ("Щит", 40_000)
    assert [(row, good["id"]) for row, good in parsed.goods] == [(n + 1, str(n)) for n in range(40_000)]


def test_names_the_line_of_a_mistake_far_down() -> None:
    goods = "".join(f"- id: {n}\n  name: Щит\n" for n in range(40_000))

    with pytest.raises(UnreadablePriceList, match=r"given twice for one thing \(line 80002\)"):
        read(f"goods:\n{goods}- id: 1\n  id: 2\n".encode())


def test_makes_nothing_that_a_tag_asks_for() -> None:
    parsed = parse_price_list(b"goods:\n  - name: !!python/object/apply:os.system ['touch /tmp/never']\n")

    assert goods_of(parsed) == [{"name": {"!tag-python/object/apply:os.system": ["touch /tmp/never"]}}]


def test_takes_stars_and_ampersands_in_texts() -> None:
    parsed = parse_price_list("goods:\n  - name: Болт *М8* & гайка\n  - name: 'AT&T *'\n".encode())

    assert [good["name"] for good in goods_of(parsed)] == ["Болт *М8* & гайка", "AT&T *"]


@settings(max_examples=300, deadline=None)
@given(
    st.one_of(
        st.binary(max_size=200), st.text(alphabet="goods: -\n\t[]{}&*!|>'\"#%@`?,1a", max_size=80).map(str.encode)
    )
)
def test_no_file_does_more_than_be_refused(raw: bytes) -> None:
    with suppress(UnreadablePriceList):
        read(raw)
