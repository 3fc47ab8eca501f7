"""The finished answers of offers that many look at, each kept under the versions of the rows that it is made of.

A row's xmin names the transaction that wrote it, so whatever changes an offer, its stock, supplier or category gives
the answer another key: an old one is not found any more. Finding the versions of a page takes PostgreSQL a fifth of the
time that finishing its answers takes.
"""

import time
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import literal_column

VERSIONS: tuple[Any, ...] = tuple(
    literal_column(f"{table}.xmin").label(f"{table}_version")
    for table in ("offers", "stock_levels", "companies", "categories")
)
SECONDS = 60  # a database that was set back to yesterday counts its transactions anew
MOST = 20_000  # of some 700 bytes

Key = tuple[Any, ...]  # an offer's id and its VERSIONS

_kept: dict[Key, tuple[float, str]] = {}
_NEVER = (0.0, "")


def recent_answers(keys: Sequence[Key]) -> list[str] | None:
    """None where one is not known, as all must be of one moment."""
    since = time.monotonic() - SECONDS
    found = []
    for key in keys:
        kept_at, answer = _kept.get(key, _NEVER)
        if kept_at <= since:
            return None
        found.append(answer)
    return found


def keep_answers(answers: Mapping[Key, str]) -> None:
    """Of what is committed alone: a transaction may change its own row twice, and the version stays."""
    if len(_kept) + len(answers) > MOST:
        _kept.clear()
    now = time.monotonic()
    _kept.update({key: (now, answer) for key, answer in answers.items()})
