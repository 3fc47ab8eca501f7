"""The one table of a run: what each benchmark found, against the bars of the design. It becomes docs/benchmarks.md."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console
from rich.table import Table

PAGE = Path(__file__).resolve().parents[1] / "docs" / "benchmarks.md"
HEAD = """\
# Benchmarks

Written by `make bench ARGS="--write"`. What is compared is measured in turns on one machine: ratios count, absolute
figures do not. By HTTP: two server processes as in the Procfile, 16 keep-alive connections, 100,000 offers of 20
suppliers, a signed-in buyer, the access log on. `/hello`, `/page` and `/offer` are a bare Flask app under the same
server ([bare.py](../benchmarks/bare.py)): hello world, and one raw SELECT of 40 offers or of one, past SQLAlchemy and
without a transaction; `/search` sends the product's own SELECT in the same way.
"""


@dataclass(frozen=True)
class Line:
    work: str
    found: str
    bar: str
    is_reached: bool | None

    @property
    def verdict(self) -> str:
        return {True: "reached", False: "**missed**", None: ""}[self.is_reached]


_lines: list[Line] = []


def note(
    work: str, found: float, *, unit: str = "", at_least: float | None = None, at_most: float | None = None
) -> None:
    """One line of the table: a ratio, or a figure with its unit; with a bar, where the design has one."""
    digits = 3 if abs(found) < 1 else 2 if abs(found) < 10 else 0
    shown = f"{found:,.{digits}f}{unit}"
    if at_least is not None:
        _lines.append(Line(work, shown, f"≥ {at_least:,g}{unit}", found >= at_least))
    elif at_most is not None:
        _lines.append(Line(work, shown, f"≤ {at_most:,g}{unit}", found <= at_most))
    else:
        _lines.append(Line(work, shown, "", None))


def report(console: Console, *, machine: str, names: Sequence[str], write: bool) -> None:
    if not _lines:
        return
    table = Table("", "found", "bar", "", title="All of this run", title_justify="left")
    for line in _lines:
        color = {True: "green", False: "red", None: "default"}[line.is_reached]
        table.add_row(line.work, f"[{color}]{line.found}[/]", line.bar, re.sub(r"\*", "", line.verdict))
    console.print(table)
    if write:
        PAGE.write_text(_page(machine, names))
        console.print(f"Written to {PAGE.name}.")


def _page(machine: str, names: Sequence[str]) -> str:
    rows = "".join(f"| {line.work} | {line.found} | {line.bar} | {line.verdict} |\n" for line in _lines)
    when = datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")
    return (
        f"{HEAD}\n## {when}\n\n{machine}\n\nOf this run: {', '.join(names)}.\n\n"
        f"| work | found | bar | |\n|---|---|---|---|\n{rows}"
    )
