"""How many requests a second a web server answers: by wrk where it is installed, else by a client of our own."""

import re
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from itertools import cycle
from tempfile import NamedTemporaryFile

CONNECTIONS = 16
PER_SECOND = re.compile(r"Requests/sec:\s+([\d.]+)")
REFUSED = re.compile(r"Non-2xx or 3xx responses: (\d+)|Socket errors: (.*)")
LENGTH = re.compile(rb"content-length: (\d+)", re.IGNORECASE)
WRK = shutil.which("wrk")
WALK = """
local paths, place = {%s}, 0
request = function()
    place = place %% #paths + 1
    return wrk.format("GET", paths[place])
end
"""


def client_name() -> str:
    if WRK:
        return f"wrk, {CONNECTIONS} connections"
    return f"threads in Python, {CONNECTIONS} connections (wrk is not installed; what is fastest may be faster yet)"


def per_second(port: int, paths: Sequence[str], headers: Mapping[str, str], seconds: float) -> float:
    """Over keep-alive connections, path after path; any answer but 2xx and 304 is an error of the benchmark."""
    if WRK:
        return _by_wrk(WRK, port, paths, headers, seconds)
    return _by_threads(port, paths, headers, seconds)


def _by_wrk(wrk: str, port: int, paths: Sequence[str], headers: Mapping[str, str], seconds: float) -> float:
    given = [part for name, value in headers.items() for part in ("-H", f"{name}: {value}")]
    command = [wrk, "-t1", f"-c{CONNECTIONS}", f"-d{max(1, round(seconds))}s", *given]
    with NamedTemporaryFile("w", suffix=".lua") as script:
        if len(paths) > 1:
            script.write(WALK % ",".join(f"'{path}'" for path in paths))
            script.flush()
            command += ["-s", script.name]
        address = f"http://127.0.0.1:{port}{paths[0]}"
        output = subprocess.run([*command, address], check=True, capture_output=True, text=True).stdout
    found = PER_SECOND.search(output)
    if not found or REFUSED.search(output):
        raise RuntimeError(f"GET {paths[0]}:\n{output}")
    return float(found[1])


def _by_threads(port: int, paths: Sequence[str], headers: Mapping[str, str], seconds: float) -> float:
    lines = ["Host: 127.0.0.1", *(f"{name}: {value}" for name, value in headers.items())]
    rest = "\r\n".join([*lines, "", ""])
    counts: list[int] = []
    until = time.monotonic() + seconds
    next_path = cycle(paths)  # of all threads together

    def ask() -> None:
        count = 0
        with socket.create_connection(("127.0.0.1", port), timeout=30) as connection:
            while time.monotonic() < until:
                path = next(next_path)
                connection.sendall(f"GET {path} HTTP/1.1\r\n{rest}".encode())
                _read(connection, path)
                count += 1
        counts.append(count)

    threads = [threading.Thread(target=ask) for _ in range(CONNECTIONS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if len(counts) < CONNECTIONS:
        raise RuntimeError(f"GET {paths[0]}: a client failed")
    return sum(counts) / seconds


def _read(connection: socket.socket, path: str) -> None:
    answer = b""
    while b"\r\n\r\n" not in answer:
        answer += connection.recv(1 << 18)
    head, _, body = answer.partition(b"\r\n\r\n")
    if head[9:12] not in (b"200", b"304"):
        raise RuntimeError(f"GET {path}: {head!r}")
    length = LENGTH.search(head)
    missing = (int(length[1]) if length and head[9:12] != b"304" else 0) - len(body)
    while missing > 0:
        missing -= len(connection.recv(1 << 18))
