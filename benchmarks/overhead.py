"""Measure what pytest-ocrleak costs a suite whose tests do nothing, beside its peers.

The peers are installed into an environment of their own, which is kept in the cache folder:

python benchmarks/overhead.py > docs/overhead-benchmark.md
"""

import argparse
import json
import os
import platform
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from pathlib import Path

from overhead_bench import environment
from overhead_bench.report import Results, markdown
from overhead_bench.run import (
    FEW,
    ROUNDS,
    ROUNDS_OF_MANY,
    Bench,
    Run,
    Weight,
    tell,
    timed,
    trials,
    weighed,
)
from overhead_bench.ways import MEMORY, WAYS, chosen, unknown

SIZES = (1000, 10_000)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the benchmark and print its page; return 0, or 2 when something wrong was asked for."""
    options = _parser().parse_args(arguments)
    if wrong := unknown(options.only):
        names = ", ".join((*WAYS, MEMORY))
        print(f"nothing is called {' or '.join(wrong)}; there are {names}", file=sys.stderr)
        return 2
    try:
        keep = _keeper(options.json)
        python = environment.python()
    except (OSError, environment.NotMadeError) as error:
        print(error, file=sys.stderr)
        return 2
    about = _about(environment.versions(python))
    with tempfile.TemporaryDirectory() as folder:
        found = measure(Bench(Path(folder), python), options, keep)
    print(markdown(about, found), end="")
    return 0


def measure(
    bench: Bench, options: argparse.Namespace, keep: Callable[[Run | Weight], None]
) -> Results:
    """Run what was asked for, and tell and keep each number as it comes."""
    ways = chosen(options.only)
    broken = trials(bench, ways)
    sound = [way for way in ways if way.name not in broken]
    runs: list[Run] = []
    for run in timed(bench, sound, options.tests, options.rounds) if sound else ():
        keep(run)
        runs.append(run)
    weights: list[Weight] = []
    if any(fnmatchcase(MEMORY, pattern) for pattern in options.only):
        weights = weigh(bench, keep)
    return Results(ways, broken, runs, weights)


def weigh(bench: Bench, keep: Callable[[Run | Weight], None]) -> list[Weight]:
    """Return what processes held, nothing where one failed: the times are worth their page."""
    weights = []
    try:
        for weight in weighed(bench):
            keep(weight)
            weights.append(weight)
    except RuntimeError as error:
        print(f"no memory is told: {error}", file=sys.stderr)
        return []
    return weights


def _keeper(file: Path | None) -> Callable[[Run | Weight], None]:
    """Return what tells a number, and adds it to a file where one was given."""
    if file:
        file.open("a", encoding="utf-8").close()  # one that cannot be written is told now

    def keep(each: Run | Weight) -> None:
        tell(each)
        if file:
            with file.open("a", encoding="utf-8") as lines:
                print(json.dumps(asdict(each)), file=lines)

    return keep


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument(
        "--rounds",
        type=_number,
        metavar="N",
        help="times that each way, peers aside, takes its turn "
        f"(default: {ROUNDS} with up to {FEW} tests, {ROUNDS_OF_MANY} with more)",
    )
    parser.add_argument(
        "--tests",
        nargs="+",
        type=_number,
        default=list(SIZES),
        metavar="N",
        help=f"tests in a suite (default: {' '.join(map(str, SIZES))})",
    )
    parser.add_argument(
        "--only",
        nargs="+",
        default=["*"],
        metavar="NAME",
        help=f"what to measure, wildcards allowed: {', '.join((*WAYS, MEMORY))}",
    )
    parser.add_argument(
        "--json", type=Path, metavar="FILE", help="add every number to a file, a line each"
    )
    return parser


def _number(text: str) -> int:
    """Return a whole number from 1 on."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"a whole number from 1 on is wanted, not {text!r}")
    return int(text)


def _about(versions: dict[str, str]) -> dict[str, str]:
    """Return what the numbers were measured on."""
    return {
        "Date": f"{datetime.now(UTC):%Y-%m-%d}",
        "Machine": f"{platform.system()} {platform.machine()}, {os.cpu_count()} CPUs, "
        f"load {os.getloadavg()[0]:.1f} at the start",
        "Python": platform.python_version(),
        "Packages": ", ".join(f"{name} {version}" for name, version in versions.items()),
        "Commit": environment.commit(),
    }


if __name__ == "__main__":
    sys.exit(main())
