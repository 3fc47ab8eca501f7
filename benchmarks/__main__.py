"""`make bench`: runs the benchmarks named, or all of them, each in a database of its own."""

import argparse
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import make_url

from benchmarks import catalog, desk, import_price_list, large_list, orders, outbox, replay_orders
from benchmarks.summary import report
from benchmarks.timing import machine, terminal
from dev import embedded

BENCHMARKS: dict[str, Callable[[Any], None]] = {
    "import_price_list": lambda arguments: import_price_list.main(goods=arguments.goods, only=arguments.only),
    "large_list": lambda _: large_list.main([]),
    "catalog": lambda _: catalog.main(),
    "orders": lambda _: orders.main([]),
    "desk": lambda _: desk.main(),
    "outbox": lambda _: outbox.main([]),
    "replay_orders": lambda _: replay_orders.main([]),
}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", help="which ones; all of them if left out")
    parser.add_argument("--write", action="store_true", help="keep the table at the end in docs/benchmarks.md")
    parser.add_argument("--goods", type=int, default=100_000, help="how many goods a list holds")
    parser.add_argument(
        "--only",
        nargs="+",
        default=[],
        choices=[*import_price_list.FORMATS, import_price_list.READS],
        help="which parts of import_price_list; all of them if left out",
    )
    arguments = parser.parse_args()
    names = arguments.names or list(BENCHMARKS)
    with _servers():
        where = machine(_plain(os.environ["TEST_DATABASE_URL"]))
        done: list[str] = []
        try:
            for name in names:
                print(f"\n== {name}", flush=True)
                BENCHMARKS[name](arguments)
                done.append(name)
        finally:  # whoever stops a long run keeps what it has found
            report(terminal(), machine=where, names=done, write=arguments.write)


@contextmanager
def _servers() -> Iterator[None]:
    """Those of TEST_DATABASE_URL and TEST_REDIS_URL, else embedded ones for the length of the run."""
    if "TEST_DATABASE_URL" in os.environ and "TEST_REDIS_URL" in os.environ:
        yield
        return
    with tempfile.TemporaryDirectory() as folder:
        servers = embedded.start(Path(folder), durable=True)
        os.environ |= {"TEST_DATABASE_URL": servers.database_url, "TEST_REDIS_URL": servers.redis_url}
        try:
            yield
        finally:
            embedded.remove(Path(folder))


def _plain(url: str) -> str:
    """The address as the driver wants it."""
    return make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)


if __name__ == "__main__":
    main()
