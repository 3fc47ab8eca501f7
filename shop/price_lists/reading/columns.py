"""Tables (CSV, XLSX): which column means what, and how a line of cells becomes a good.

Columns are known by the names of our fields, by usual Russian names, or by a mapping that the supplier gives. Any other
column is a parameter of the goods. Lines above the one with the names are skipped. A line with nothing but a title is
the heading of a group.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, time, timedelta
from itertools import islice
from typing import Any

from shop.price_lists.reading.parsed import (
    MOST_COLUMNS,
    CutGood,
    ParsedPriceList,
    TableGood,
    UnreadablePriceList,
    WideGood,
)
from shop.spreadsheets import CutLine, cell_text, is_blank, last_filled
from shop.spreadsheets.cells import NUMBER, WORDS, code_of, plain_text
from shop.spreadsheets.headings import (
    CATEGORY,
    CODES,
    FIELDS,
    IGNORED,
    LINES_BEFORE_NAMES,
    PARAMETER,
    SPACES,
    Layout,
    heading_key,
)

MOST_BLANK_LINES = 100_000
MOST_PARAMETERS = 200  # of one good that are looked at; half as many are taken
GTINS = re.compile(r"[\s,;]+")


@dataclass(frozen=True)
class Header:
    """The line with the names: where it is, what each column is called, and which field or parameter it holds."""

    line: int
    names: list[str]
    fields: dict[str, int]
    parameters: dict[str, int]

    @property
    def width(self) -> int:
        return last_filled(self.names)

    @property
    def lacks(self) -> frozenset[str]:
        return frozenset(FIELDS) - self.fields.keys()

    @property
    def columns(self) -> str:
        return _list(self.names)


def find_header(lines: Sequence[Sequence[Any]], layout: Layout) -> Header | None:
    """The first line of those given that names a good's id (or SKU) or name and something else that we know."""
    best = max(
        ((_known(line, layout), -number) for number, line in enumerate(lines[:LINES_BEFORE_NAMES])), default=(0, 0)
    )
    if best[0] < (1 if layout.columns else 2):
        return None
    return _header(-best[1], [cell_text(cell) for cell in lines[-best[1]]], layout)


def parsed_table(
    file_format: str, lines: Iterable[Sequence[Any]], header: Header, layout: Layout, *, rows_expected: int
) -> ParsedPriceList:
    """A table names no shop and declares no categories: its goods name theirs."""
    return ParsedPriceList(
        file_format,
        "",
        [],
        _goods(lines, header, layout),
        rows_expected=max(rows_expected, 0),
        declares_categories=False,
        lacks=header.lacks,
        columns=header.columns,
        parameters=frozenset(header.parameters),
        ids_are_skus=header.fields["id"] == header.fields.get("sku"),
    )


def _goods(lines: Iterable[Sequence[Any]], header: Header, layout: Layout) -> Iterator[tuple[int, Any]]:
    """Every line after the header as a good with the number of its line; headings and empty lines are none."""
    group: str | None = None
    width, blank = header.width, 0
    for number, line in enumerate(lines, start=1):
        if number <= header.line + 1:
            continue
        filled = [cell for cell in line if not is_blank(cell)]
        if not filled:
            blank += 1
            if blank > MOST_BLANK_LINES:
                raise UnreadablePriceList("blank_lines", most=MOST_BLANK_LINES)
            continue
        if type(line) is CutLine:
            yield number, _cut_good(line, header)
            return
        if (title := _title(line, filled, header)) is not None:
            group = title
            if len(filled) > 1:
                yield number, _heading(line, header)
            continue
        if len(line) > width and (reaches := last_filled(line)) > width:
            yield number, _wide_good(line, header, reaches)
            continue
        yield number, _good(line, header, group if layout.headings == CATEGORY else None)


def _known(line: Sequence[Any], layout: Layout) -> int:
    found = {layout.meaning(cell_text(cell)) for cell in line[:MOST_COLUMNS]} - {None, IGNORED}
    return len(found)


def _header(line: int, names: list[str], layout: Layout) -> Header:
    if len(names) > MOST_COLUMNS:
        raise UnreadablePriceList("too_many_columns", columns=MOST_COLUMNS)
    fields: dict[str, int] = {}
    parameters: dict[str, int] = {}
    given = {heading_key(column) for column in layout.columns}
    exact = sorted(
        range(len(names)), key=lambda i: (heading_key(names[i]) not in given, heading_key(names[i]) not in FIELDS, i)
    )
    for index in exact:
        _place(index, names, layout.meaning(names[index]), fields, parameters)
    if "id" not in fields and "sku" in fields:
        fields["id"] = fields["sku"]
    if "id" not in fields:
        raise UnreadablePriceList("no_id_column", columns=_list(names))
    return Header(line, names, fields, dict(sorted(parameters.items(), key=lambda item: item[1])))


def _place(
    index: int, names: list[str], meaning: str | None, fields: dict[str, int], parameters: dict[str, int]
) -> None:
    name = names[index]
    if meaning == IGNORED:
        return
    if meaning is None or (meaning in fields and heading_key(names[fields[meaning]]) != heading_key(name)):
        parameters.setdefault(SPACES.sub(" ", name).strip().removeprefix(PARAMETER).strip(), index)
    elif meaning in fields:
        raise UnreadablePriceList("columns_alike", column=name[:40])
    else:
        fields[meaning] = index


def _title(line: Sequence[Any], filled: Sequence[Any], header: Header) -> str | None:
    """A heading has a title and perhaps one remark, and neither price nor stock; None for a good."""
    if len(filled) > 2 or not {"price", "name"} <= header.fields.keys():
        return None
    if any(not is_blank(_cell(line, header.fields.get(name))) for name in ("price", "quantity")):
        return None
    if len(filled) == 2 and not isinstance(filled[0], str):
        return None
    return cell_text(filled[0])


def _heading(line: Sequence[Any], header: Header) -> TableGood:
    """Reported, because it might be a good whose price was forgotten."""
    return TableGood({"id": code_of(_cell(line, header.fields["id"])), "is_heading": True}, header.names, line)


def _wide_good(line: Sequence[Any], header: Header, reaches: int) -> WideGood:
    good = {"id": code_of(_cell(line, header.fields["id"]))}
    return WideGood(good, header.names[: header.width], line[:reaches])


def _cut_good(line: Sequence[Any], header: Header) -> CutGood:
    """What stands in the last cell is not whole."""
    place = header.fields["id"]
    good = {"id": code_of(line[place])} if place < len(line) - 1 else {}
    return CutGood(good, header.names, line)


def _good(line: Sequence[Any], header: Header, group: str | None) -> TableGood:
    good: dict[str, Any] = {}
    for name, index in header.fields.items():
        value = _cell(line, index)
        if not is_blank(value):
            good[name] = code_of(value) if name in CODES else plain_text(value)
    if "barcode" in good:
        good["barcodes"] = GTINS.split(str(good.pop("barcode")).strip())
    if group and not good.get("category"):
        good["category"] = group
    parameters = ((name, _cell(line, index)) for name, index in header.parameters.items())
    filled = islice(((name, value) for name, value in parameters if not is_blank(value)), MOST_PARAMETERS)
    good["parameters"] = {name: parameter_of(value) for name, value in filled}
    return TableGood(good, header.names, line)


def parameter_of(value: Any) -> Any:
    """Text that is a number or true or false is one, unless an apostrophe says that it is text."""
    if isinstance(value, float):
        return int(value) if value.is_integer() and abs(value) < 2**53 else value
    if not isinstance(value, str):
        return cell_text(value) if isinstance(value, date | time | timedelta) else value
    if (plain := plain_text(value)) != value:
        return plain
    text = value.strip()
    if NUMBER.fullmatch(text):
        return float(text) if "." in text else int(text)
    return WORDS.get(text.casefold(), text)


def _cell(line: Sequence[Any], index: int | None) -> Any:
    return line[index] if index is not None and index < len(line) else None


def _list(names: Sequence[str]) -> str:
    return ", ".join(f"«{name[:40]}»" for name in names[:10] if name)
