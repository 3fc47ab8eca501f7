"""How large a workbook may be, for the use that it is read for."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Limits:
    """`rows` and `columns` that a sheet may reach to, `cells` that stand in it, characters of `text` that they show
    together, `texts` that they share, `elements` that are neither, and bytes that come out of the file."""

    rows: int
    columns: int
    cells: int
    text: int
    texts: int
    elements: int
    unpacked: int
