"""The bulk export as a file, written once per generation of the catalog however many ask for it at once.

Clients read from what is finished: one that reads slowly holds no connection to the database, and no thread. The file
appears under its name when it is whole. Its time is the moment from which on to ask for changes; a file system that
rounds times rounds them down, which is safe.
"""

import fcntl
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import BinaryIO

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
GOOD_FOR = 15 * 60  # seconds; the generation does not follow stock, which the file holds, too

Write = Callable[[BinaryIO], datetime]  # writes the content; returns the moment from which on it may be out of date


@dataclass(frozen=True)
class ExportFile:
    content: bytes
    as_of: datetime


def export_file(folder: Path, *, generation: int, suffix: str, write: Write) -> ExportFile:
    """What is there, or what `write` gives once it is there."""
    path = folder / f"catalog-{generation}.{suffix}"
    found = _read(path)
    if found is None:
        folder.mkdir(parents=True, exist_ok=True)
        with _one_at_a_time(folder / f"{suffix}.lock"):
            found = _read(path) or _write(path, suffix, write)
    return found


def _read(path: Path) -> ExportFile | None:
    try:
        with path.open("rb") as file:
            found = os.fstat(file.fileno())
            if time.time() - found.st_ctime > GOOD_FOR:
                return None
            return ExportFile(file.read(), EPOCH + timedelta(microseconds=found.st_mtime_ns // 1000))
    except FileNotFoundError:
        return None


@contextmanager
def _one_at_a_time(path: Path) -> Iterator[None]:
    """Among all threads and processes of this machine; whoever dies gives way."""
    with path.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _write(path: Path, suffix: str, write: Write) -> ExportFile:
    part = path.with_name(f"{suffix}.part")  # one name, so that nothing is left over of those who died
    try:
        with part.open("wb") as file:
            as_of = write(file)
    except OSError:
        part.unlink(missing_ok=True)  # half an export, on a disk that may be full of it
        raise
    moment = (as_of - EPOCH) // timedelta(microseconds=1) * 1000
    written = ExportFile(part.read_bytes(), as_of)
    os.utime(part, ns=(moment, moment))
    part.replace(path)
    for older in path.parent.glob(f"catalog-*.{suffix}"):
        if older.name < path.name:  # a rival may have read a newer generation
            older.unlink(missing_ok=True)
    return written
