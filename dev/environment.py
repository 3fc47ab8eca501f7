"""Builds .venv in the checkout from a lock file, with a bare python3: `python3 dev/environment.py [run|dev]`."""

import hashlib
import importlib.util
import json
import os
import platform
import shutil
import subprocess
import sys
import time
from pathlib import Path

if sys.version_info < (3, 11):  # noqa: UP036 -- this file is run by whatever python3 the machine has
    sys.exit(
        f"Python 3.11 or newer is needed, and this is {platform.python_version()}. Try: make PYTHON=python3.12 run"
    )

try:
    import fcntl
except ImportError:
    sys.exit("Linux or macOS is needed; on Windows use the Windows Subsystem for Linux.")

ROOT = Path(__file__).resolve().parents[1]
LOCKS = {"run": ("run.txt",), "dev": ("run.txt", "dev.txt")}
EMBEDDED_ON = {("Linux", "x86_64"), ("Linux", "aarch64"), ("Darwin", "x86_64"), ("Darwin", "arm64")}


class Refusal(Exception):  # noqa: N818 -- a refusal is an answer to a person, as everywhere in the shop
    """Why there is no environment; its text is the whole message."""


def build(root: Path, kind: str) -> bool:
    """Makes root/.venv hold what the lock file says; False when it did already."""
    venv = root / ".venv"
    cache = root / ".cache"
    cache.mkdir(exist_ok=True)
    with (cache / "environment.lock").open("w") as lock:
        _wait_for(lock.fileno())
        wanted = fingerprint(root, kind)
        have = _stamp(venv)
        if _satisfies(have, wanted):
            return False
        # `dev` adds to `run` with the same pins; whatever else changed, or broke off half-way, is made anew.
        if not _satisfies(have, fingerprint(root, "run")):
            _create(venv)
        _install(venv, root / "requirements" / LOCKS[kind][-1])
        _write_stamp(venv, wanted)
    return True


def _wait_for(descriptor: int) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        say("Another command is building the environment; waiting for it ...")
        fcntl.flock(descriptor, fcntl.LOCK_EX)


def fingerprint(root: Path, kind: str) -> dict[str, str]:
    """What the environment depends on. The path is part of it: a virtual environment does not survive moving."""
    files = {name: hashlib.sha256(_read_lock_file(root, name)).hexdigest() for name in LOCKS[kind]}
    return {"path": str(root), "python": f"{sys.version} {sys.base_prefix}", **files}


def _read_lock_file(root: Path, name: str) -> bytes:
    try:
        return (root / "requirements" / name).read_bytes()
    except FileNotFoundError:
        raise Refusal(f"requirements/{name} is missing; is this a complete checkout?") from None


def _stamp(venv: Path) -> dict[str, str]:
    try:
        stamp: dict[str, str] = json.loads((venv / "stamp.json").read_text())
    except (OSError, ValueError):
        return {}
    return stamp if (venv / "bin/python").exists() else {}


def _satisfies(have: dict[str, str], wanted: dict[str, str]) -> bool:
    return wanted.items() <= have.items()


def _write_stamp(venv: Path, wanted: dict[str, str]) -> None:
    new = venv / "stamp.new"
    new.write_text(json.dumps(wanted, indent=1))
    new.replace(venv / "stamp.json")


def _create(venv: Path) -> None:
    refuse_without_venv()
    if venv.is_symlink():
        raise Refusal(f"{venv} is a symbolic link; please remove it.")
    say("Making .venv ...")
    shutil.rmtree(venv, ignore_errors=True)
    made = _run([sys.executable, "-m", "venv", str(venv)])
    if made.returncode:
        raise Refusal(f"{_end_of(made.stdout)}\nThe environment could not be made by {sys.executable} -m venv.")


def refuse_without_venv() -> None:
    """Debian and Ubuntu ship python3 without the part that makes environments."""
    if any(importlib.util.find_spec(name) is None for name in ("venv", "ensurepip")):
        raise Refusal("Python's venv module is missing; on Debian or Ubuntu: sudo apt install python3-venv")


def _install(venv: Path, lock_file: Path) -> None:
    (venv / "stamp.json").unlink(missing_ok=True)  # what breaks off from here on is made anew by the next run
    count = sum(1 for line in lock_file.read_text().splitlines() if "==" in line and not line.startswith((" ", "#")))
    say(f"Installing {count} packages of requirements/{lock_file.name}, about a minute ...")
    started = time.monotonic()
    pip = [str(venv / "bin/python"), "-m", "pip", "install", "--require-hashes", "--disable-pip-version-check"]
    installed = _run([*pip, "--no-input", "--progress-bar", "off", "-r", str(lock_file)])
    if installed.returncode:
        raise Refusal(
            f"{_end_of(installed.stdout)}\n"
            "pip could not install the packages; its last words are above. The next run starts again."
        )
    say(f"Installed in {time.monotonic() - started:.0f} s.")


def _run(command: list[str]) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace")


def _end_of(output: str) -> str:
    return "\n".join(output.strip().splitlines()[-12:])


def refuse_unsupported_platform(kind: str) -> None:
    """Own servers make every POSIX platform good enough; the embedded ones exist for a few."""
    names = ("TEST_DATABASE_URL", "TEST_REDIS_URL") if kind == "dev" else ("DATABASE_URL", "REDIS_URL")
    here = (platform.system(), platform.machine())
    # The wheels are made for glibc; Alpine's python3 does not find them.
    musl = here[0] == "Linux" and platform.libc_ver()[0] != "glibc"
    if (here not in EMBEDDED_ON or musl) and not all(os.environ.get(name) for name in names):
        raise Refusal(
            f"There is no embedded PostgreSQL and Valkey for {' '.join(here)}{' with musl' if musl else ''}; "
            f"they exist for Linux with glibc (x86_64, aarch64) and macOS. Set {' and '.join(names)} to your servers."
        )


def say(line: str) -> None:
    print(line, flush=True)


def main(arguments: list[str]) -> int:
    kind = arguments[0] if arguments else "run"
    if kind not in LOCKS or len(arguments) > 1:
        say("usage: python3 dev/environment.py [run|dev]")
        return 2
    try:
        refuse_unsupported_platform(kind)
        build(ROOT, kind)
    except Refusal as refusal:
        say(str(refusal))
        return 1
    except KeyboardInterrupt:
        say("\nInterrupted; the next run starts the installation again.")
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
