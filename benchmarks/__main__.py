"""`make bench`: runs the benchmarks named, or all of them, each in a database of its own."""

import argparse

from benchmarks import import_price_list

BENCHMARKS = {"import_price_list": import_price_list.main}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", help="which ones; all of them if left out")
    parser.add_argument("--goods", type=int, default=100_000, help="how many goods a list holds")
    arguments = parser.parse_args()
    for name in arguments.names or BENCHMARKS:
        BENCHMARKS[name](goods=arguments.goods)


if __name__ == "__main__":
    main()
