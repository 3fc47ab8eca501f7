"""Latencies of many requests, and what the machine was on which they were measured."""

import os
import platform
import statistics
import sys
from collections.abc import Sequence
from pathlib import Path

import psycopg
from rich.console import Console


def terminal() -> Console:
    """Wide enough for a table where the output goes to a file."""
    return Console(width=None if sys.stdout.isatty() else 120, highlight=False)


def percentile(seconds: Sequence[float], percent: float) -> float:
    """The nearest-rank percentile, in milliseconds."""
    ordered = sorted(seconds)
    return ordered[min(len(ordered) - 1, int(len(ordered) * percent / 100))] * 1000


def milliseconds(seconds: Sequence[float]) -> tuple[str, ...]:
    """p50, p95, p99 and the slowest, for a table."""
    return tuple(f"{percentile(seconds, percent):,.1f}" for percent in (50, 95, 99, 100))


def median_ms(seconds: Sequence[float]) -> float:
    return statistics.median(seconds) * 1000


def machine(database: str) -> str:
    """One line to be printed beside the figures."""
    with psycopg.connect(database) as connection:
        server = connection.info.server_version
        states = [connection.execute(f"SHOW {name}").fetchone() for name in ("fsync", "synchronous_commit")]
    durable = "fsync on" if states == [("on",), ("on",)] else "NOT DURABLE (fsync or synchronous_commit off)"
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    load = ", ".join(f"{each:.1f}" for each in os.getloadavg())
    return (
        f"{_processor()}, {cores} cores, load before {load} · {platform.system()} · Python {platform.python_version()}"
        f" · PostgreSQL {server // 10000}.{server % 10000}, {durable}. Clients, web, workers and database share these"
        " cores, perhaps with others: absolute figures vary from run to run, ratios within one run count."
    )


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.machine())
