"""What `make run` does: embedded servers, migrations, demo data, and then every process of the Procfile."""

import errno
import os
import secrets
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from urllib.error import HTTPError
from urllib.request import ProxyHandler, build_opener

import psycopg
from dotenv import dotenv_values
from rich.console import Console
from rich.panel import Panel

from dev import embedded
from dev.binaries import EmbeddedError
from dev.ports import free_port, is_free
from dev.processes import lock
from dev.supervisor import LONGEST_PAUSE, Output, Supervisor, end_leftovers

ROOT = Path(__file__).resolve().parents[1]
READY_WITHIN = 90.0
DEMO_PASSWORD = "demo-password-1234"  # noqa: S105 -- printed for everybody, in the embedded database only
_SERVERS = ("postgres", "valkey")


class Refusal(Exception):  # noqa: N818 -- a refusal is an answer to a person, as everywhere in the shop
    """Why there is nothing to run; its text is the whole message."""


class Stopping:
    """Ctrl-C and SIGTERM: the first ends the preparation or the watch, a later Ctrl-C hurries the stop."""

    def __init__(self) -> None:
        self.asked_at: float | None = None
        self.hurried = False
        self.interrupts = True

    def install(self) -> None:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._take)

    def _take(self, number: int, _frame: FrameType | None) -> None:
        if self.asked_at is None:
            self.asked_at = time.monotonic()
            if self.interrupts:
                raise KeyboardInterrupt
        # make passes on what the terminal has sent to the whole group already: the echo is not a second Ctrl-C.
        elif number == signal.SIGINT and time.monotonic() - self.asked_at > 0.5:
            self.hurried = True

    @property
    def asked(self) -> bool:
        return self.asked_at is not None


@dataclass
class Run:
    """One run in one checkout; `commands` is the table of processes, which tests replace."""

    root: Path
    env: dict[str, str]
    say: Output
    stopping: Stopping = field(default_factory=Stopping)
    commands: dict[str, Sequence[str]] = field(default_factory=dict)
    servers: embedded.Servers | None = None
    supervisor: Supervisor | None = None
    sink_page: str | None = None
    servers_due_at: float = 0.0

    @property
    def instance(self) -> Path:
        return self.root / "instance"

    @property
    def pid_folder(self) -> Path:
        return self.instance / "run"

    @property
    def port(self) -> int:
        return int(self.env["PORT"])

    @property
    def owns_database(self) -> bool:
        return self.servers is not None and bool(self.servers.database_url)

    def work(self) -> int:
        """From the checks to the end of the last process; the exit status."""
        self.pid_folder.mkdir(parents=True, exist_ok=True)
        with lock(self.pid_folder / "supervisor.lock", wait=False) as descriptor:
            if descriptor is None:
                raise Refusal("`make run` runs already in this checkout; stop it first (Ctrl-C in its terminal).")
            end_leftovers(self.pid_folder, mark=f"{self.root}/.venv/", say=self.say, besides=_SERVERS)
            check_address(self.env)
            try:
                return self._prepare_and_watch()
            except KeyboardInterrupt:
                return 0
            finally:
                self.stopping.interrupts = False
                self._stop()

    def _prepare_and_watch(self) -> int:
        self._set_secret_key()
        self._make_metrics_folder()
        self._start_servers()
        self._plan_mail_sink()
        self._run_once("migrate", "flask", "--app", "wsgi", "db", "upgrade")
        if self.owns_database and has_no_manager(self._database_address()):
            self._run_once("demo", "flask", "--app", "wsgi", "demo-data", "load")
        self.say("run", f"starting {', '.join(self.commands)} ...")
        self.stopping.interrupts = False
        self.supervisor = Supervisor(self.commands, pid_folder=self.pid_folder, env=self.env, say=self.say)
        self.supervisor.start()
        if not self._wait_until_ready():
            return 0 if self.stopping.asked else 1
        self._print_addresses()
        while not self.stopping.asked:
            self._tend()
        return 0

    def _set_secret_key(self) -> None:
        if not self.env.get("SECRET_KEY"):
            file = self.instance / "secret-key"
            if not file.exists():
                embedded.write_private(file, secrets.token_urlsafe(48))
            self.env["SECRET_KEY"] = file.read_text()

    def _make_metrics_folder(self) -> None:
        """Where the web processes count together; counts begin anew with each run."""
        folder = self.instance / "metrics"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        self.env["PROMETHEUS_MULTIPROC_DIR"] = str(folder)

    def _start_servers(self) -> None:
        given = {"postgres": self.env.get("DATABASE_URL"), "valkey": self.env.get("REDIS_URL")}
        wanted = [name for name, address in given.items() if not address]
        if not wanted:
            return
        self.say("run", f"starting embedded {' and '.join(wanted)} ...")
        self.servers = embedded.start(self.instance / "servers", durable=True, wanted=wanted)
        self._write_server_pids()
        self.say("run", f"their data are in {self.servers.folder}")
        self.env["DATABASE_URL"] = self.servers.database_url or self.env["DATABASE_URL"]
        self.env["REDIS_URL"] = self.servers.redis_url or self.env["REDIS_URL"]

    def _write_server_pids(self) -> None:
        for name, pid in self.servers.pids().items() if self.servers else ():
            (self.pid_folder / f"{name}.pid").write_text(f"{pid}\n")

    def _plan_mail_sink(self) -> None:
        if self.env.get("SMTP_HOST"):
            return
        smtp_port = free_port(1025, besides=[self.port])
        web_port = free_port(8025, besides=[self.port, smtp_port])
        self.env |= {"SMTP_HOST": "127.0.0.1", "SMTP_PORT": str(smtp_port)}
        self.sink_page = f"http://127.0.0.1:{web_port}/"
        options = {"--host": "127.0.0.1", "--port": str(smtp_port), "--web-port": str(web_port)}
        folder = ("--folder", str(self.instance / "mail"))
        arguments = [part for option in options.items() for part in option]
        self.commands = {"sink": [sys.executable, "-m", "dev.mail_sink", *arguments, *folder], **self.commands}

    def _database_address(self) -> str:
        return self.env["DATABASE_URL"].replace("+psycopg", "")

    def _run_once(self, name: str, *command: str) -> None:
        self.say("run", f"{' '.join(command)} ...")
        process = subprocess.Popen(
            command,
            cwd=self.root,
            env=self.env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            start_new_session=True,
        )
        try:
            assert process.stdout is not None
            self.say.follow(name, process.stdout)
            status = process.wait()
        finally:
            process.kill()
            process.wait()
        if status:
            raise Refusal(f"`{' '.join(command)}` failed with status {status}; its last lines are above.")

    def _wait_until_ready(self) -> bool:
        deadline = time.monotonic() + READY_WITHIN
        address = f"{web_address(self.env)}/health/ready"
        answer = "nothing"
        while not self.stopping.asked and time.monotonic() < deadline:
            answer = ask(address)
            if answer == "200":
                return True
            self._tend()
        if not self.stopping.asked:
            self.say(
                "run", f"{address} still answers {answer} after {READY_WITHIN:.0f} s; giving up. See the lines above."
            )
        return False

    def _tend(self) -> None:
        time.sleep(0.2)
        assert self.supervisor is not None
        self.supervisor.tend()
        if self.servers and time.monotonic() >= self.servers_due_at and (ended := self.servers.ended()):
            self._start_again(self.servers, ended)

    def _start_again(self, servers: embedded.Servers, ended: Sequence[str]) -> None:
        """A server that cannot start, as on a full disk, is tried again until somebody has made place."""
        self.say("run", f"embedded {' and '.join(ended)} ended; starting again")
        try:
            embedded.start(servers.wanted_folder, durable=True, wanted=ended)
            self._write_server_pids()
        except (OSError, EmbeddedError) as error:
            self.servers_due_at = time.monotonic() + LONGEST_PAUSE
            self.say("run", f"that failed; trying again in {LONGEST_PAUSE:.0f} s: {error}")

    def _print_addresses(self) -> None:
        web = web_address(self.env)
        lines = [f"API documentation   {web}/api/docs/"]
        if self.sink_page:
            lines += [f"Mail                {self.sink_page}  (files in {self.instance / 'mail'})"]
        if self.owns_database:
            people = ", ".join(f"{who}@demo.example" for who in ("buyer", "supplier", "manager"))
            lines += [f"Log in as           {people}", f"with the password   {DEMO_PASSWORD}"]
        panel = Panel("\n".join(lines), title="The shop is open", subtitle="Ctrl-C stops it", expand=False)
        # A log file has no width of its own, and cut addresses are of no use on a narrow terminal either.
        width = max(Console().width, *(len(line) + 4 for line in lines))
        Console(width=width, highlight=False, markup=False).print(panel)

    def _stop(self) -> None:
        if self.supervisor:
            self.say("run", f"stopping {', '.join(self.commands)} ...")
            self.supervisor.stop(lambda: self.stopping.hurried)
        if self.supervisor or self.servers:
            self.say("run", "stopping the embedded servers ...")
        # Not only those of self.servers: an interrupted start may have left one running.
        embedded.stop(self.instance / "servers")
        for name in _SERVERS:
            (self.pid_folder / f"{name}.pid").unlink(missing_ok=True)
        self.say("run", "stopped")


def check_address(env: Mapping[str, str]) -> None:
    host, port = env["HOST"], env["PORT"]
    if not (port.isdecimal() and 0 < int(port) < 65536):
        raise Refusal(f"PORT={port} is not a port number.")
    if not is_free(host, int(port)):
        other = int(port) + 1 if int(port) < 65535 else 8000
        raise Refusal(f"Port {port} of {host} is taken or not allowed; choose another one: PORT={other} make run")


def has_no_manager(address: str) -> bool:
    """The demo's manager is loaded last: without one the database is empty, or the loading was interrupted."""
    with psycopg.connect(address) as connection:
        answer = connection.execute("SELECT NOT EXISTS (SELECT FROM users WHERE role = 'manager')").fetchone()
    return bool(answer and answer[0])


def web_address(env: Mapping[str, str]) -> str:
    host = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(env["HOST"], env["HOST"])  # noqa: S104 -- compared, not bound
    return f"http://{host}:{env['PORT']}"


def ask(address: str) -> str:
    """The status of a GET, or why there is none. A proxy of the environment is not for our own machine."""
    try:
        with build_opener(ProxyHandler({})).open(address, timeout=5) as answer:
            return str(answer.status)
    except HTTPError as error:
        error.close()
        return str(error.code)
    except OSError as error:
        return f"nothing ({error})"


def read_procfile(path: Path) -> dict[str, Sequence[str]]:
    """name → command. A shell fills in the variables and then becomes the command, so that its pid is the command's."""
    lines = [line.partition(":") for line in path.read_text().splitlines() if line.strip() and not line.startswith("#")]
    return {name.strip(): ["/bin/sh", "-c", f"exec {command.strip()}"] for name, _colon, command in lines}


def make_environment(root: Path, given: Mapping[str, str]) -> dict[str, str]:
    """What the processes see: .env below the real environment, as they read it too, and defaults below both.

    Links in mails lead to the port that is listened on.
    """
    defaults = {"APP_ENV": "development", "LOG_JSON": "false", "HOST": "127.0.0.1", "PORT": "8000"}
    written = {name: value or "" for name, value in dotenv_values(root / ".env").items()}
    env = {**written, **given}
    env |= {name: value for name, value in defaults.items() if not env.get(name)}
    env["BASE_URL"] = env.get("BASE_URL") or web_address(env)
    binaries = str(Path(sys.executable).parent)
    path = os.pathsep.join([binaries, env.get("PATH", os.defpath)])
    return {**env, "PATH": path, "VIRTUAL_ENV": str(Path(binaries).parent), "PYTHONUNBUFFERED": "1"}


def main() -> int:
    os.chdir(ROOT)
    say = Output()
    run = Run(ROOT, make_environment(ROOT, os.environ), say, commands=read_procfile(ROOT / "Procfile"))
    run.stopping.install()
    try:
        return run.work()
    except KeyboardInterrupt:
        return 0
    except (Refusal, EmbeddedError) as error:
        print(error, flush=True)
        return 1
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        print(f"There is no place left to write to: {error}. Make some and start again.", flush=True)
        return 1


if __name__ == "__main__":
    sys.exit(main())
