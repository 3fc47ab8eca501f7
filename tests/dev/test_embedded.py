"""The embedded servers: started once, found again, mended after every kind of kill."""

import os
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
import redis

from dev import embedded
from dev.processes import is_locked


@pytest.fixture
def folder() -> Iterator[Path]:
    with temporary_folder() as made:
        yield made


@pytest.fixture(scope="module")
def servers() -> Iterator[embedded.Servers]:
    """A pair for the tests that break nothing."""
    with temporary_folder() as made:
        yield embedded.start(made, durable=False)


@contextmanager
def temporary_folder() -> Iterator[Path]:
    """A folder that every user reaches, unlike pytest's own below a private one."""
    base = Path(tempfile.mkdtemp(prefix="shop-embedded-"))
    base.chmod(0o755)
    try:
        yield base / "servers"
    finally:
        embedded.remove(base / "servers")
        shutil.rmtree(base)


def query(address: str, statement: str) -> object:
    with psycopg.connect(address.replace("+psycopg", "")) as connection:
        row = connection.execute(statement).fetchone()  # type: ignore[arg-type]
    return row[0] if row else None


def write(address: str, statement: str) -> None:
    with psycopg.connect(address.replace("+psycopg", "")) as connection:
        connection.execute(statement)  # type: ignore[arg-type]


def test_starts_finds_again_and_stops(folder: Path) -> None:
    servers = embedded.start(folder, durable=False)
    first = servers.pids()

    assert servers.folder == folder
    assert embedded.start(folder, durable=False) == servers
    assert servers.pids() == first

    servers.stop()
    assert not is_locked(folder / "postgres.lock")
    assert not is_locked(folder / "valkey.lock")


def test_knows_russian(servers: embedded.Servers) -> None:
    address = servers.database_url

    assert query(address, "SELECT lower('ЩИТ')") == "щит"
    assert query(address, "SELECT 'ЩИТ' ILIKE '%щи%'") is True
    assert query(address, "SELECT to_tsvector('russian', 'Щиты') @@ to_tsquery('russian', 'щит')") is True
    write(address, "CREATE EXTENSION pg_trgm")
    assert query(address, "SELECT similarity('ЩИТ', 'щит')") == 1


def test_a_password_is_needed_and_the_file_that_keeps_it_is_private(servers: embedded.Servers) -> None:
    with pytest.raises(psycopg.OperationalError):
        query(servers.database_url.replace("@", "wrong@"), "SELECT 1")
    port = int(servers.redis_url.split("@127.0.0.1:")[1].split("/")[0])
    with redis.Redis(port=port) as stranger, pytest.raises(redis.exceptions.AuthenticationError):
        stranger.ping()
    for name in ("postgres.json", "valkey.json"):
        assert stat.S_IMODE((servers.folder / name).stat().st_mode) == 0o600


def test_data_survive_kill_9_of_both_servers(folder: Path) -> None:
    servers = embedded.start(folder, durable=True)
    write(servers.database_url, "CREATE TABLE kept (n int); INSERT INTO kept VALUES (7)")
    with redis.Redis.from_url(servers.redis_url) as client:
        client.config_set("appendfsync", "always")
        client.set("kept", "7")

    for pid in servers.pids().values():
        os.kill(pid, signal.SIGKILL)
    again = embedded.start(folder, durable=True)

    assert again == servers  # addresses given out before the crash go on working
    assert query(again.database_url, "SELECT n FROM kept") == 7
    with redis.Redis.from_url(again.redis_url) as client:
        assert client.get("kept") == b"7"


def test_a_stale_pid_file_with_the_number_of_a_living_stranger_does_not_stop_the_start(folder: Path) -> None:
    servers = embedded.start(folder, durable=False, wanted=["postgres"])
    pid = servers.pids()["postgres"]
    os.kill(pid, signal.SIGKILL)
    pid_file = folder / "postgres/postmaster.pid"
    account = {"user": embedded.UNPRIVILEGED} if os.geteuid() == 0 else {}
    with subprocess.Popen(["sleep", "60"], cwd="/", **account) as stranger:  # type: ignore[call-overload]
        pid_file.write_text(pid_file.read_text().replace(f"{pid}\n", f"{stranger.pid}\n", 1))
        try:
            embedded.stop(folder)
            assert stranger.poll() is None
            assert embedded.start(folder, durable=False, wanted=["postgres"]).pids()["postgres"] != stranger.pid
        finally:
            stranger.kill()


def test_a_killed_starter_leaves_the_servers_to_the_next_one(folder: Path) -> None:
    code = (
        "import os, sys; from pathlib import Path; from dev import embedded;"
        "print(embedded.start(Path(sys.argv[1]), durable=False).pids(), flush=True); os.kill(os.getpid(), 9)"
    )
    starter = subprocess.run([sys.executable, "-c", code, str(folder)], capture_output=True, text=True)

    assert starter.returncode == -signal.SIGKILL
    assert str(embedded.start(folder, durable=False).pids()) == starter.stdout.strip()


def test_two_simultaneous_starters_share_one_pair(folder: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from dev import embedded;"
        "s = embedded.start(Path(sys.argv[1]), durable=False); print(s, s.pids())"
    )
    starters = [
        subprocess.Popen([sys.executable, "-c", code, str(folder)], stdout=subprocess.PIPE, text=True) for _ in range(2)
    ]
    answers = {starter.communicate(timeout=60)[0] for starter in starters}

    assert len(answers) == 1
    assert "redis://" in answers.pop()


def test_moves_the_data_where_roots_servers_reach_them(tmp_path: Path) -> None:
    private = tmp_path / "private"
    private.mkdir(mode=0o700)
    wanted = private / "servers"
    try:
        servers = embedded.start(wanted, durable=False, wanted=["valkey"])

        assert stat.S_IMODE(private.stat().st_mode) == 0o700
        assert (servers.folder == wanted) is (os.geteuid() != 0)
        assert embedded.start(wanted, durable=False, wanted=["valkey"]) == servers
    finally:
        embedded.remove(wanted)
    assert not servers.folder.exists()


def test_a_half_made_cluster_is_made_anew(folder: Path) -> None:
    half = folder / "postgres.new"
    half.mkdir(parents=True)
    (half / "PG_VERSION").write_text("18\n")

    assert query(embedded.start(folder, durable=False, wanted=["postgres"]).database_url, "SELECT 1") == 1
