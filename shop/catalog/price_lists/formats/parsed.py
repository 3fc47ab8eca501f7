"""What every reader answers, whatever the format."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from shop.catalog.price_lists.reasons import RefusedFile

MIB = 2**20


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
    told: dict[str, int] = field(default_factory=dict)


class TableGood(dict[str, Any]):
    """A good from a table, which remembers the cells that it was made of, by the names of their columns."""

    __slots__ = ("cells",)

    def __init__(self, fields: dict[str, Any], cells: dict[str, Any]) -> None:
        super().__init__(fields)
        self.cells = cells
