"""Keeps a table of processes running: restarts what dies, prefixes what they print, stops all of them gently.

Not honcho: its Manager stops everything as soon as one process ends and gives the rest five seconds, while a shop must
survive `kill -9` of any of its processes, and a worker may need longer to finish its task.
"""

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from dev.processes import group_commands, read_pid

FIRST_PAUSE = 1.0
LONGEST_PAUSE = 30.0
# Who ran this long was healthy: its next end starts with a short pause again.
HEALTHY_AFTER = 60.0
PATIENCE = 15.0
_COLORS = (36, 33, 35, 32, 34, 96, 93, 95)


class Output:
    """Lines of many processes on one terminal, each with its name; colored only where a person looks at them."""

    def __init__(self, stream: IO[str] | None = None) -> None:
        self._stream = stream or sys.stdout
        self._colored = self._stream.isatty() and "NO_COLOR" not in os.environ
        self._colors: dict[str, int] = {}
        self._lock = threading.Lock()

    def __call__(self, name: str, line: str) -> None:
        with (
            self._lock,
            contextlib.suppress(OSError),
        ):  # a closed terminal must not keep the processes from being stopped
            self._stream.write(f"{self._prefix(name)} {line}\n")
            self._stream.flush()

    def _prefix(self, name: str) -> str:
        color = self._colors.setdefault(name, _COLORS[len(self._colors) % len(_COLORS)])
        return f"\x1b[{color}m{name:<8} |\x1b[0m" if self._colored else f"{name:<8} |"

    def follow(self, name: str, stream: IO[str]) -> None:
        """Prints what a process prints until it closes its end."""
        with stream:
            for line in stream:
                self(name, line.rstrip())


@dataclass
class Child:
    name: str
    command: Sequence[str]
    process: subprocess.Popen[str] | None = None
    follower: threading.Thread | None = None
    started_at: float = 0.0
    due_at: float = 0.0
    pause: float = FIRST_PAUSE


class Supervisor:
    """Its pid files are for whoever wants to kill a certain process, and for cleaning up after a kill -9."""

    def __init__(
        self, commands: Mapping[str, Sequence[str]], *, pid_folder: Path, env: Mapping[str, str], say: Output
    ) -> None:
        self._children = [Child(name, command) for name, command in commands.items()]
        self._pid_folder = pid_folder
        self._env = env
        self._say = say

    def start(self) -> None:
        self._pid_folder.mkdir(parents=True, exist_ok=True)
        for child in self._children:
            self._start(child)

    def _start(self, child: Child) -> None:
        try:
            child.process = subprocess.Popen(
                child.command,
                env=self._env,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                errors="replace",
                start_new_session=True,  # Ctrl-C in the terminal reaches the supervisor, which stops them in order
            )
        except OSError as error:
            self._postpone(child, f"cannot be started: {error}")
            return
        child.started_at = time.monotonic()
        try:
            self._pid_file(child).write_text(f"{child.process.pid}\n")
        except OSError as error:  # a full disk is no reason to stop a shop
            self._say("run", f"{child.name} runs as process {child.process.pid}, which cannot be noted: {error}")
        assert child.process.stdout is not None
        arguments = (child.name, child.process.stdout)
        child.follower = threading.Thread(target=self._say.follow, args=arguments, daemon=True)
        child.follower.start()

    def _pid_file(self, child: Child) -> Path:
        return self._pid_folder / f"{child.name}.pid"

    def tend(self) -> None:
        """One look at everybody: buries the dead and starts again whose pause is over. To be called often."""
        for child in self._children:
            if child.process is None:
                if time.monotonic() >= child.due_at:
                    self._say("run", f"starting {child.name} again")
                    self._start(child)
            elif child.process.poll() is not None:
                self._bury(child, child.process)

    def _bury(self, child: Child, process: subprocess.Popen[str]) -> None:
        # What a killed leader leaves behind would keep its port and its tasks.
        kill_group(process.pid, signal.SIGKILL)
        if time.monotonic() - child.started_at >= HEALTHY_AFTER:
            child.pause = FIRST_PAUSE
        self._pid_file(child).unlink(missing_ok=True)
        child.process = None
        self._postpone(child, _ending(process.returncode))

    def _postpone(self, child: Child, why: str) -> None:
        self._say("run", f"{child.name} {why}; starting it again in {child.pause:.0f} s")
        child.due_at = time.monotonic() + child.pause
        child.pause = min(child.pause * 2, LONGEST_PAUSE)

    def stop(self, hurried: Callable[[], bool] = lambda: False, patience: float = PATIENCE) -> None:
        """Asks the leaders (SIGTERM), waits, and ends what is left of their groups.

        Only the leaders: Celery's pool processes would die of the signal in the middle of their tasks.
        """
        running = [(child, child.process) for child in self._children if child.process is not None]
        for _child, process in running:
            with contextlib.suppress(ProcessLookupError):
                process.terminate()
        deadline = time.monotonic() + patience
        while any(process.poll() is None for _child, process in running):
            if hurried() or time.monotonic() > deadline:
                break
            time.sleep(0.05)
        for child, process in running:
            if process.poll() is None:
                self._say("run", f"{child.name} does not stop; ending it")
            kill_group(process.pid, signal.SIGKILL)
            process.wait()
            self._pid_file(child).unlink(missing_ok=True)
            child.process = None
            if child.follower:
                child.follower.join(timeout=1)  # its last words; what left the group may hold the pipe for longer


def kill_group(group: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):  # macOS answers so for a group of zombies
        os.killpg(group, number)


def _ending(returncode: int) -> str:
    return f"was ended by {signal.Signals(-returncode).name}" if returncode < 0 else f"ended with status {returncode}"


def end_leftovers(pid_folder: Path, *, mark: str, say: Output, besides: Collection[str] = ()) -> None:
    """Ends what a killed supervisor left running. A group counts as ours when a command line in it holds `mark`."""
    for pid_file in sorted(pid_folder.glob("*.pid")):
        if pid_file.stem in besides:
            continue
        pid = read_pid(pid_file)
        if pid and any(mark in command for command in group_commands(pid)):
            say("run", f"ending {pid_file.stem} of a former run (process {pid})")
            _end_group(pid, mark)
        pid_file.unlink()


def _end_group(group: int, mark: str, patience: float = 5.0) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(group, signal.SIGTERM)
    deadline = time.monotonic() + patience
    while any(mark in command for command in group_commands(group)):
        if time.monotonic() > deadline:
            kill_group(group, signal.SIGKILL)
        time.sleep(0.05)
