"""What every reader answers, whatever the format."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from shop.price_lists.reasons import RefusedFile

MIB = 2**20
MOST_GOODS = 1_000_000  # what is kept of each, to know it when it comes again, takes 150 bytes
MOST_CATEGORIES = 100_000
MOST_LINES = 2**20  # of a table, empty ones included; as many as a sheet of Excel has
MOST_COLUMNS = 1000
MOST_BEYOND = 20  # cells beyond the heading that are shown to be mended


class UnreadablePriceList(RefusedFile):
    code = "UnreadablePriceList"


@dataclass(frozen=True)
class Limits:
    """In bytes: of a file that is read as a whole (YAML, JSON), and of one that was packed and is read row by row."""

    whole: int = 50 * MIB
    unpacked: int = 200 * MIB


@dataclass(frozen=True)
class ParsedPriceList:
    """`goods` and `categories` are unchecked: whatever the file holds at these places, one entry each.

    Every good comes with its row: the line of a table as a spreadsheet counts it, elsewhere the how-manieth good it is.
    Goods are read once, while they are asked for. Where a list declares no categories, goods name theirs. `lacks` are
    the fields of a good that no column of a table holds, `columns` what these are called, `parameters` those of them
    that are parameters; None and nothing of formats where every good names its own fields. In a table without a column
    for the id `ids_are_skus`.
    """

    format: str
    shop: str
    categories: list[Any]
    goods: Iterable[tuple[int, Any]]
    rows_expected: int
    declares_categories: bool = True
    lacks: frozenset[str] | None = None
    columns: str = ""
    parameters: frozenset[str] = frozenset()
    ids_are_skus: bool = False


class TableGood(dict[str, Any]):
    """A good from a table, which remembers the line that it was made of, and what the columns are called."""

    __slots__ = ("_line", "_names")

    def __init__(self, fields: dict[str, Any], names: Sequence[str] = (), line: Sequence[Any] = ()) -> None:
        super().__init__(fields)
        self._names, self._line = names, line

    @property
    def cells(self) -> dict[str, Any]:
        """By the names of their columns; those beyond the last name by their number."""
        line = self._line
        cells = {name: line[place] if place < len(line) else None for place, name in enumerate(self._names) if name}
        beyond = line[len(self._names) : len(self._names) + MOST_BEYOND]
        return cells | {f"+{number}": cell for number, cell in enumerate(beyond, start=1)}


class WideGood(TableGood):
    """A line that reaches beyond the names of its columns: which cell means what, nobody can say."""

    __slots__ = ()

    @property
    def named(self) -> int:
        return len(self._names)

    @property
    def width(self) -> int:
        return len(self._line)


class CutGood(TableGood):
    """The last good of a file that ends in the middle of it, with its id where that is sure to be whole."""

    __slots__ = ()
