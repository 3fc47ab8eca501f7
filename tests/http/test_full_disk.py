"""A full disk: what reads goes on, what must write is told to come back, and no process ends."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from shop.config import Settings
from tests.factories.auth import bearer, make_user

ROOT = Path(__file__).parents[2]
MOUNT = 'mount -t tmpfs -o size=2500k none "$FULL" && exec "$@"'
HANG = 300


def test_a_web_process_outlives_a_full_disk(app: Flask, settings: Settings, tmp_path: Path) -> None:
    """Counts are mapped into memory, where a write without place would be SIGBUS."""
    given = {
        "APP_ENV": "development",
        "DATABASE_URL": settings.database_url,
        "REDIS_URL": settings.redis_url,
        "THROTTLE_USER": "",
        "FULL": str(tmp_path),
        "PROMETHEUS_MULTIPROC_DIR": str(tmp_path),
        "TOKEN": bearer(make_user("supplier"))["Authorization"],
    }
    inside = ["unshare", "--map-root-user", "--mount", "sh", "-c", MOUNT, "sh"]
    if subprocess.run([*inside, "true"], env=os.environ | given, capture_output=True, check=False).returncode:
        pytest.skip("no file system can be mounted here: neither root nor namespaces of users")
    with open("/dev/full", "wb") as log:  # noqa: PTH123
        done = subprocess.run(
            [*inside, sys.executable, "-m", "tests.http.full_disk"],
            env=os.environ | given,
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=log,
            timeout=HANG,
            check=False,
        )
    assert done.returncode == 0, done.returncode
    assert json.loads(done.stdout) == {
        "read": 200,
        "unknown": 404,
        "upload": 503,
        "code": "Unavailable",
        "counted": 1.0,
        "grown": True,
        "counted again": 1.0,
    }


def test_an_export_that_finds_no_place_comes_later(app: Flask, client: FlaskClient, settings: Settings) -> None:
    folder = Path(settings.export_folder)
    folder.mkdir(exist_ok=True)
    part = folder / "csv.gz.part"
    part.unlink(missing_ok=True)
    part.symlink_to("/dev/full")
    answer = client.get("/api/v1/catalog/export?format=csv")
    assert (answer.status_code, answer.json["code"], answer.headers["Retry-After"]) == (503, "Unavailable", "5")
    assert not part.is_symlink()
    assert client.get("/api/v1/catalog/export?format=csv").status_code == 200


def test_other_trouble_with_files_stays_a_mistake_of_ours(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> None:
        raise FileNotFoundError(2, "No such file", "x")

    monkeypatch.setitem(app.config, "PROPAGATE_EXCEPTIONS", False)
    monkeypatch.setitem(app.view_functions, "health.live", fail)
    assert app.test_client().get("/health/live").status_code == 500
