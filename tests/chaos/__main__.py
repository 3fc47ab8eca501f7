"""`make chaos`: the scenarios at full length, with a report.

make chaos ARGS="--orders 300 --kills 60 --seed 7 kill_at_random"
"""

import argparse
import random
import sys
import time
from collections.abc import Callable

from rich.console import Console
from rich.table import Table

from benchmarks.timing import percentile
from tests.chaos import scenarios
from tests.chaos.stage import PROCESSES, Stage, set_stage

Scenario = Callable[[Stage, argparse.Namespace], None]

SCENARIOS: dict[str, Scenario] = {
    "kill_at_random": lambda stage, a: scenarios.kill_at_random(stage, orders=a.orders, kills=a.kills, seed=a.seed),
    "take_the_broker_away": lambda stage, a: scenarios.take_the_broker_away(stage, orders=a.orders),
    "wipe_the_broker": lambda stage, a: scenarios.wipe_the_broker(stage, orders=a.orders, times=a.kills),
    "trouble_the_mail": lambda stage, a: scenarios.trouble_the_mail(stage, orders=max(a.orders // 10, 1)),
    "stop_the_worker_gently": lambda stage, a: scenarios.stop_the_worker_gently(stage, orders=a.orders),
}


def main() -> int:
    arguments = _arguments()
    console = Console(width=None if sys.stdout.isatty() else 120, highlight=False)
    console.print(f"{arguments.orders} orders, {arguments.kills} kills, seed {arguments.seed}")
    report = Table("scenario", "orders", "killed", "mails", "repeated", "p50 ms", "max ms", "seconds", "what is wrong")
    amiss = False
    for name in arguments.scenarios or SCENARIOS:
        console.print(f"{name} …")
        with set_stage(*PROCESSES) as stage:
            started = time.monotonic()
            wrong = _play(name, stage, arguments)
            report.add_row(*_row(name, stage, time.monotonic() - started, wrong))
            amiss = amiss or wrong != "nothing"
    console.print(report)
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
    return "; ".join([*parked, *(f"{what}: {which}" for what, which in stage.faults().items())]) or "nothing"


def _row(name: str, stage: Stage, seconds: float, wrong: str) -> tuple[str, ...]:
    deliveries = stage.deliveries()
    killed = ", ".join(f"{victim} {times}" for victim, times in stage.kills.items())
    repeated = str(deliveries.total() - len(deliveries))
    latencies = [f"{percentile(stage.seconds, percent):,.0f}" if stage.seconds else "" for percent in (50, 100)]
    orders = str(len(stage.references))
    return (name, orders, killed, str(deliveries.total()), repeated, *latencies, f"{seconds:.0f}", wrong)


if __name__ == "__main__":
    sys.exit(main())
