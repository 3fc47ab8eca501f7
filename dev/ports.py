"""Which TCP ports of this machine are free."""

import socket
from collections.abc import Collection


def is_free(host: str, port: int) -> bool:
    """Whether a server could listen there now. Port 0 means no port and is not free."""
    if not port:
        return False
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as attempt:
        # As the servers do: connections that are still closing do not keep a port busy.
        attempt.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            attempt.bind((host, port))
            attempt.listen(1)
        except OSError:
            return False
    return True


def free_port(preferred: int = 0, *, besides: Collection[int] = ()) -> int:
    """The preferred port of 127.0.0.1 when it is free, else any free one; never one of those `besides`."""
    if preferred not in besides and is_free("127.0.0.1", preferred):
        return preferred
    while True:
        with socket.socket() as attempt:
            attempt.bind(("127.0.0.1", 0))
            port: int = attempt.getsockname()[1]
        if port not in besides:
            return port
