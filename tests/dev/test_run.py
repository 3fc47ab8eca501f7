"""The supervisor and what surrounds it: nothing dies unnoticed, nothing is left behind."""

import contextlib
import io
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from dev import embedded
from dev import run as running
from dev.ports import free_port
from dev.processes import group_commands, read_pid
from dev.supervisor import Output, Supervisor, end_leftovers

READY_SERVER = """
import http.server, sys
class Ready(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200 if self.path == "/health/ready" else 404)
        self.end_headers()
    def log_message(self, *arguments): pass
http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Ready).serve_forever()
"""
STUBBORN = (
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf', flush=True); time.sleep(60)"
)


def wait_for(condition: Callable[[], object], seconds: float = 120) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.02)


@pytest.fixture
def log() -> io.StringIO:
    return io.StringIO()


@pytest.fixture
def run(tmp_path: Path, log: io.StringIO) -> Iterator[running.Run]:
    """A run whose `flask` only speaks and whose web server only says that it is ready; servers are "given"."""
    flask = tmp_path / "bin/flask"
    flask.parent.mkdir()
    flask.write_text('#!/bin/sh\necho "flask $*"\n')
    flask.chmod(0o755)
    port = free_port()
    given = {"DATABASE_URL": "postgresql://elsewhere", "REDIS_URL": "redis://elsewhere", "SMTP_HOST": "elsewhere"}
    env = running.make_environment(tmp_path, {**os.environ, **given, "PORT": str(port), "HOST": "127.0.0.1"})
    env["PATH"] = f"{flask.parent}{os.pathsep}{env['PATH']}"
    commands = {"web": [sys.executable, "-c", READY_SERVER, str(port)], "worker": ["sleep", "60"]}
    run = running.Run(tmp_path, env, Output(log), commands=commands)
    run.stopping.interrupts = False
    yield run
    run.stopping.asked_at = time.monotonic()


def in_thread(run: running.Run) -> tuple[threading.Thread, list[int]]:
    statuses: list[int] = []
    thread = threading.Thread(target=lambda: statuses.append(run.work()))
    thread.start()
    return thread, statuses


def test_starts_restarts_what_is_killed_and_stops_all(
    run: running.Run, log: io.StringIO, capsys: pytest.CaptureFixture[str]
) -> None:
    thread, statuses = in_thread(run)
    pid_file = run.pid_folder / "worker.pid"
    wait_for(lambda: "The shop is open" in capsys.readouterr().out)
    first = read_pid(pid_file)
    assert first
    os.kill(first, signal.SIGKILL)
    wait_for(lambda: read_pid(pid_file) not in (None, first))
    second = read_pid(pid_file)
    run.stopping.asked_at = time.monotonic()
    thread.join(timeout=120)

    assert statuses == [0]
    assert second
    assert not group_commands(second)
    assert not list(run.pid_folder.glob("*.pid"))
    assert "worker was ended by SIGKILL; starting it again in 1 s" in log.getvalue()
    assert "migrate  | flask --app wsgi db upgrade" in log.getvalue()
    assert "demo-data" not in log.getvalue()  # never into a database that was given


def test_a_failed_migration_ends_the_run_with_its_reason(run: running.Run) -> None:
    Path(run.root / "bin/flask").write_text("#!/bin/sh\nexit 3\n")

    with pytest.raises(running.Refusal, match="db upgrade` failed with status 3"):
        run.work()


def test_a_taken_port_is_one_sentence(run: running.Run) -> None:
    sentence = rf"Port {run.port} .* PORT={run.port + 1} make run"
    with socket.create_server(("127.0.0.1", run.port)), pytest.raises(running.Refusal, match=sentence):
        run.work()


def test_a_second_run_in_the_same_checkout_is_refused(
    run: running.Run, log: io.StringIO, capsys: pytest.CaptureFixture[str]
) -> None:
    thread, _statuses = in_thread(run)
    wait_for(lambda: "The shop is open" in capsys.readouterr().out)

    with pytest.raises(running.Refusal, match="runs already in this checkout"):
        running.Run(run.root, dict(run.env), Output(log)).work()
    run.stopping.asked_at = time.monotonic()
    thread.join(timeout=120)


def test_the_secret_key_is_made_once_and_private(run: running.Run) -> None:
    run.env.pop("SECRET_KEY", None)
    run.instance.mkdir()
    run._set_secret_key()
    first = run.env.pop("SECRET_KEY")
    run._set_secret_key()

    assert run.env["SECRET_KEY"] == first
    assert len(first) >= 32
    assert (run.instance / "secret-key").stat().st_mode & 0o777 == 0o600


def test_without_a_mail_server_the_sink_is_planned(run: running.Run) -> None:
    run.env["SMTP_HOST"] = ""
    run._plan_mail_sink()

    assert run.env["SMTP_HOST"] == "127.0.0.1"
    assert int(run.env["SMTP_PORT"]) > 0
    assert list(run.commands) == ["sink", "web", "worker"]


def test_a_full_disk_is_said_and_stops_nobody(tmp_path: Path, log: io.StringIO) -> None:
    """Neither a pid that cannot be noted, nor a program that cannot be started, nor a log that cannot be written."""
    (tmp_path / "web.pid").symlink_to("/dev/full")
    commands = {"web": ["sleep", "60"], "worker": [str(tmp_path / "not-there")]}
    supervisor = Supervisor(commands, pid_folder=tmp_path, env=dict(os.environ), say=Output(log))
    supervisor.start()
    supervisor.tend()
    web = supervisor._children[0].process
    try:
        assert web
        assert web.poll() is None
        assert f"web runs as process {web.pid}, which cannot be noted: [Errno 28] No space left" in log.getvalue()
        assert "worker cannot be started: [Errno 2]" in log.getvalue()
        assert "starting it again in 1 s" in log.getvalue()
    finally:
        supervisor.stop(patience=5)
    assert web.poll() is not None

    with open("/dev/full", "w") as full:  # noqa: PTH123
        say = Output(full)
        for _ in range(1000):
            say("run", "x" * 100)
        with contextlib.suppress(OSError):
            full.close()


def test_a_server_that_cannot_start_again_is_tried_later(run: running.Run, log: io.StringIO, tmp_path: Path) -> None:
    (tmp_path / "a file").touch()
    servers = embedded.Servers(tmp_path / "a file/servers", tmp_path, database_url="postgresql://x", redis_url="")
    run._start_again(servers, ["postgres"])
    assert "embedded postgres ended; starting again" in log.getvalue()
    assert "that failed; trying again in 30 s" in log.getvalue()
    assert run.servers_due_at > time.monotonic()


def test_what_does_not_stop_is_ended(tmp_path: Path, log: io.StringIO) -> None:
    commands = {"deaf": [sys.executable, "-c", STUBBORN]}
    supervisor = Supervisor(commands, pid_folder=tmp_path, env=dict(os.environ), say=Output(log))
    supervisor.start()
    pid = read_pid(tmp_path / "deaf.pid")
    wait_for(lambda: "deaf" in log.getvalue())
    supervisor.stop(patience=0.2)

    assert pid
    assert not group_commands(pid)
    assert "deaf does not stop; ending it" in log.getvalue()


def test_leftovers_are_ended_and_strangers_are_not(tmp_path: Path, log: io.StringIO) -> None:
    mark = str(tmp_path)
    ours = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)", mark], start_new_session=True)
    stranger = subprocess.Popen(["sleep", "60"], start_new_session=True)
    (tmp_path / "ours.pid").write_text(f"{ours.pid}\n")
    (tmp_path / "stranger.pid").write_text(f"{stranger.pid}\n")
    end_leftovers(tmp_path, mark=mark, say=Output(log))

    assert ours.wait(timeout=60) == -signal.SIGTERM
    assert stranger.poll() is None
    assert not list(tmp_path.glob("*.pid"))
    stranger.kill()
    stranger.wait()


def test_the_procfile_is_a_table_of_commands(tmp_path: Path) -> None:
    (tmp_path / "Procfile").write_text("# processes\nweb: serve --port ${PORT:-8000}\n\nrelay: flask outbox relay\n")

    assert running.read_procfile(tmp_path / "Procfile") == {
        "web": ["/bin/sh", "-c", "exec serve --port ${PORT:-8000}"],
        "relay": ["/bin/sh", "-c", "exec flask outbox relay"],
    }


def test_settings_come_from_the_file_below_the_environment(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("PORT=9001\nHOST=0.0.0.0\nDATABASE_URL=\n")
    env = running.make_environment(tmp_path, {"PORT": "9002"})

    assert (env["PORT"], env["HOST"], env["DATABASE_URL"], env["APP_ENV"]) == ("9002", "0.0.0.0", "", "development")
    assert running.web_address(env) == env["BASE_URL"] == "http://127.0.0.1:9002"


def test_a_second_ctrl_c_hurries_and_an_echo_does_not() -> None:
    stopping = running.Stopping()
    with pytest.raises(KeyboardInterrupt):
        stopping._take(signal.SIGINT, None)
    stopping._take(signal.SIGINT, None)
    assert not stopping.hurried

    assert stopping.asked_at
    stopping.asked_at -= 1
    stopping._take(signal.SIGTERM, None)
    assert not stopping.hurried
    stopping._take(signal.SIGINT, None)
    assert stopping.hurried
