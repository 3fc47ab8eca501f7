"""What `make test` does: layout, lint, types, import contracts and every test with coverage; stops at no failure."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

from dev import embedded
from dev.binaries import EmbeddedError
from dev.processes import lock
from dev.supervisor import kill_group

ROOT = Path(__file__).resolve().parents[1]
EXTRA = "tests/extra"
# What is run alone, and without the other steps: with programs from npm or apt, or for as long as one likes.
FUZZ = ("tests/contract/test_fuzzing.py", "tests/orders/test_invariants.py", "-n", str(os.cpu_count() or 2))
ALONE = {"--extra": (EXTRA,), "--fuzz": FUZZ}
STEPS = {
    "layout": ("ruff", "format", "--check", "."),
    "lint": ("ruff", "check", "."),
    "types": ("mypy",),
    "imports": ("lint-imports",),
}


@dataclass(frozen=True)
class Result:
    name: str
    status: int
    seconds: float


def main(arguments: Sequence[str]) -> int:
    """`--extra` and `--fuzz` run only the tests that ALONE names; the other arguments go to pytest."""
    os.chdir(ROOT)
    (ROOT / ".cache").mkdir(exist_ok=True)
    # SIGTERM, too, has to pass through the blocks that stop the servers, and `make test &` starts with SIGINT ignored.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)
    with lock(ROOT / ".cache/checks.lock", wait=False) as descriptor:
        if descriptor is None:
            print("`make test` runs already in this checkout; the two would overwrite each other's results.")
            return 1
        try:
            return _check(arguments)
        except KeyboardInterrupt:
            print("interrupted")
            return 130
        except EmbeddedError as error:
            print(error)
            return 1


def _check(arguments: Sequence[str]) -> int:
    alone = next((ALONE[argument] for argument in arguments if argument in ALONE), ())
    env = _environment()
    results = [] if alone else [_run(name, command, env) for name, command in STEPS.items()]
    if results:
        _print_table(results)
    with _servers(env) as with_servers:
        chosen = [argument for argument in arguments if argument not in ALONE]
        pytest = _run("tests", _pytest(chosen, alone=alone), with_servers)
    # After pytest only what failed: its own last line is what people and machines look for at the end.
    if failed := [result.name for result in [*results, pytest] if result.status]:
        print(f"failed: {', '.join(failed)}", flush=True)
    return 1 if failed else 0


def _environment() -> dict[str, str]:
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)])
    return {**os.environ, "PATH": path}


def _pytest(arguments: Sequence[str], *, alone: Sequence[str]) -> list[str]:
    if alone:
        return ["pytest", *alone, *arguments]
    coverage = ["--cov=shop", "--cov=dev", "--cov-branch", "--cov-report=term-missing:skip-covered"]
    return ["pytest", f"--ignore={EXTRA}", "-n", str(os.cpu_count() or 2), *coverage, *arguments]


def _run(name: str, command: Sequence[str], env: Mapping[str, str]) -> Result:
    print(f"== {name}: {' '.join(command)}", flush=True)
    started = time.monotonic()
    # In a session of its own it gets one SIGINT, from here, whoever was signaled: a second one would end pytest in the
    # middle of its cleaning up.
    with subprocess.Popen(command, env=env, stdin=subprocess.DEVNULL, start_new_session=True) as process:
        try:
            status = process.wait()
        except KeyboardInterrupt:
            _interrupt(process)
            raise
    return Result(name, status, time.monotonic() - started)


def _interrupt(process: subprocess.Popen[bytes]) -> None:
    kill_group(process.pid, signal.SIGINT)
    try:
        process.wait(timeout=20)
    except subprocess.TimeoutExpired:
        pass
    finally:
        kill_group(process.pid, signal.SIGKILL)


def _print_table(results: Sequence[Result]) -> None:
    table = Table("step", "result", "seconds")
    for result in results:
        table.add_row(result.name, "failed" if result.status else "ok", f"{result.seconds:.1f}")
    Console().print(table)


@contextmanager
def _servers(env: Mapping[str, str]) -> Iterator[dict[str, str]]:
    """The environment for tests: servers of their own, made anew and deleted afterwards, unless others are given."""
    given = {"postgres": env.get("TEST_DATABASE_URL"), "valkey": env.get("TEST_REDIS_URL")}
    wanted = [name for name, address in given.items() if not address]
    if not wanted:
        yield dict(env)
        return
    folder = ROOT / ".cache/test-servers"
    embedded.remove(folder)  # what a killed run has left
    try:
        servers = embedded.start(folder, durable=False, wanted=wanted)
        own = {"TEST_DATABASE_URL": servers.database_url, "TEST_REDIS_URL": servers.redis_url}
        yield {**env, **{name: address for name, address in own.items() if address}}
    finally:
        embedded.remove(folder)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
