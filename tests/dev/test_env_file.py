""".env is read by every process of the Procfile, and by the commands, in the same way."""

import os
import signal
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path

import pytest

from dev.ports import free_port
from dev.run import read_procfile
from shop.config import Settings

ROOT = Path(__file__).resolve().parents[2]
HANG = 120.0
PROCESSES = dict(read_procfile(ROOT / "Procfile")) | {"command": ["flask", "--app", "wsgi", "outbox", "status"]}
COMPLETE = """
APP_ENV=testing
SECRET_KEY=8d1c0f6be94a4d0d9a3b5c7e21f60fa4
DATABASE_URL=postgres://nobody@127.0.0.1:1/none
REDIS_URL=redis://127.0.0.1:1/0
"""


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """The product's code under another folder, with a .env of its own."""
    for name in ("shop", "wsgi.py", "celery_worker.py", "migrations"):
        (tmp_path / name).symlink_to(ROOT / name)
    (tmp_path / "instance").mkdir()
    return tmp_path


@pytest.mark.parametrize("name", PROCESSES)
def test_every_process_reads_the_file_and_lets_the_environment_win(checkout: Path, name: str) -> None:
    """Each ends with what it was told: a setting that cannot be meant is named by whoever has read it."""
    (checkout / ".env").write_text(COMPLETE + "TRUSTED_PROXIES=-1\nOUTBOX_POLL_SECONDS=often\n")
    said = said_by(name, checkout, {"TRUSTED_PROXIES": "0"}, until="OUTBOX_POLL_SECONDS")
    assert "TRUSTED_PROXIES" not in said
    assert "DATABASE_URL" not in said


def said_by(name: str, checkout: Path, given: Mapping[str, str], *, until: str) -> str:
    """What the process prints up to this word."""
    settings = {field.upper() for field in Settings.model_fields}
    kept = {key: value for key, value in os.environ.items() if key not in settings}
    path = os.pathsep.join([str(ROOT / ".venv/bin"), kept.get("PATH", os.defpath)])
    process = subprocess.Popen(
        PROCESSES[name],
        cwd=checkout,
        env=kept
        | given
        | {"PATH": path, "PORT": str(free_port()), "PYTHONPATH": str(checkout), "PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    assert process.stdout
    lines = []
    started = time.monotonic()
    try:
        with process.stdout as stream:
            for line in stream:
                lines.append(line)
                if until in line or time.monotonic() - started > HANG:
                    break
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    said = "".join(lines)
    assert until in said, said
    return said
