"""How the commands for operators speak: plain where the output goes to a file, refusals in a sentence."""

import logging
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from functools import wraps
from typing import ParamSpec, TypeVar

import click
from rich.console import Console
from rich.table import Table

from shop.errors import Refusal

P = ParamSpec("P")
R = TypeVar("R")

WIDTH = 120  # of a file, which has none of its own
UNITS = ((86_400, "d"), (3600, "h"), (60, "min"))


def terminal() -> Console:
    """Without markup: names and reasons come from outside and may hold brackets."""
    return Console(width=None if sys.stdout.isatty() else WIDTH, markup=False, highlight=False)


@contextmanager
def quiet_log() -> Iterator[None]:
    """While a bar is shown to a person: what went well is said by the command itself."""
    root = logging.getLogger()
    level = root.level
    if sys.stderr.isatty():
        root.setLevel(max(level, logging.WARNING))
    try:
        yield
    finally:
        root.setLevel(level)


def says_no(command: Callable[P, R]) -> Callable[P, R]:
    """A refusal is an answer, not a crash: its message and exit code 1."""

    @wraps(command)
    def wrapper(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return command(*args, **kwargs)
        except Refusal as refusal:
            raise click.ClickException(refusal.detail) from None

    return wrapper


def figures(titles: Sequence[str], rows: Iterable[Sequence[object]]) -> Table:
    """A table of a name and its figures."""
    table = Table(box=None, pad_edge=False)
    for at, title in enumerate(titles):
        table.add_column(title, justify="right" if at else "left")
    for row in rows:
        table.add_row(*map(str, row))
    return table


def ago(period: timedelta) -> str:
    """In the largest unit that fits, whole: «3 h»; seconds with a tenth."""
    seconds = max(period.total_seconds(), 0.0)
    for length, unit in UNITS:
        if seconds >= 2 * length:
            return f"{int(seconds // length)} {unit}"
    return f"{seconds:.1f} s"


def shortened(text: str, limit: int = 300) -> str:
    """One line, and not too long a one."""
    line = " ".join(text.split())
    return line if len(line) <= limit else f"{line[:limit]}…"
