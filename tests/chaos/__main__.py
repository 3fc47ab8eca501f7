"""`make chaos`: the scenarios at full length, with a report on each as soon as it is over.

make chaos ARGS="--orders 300 --kills 60 --seed 7 kill_at_random"
"""

import argparse
import random
import sys
import time
from collections import Counter
from collections.abc import Callable

from rich.console import Console
from rich.table import Table

from benchmarks.timing import percentile
from tests.chaos import scenarios
from tests.chaos.stage import PROCESSES, Stage, set_stage

NOTHING = "nothing"
Scenario = Callable[[Stage, argparse.Namespace], None]

SCENARIOS: dict[str, Scenario] = {
    "kill_at_random": lambda stage, a: scenarios.kill_at_random(stage, orders=a.orders, kills=a.kills, seed=a.seed),
    "take_the_broker_away": lambda stage, a: scenarios.take_the_broker_away(stage, orders=a.orders),
    "wipe_the_broker": lambda stage, a: scenarios.wipe_the_broker(stage, orders=a.orders, times=a.kills),
    "trouble_the_mail": lambda stage, a: scenarios.trouble_the_mail(stage, orders=max(a.orders // 10, 1)),
    "stop_the_worker_gently": lambda stage, a: scenarios.stop_the_worker_gently(stage, orders=a.orders),
}


def main() -> int:
    """Whoever stops a long run (Ctrl-C, SIGTERM) has the reports so far, and one on the scenario under way."""
    arguments = _arguments()
    console = Console(width=None if sys.stdout.isatty() else 120, highlight=False)
    console.print(f"{arguments.orders} orders, {arguments.kills} kills, seed {arguments.seed}")
    amiss = []
    for name in arguments.scenarios or SCENARIOS:
        with set_stage(*PROCESSES) as stage:
            started, wrong = time.monotonic(), "stopped before its end"
            try:
                wrong = _play(name, stage, arguments)
            finally:
                console.print(_report(name, stage, time.monotonic() - started, wrong))
        if wrong != NOTHING:
            amiss.append(name)
    console.print(f"Something is wrong after: {', '.join(amiss)}" if amiss else "Nothing is wrong.")
    return 1 if amiss else 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make chaos", description=__doc__)
    parser.add_argument("scenarios", nargs="*", help=f"which ones: {', '.join(SCENARIOS)}; all if left out")
    parser.add_argument("--orders", type=int, default=300)
    parser.add_argument("--kills", type=int, default=30)
    parser.add_argument("--seed", type=int, default=random.randrange(10_000), help="of what is killed when")
    arguments = parser.parse_args()
    if unknown := set(arguments.scenarios) - SCENARIOS.keys():
        parser.error(f"unknown: {', '.join(sorted(unknown))}")
    return arguments


def _play(name: str, stage: Stage, arguments: argparse.Namespace) -> str:
    try:
        SCENARIOS[name](stage, arguments)
    except AssertionError as error:  # goes into the report; the other scenarios are still to be played
        return str(error)
    parked = [f"parked for {to}: {why}" for to, why in stage.parked() if to != scenarios.REFUSED_FOR_GOOD]
    return "; ".join([*parked, *(f"{what}: {which}" for what, which in stage.faults().items())]) or NOTHING


def _report(name: str, stage: Stage, seconds: float, wrong: str) -> Table:
    deliveries = stage.deliveries()
    p50, p95, slowest = (f"{percentile(stage.seconds, at):,.0f}" if stage.seconds else "" for at in (50, 95, 100))
    found = {
        "orders acknowledged": len(stage.references),
        "killed": _counted(stage.kills),
        "ended by itself": _counted(stage.ended),
        "mails": f"{len(deliveries)}, repeated {deliveries.total() - len(deliveries)}",
        "POST orders, ms": f"p50 {p50}, p95 {p95}, slowest {slowest}",
        "last mail after last order, s": "never" if stage.settled_after is None else f"{stage.settled_after:.0f}",
        "seconds": f"{seconds:.0f}",
        "wrong": wrong,
    }
    report = Table(title=name, title_justify="left", show_header=False)
    for what, value in found.items():
        report.add_row(what, str(value))
    return report


def _counted(names: Counter[str]) -> str:
    return ", ".join(f"{name} {times}" for name, times in names.items()) or NOTHING


if __name__ == "__main__":
    sys.exit(main())
