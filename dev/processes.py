"""Whose processes still run: the command lines of a process group, and locks that a process holds while it lives."""

import fcntl
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_PROC = Path("/proc")


def group_commands(group: int) -> list[str]:
    """Command lines of the living members of a process group.

    A pid file alone proves nothing: the number may be a stranger's by now, and a zombie still answers kill(pid, 0).
    """
    members = _from_proc() if (_PROC / "self/stat").exists() else _from_ps()
    return [command for member_group, command in members if member_group == group]


def _from_proc() -> Iterator[tuple[int, str]]:
    for folder in _PROC.iterdir():
        if not folder.name.isdigit():
            continue
        try:
            # The name in parentheses may itself hold spaces and parentheses.
            state, _parent, group = (folder / "stat").read_text().rpartition(")")[2].split()[:3]
            command = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:  # it ended meanwhile
            continue
        if state not in "ZX":
            yield int(group), command


def _from_ps() -> Iterator[tuple[int, str]]:
    listing = subprocess.run(
        ["ps", "-axww", "-o", "pgid=,stat=,command="],  # noqa: S607 -- where ps lives differs, and it is always on PATH
        capture_output=True,
        text=True,
        check=True,
    )
    for line in listing.stdout.splitlines():
        group, state, *command = line.split(None, 2)
        if not state.startswith("Z"):
            yield int(group), "".join(command)


def read_pid(path: Path) -> int | None:
    """The number in the first line of a pid file; None where there is none."""
    try:
        return int(path.read_text().split("\n", 1)[0])
    except (OSError, ValueError):
        return None


@contextmanager
def lock(path: Path, *, wait: bool) -> Iterator[int | None]:
    """The descriptor of the locked file, or None when another process holds it and `wait` is off.

    The lock belongs to the open file, not to the process: a child that inherits the descriptor keeps the lock when this
    block has closed its own. So the file is closed here and never unlocked, which would unlock it for the child too.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        except BlockingIOError:
            yield None
        else:
            yield descriptor
    finally:
        os.close(descriptor)


def is_locked(path: Path) -> bool:
    if not path.exists():
        return False
    with lock(path, wait=False) as descriptor:
        return descriptor is None
