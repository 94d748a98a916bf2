"""Runs suites, each in a fresh process, all ways taking turns."""

import os
import re
import resource
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

from .suites import PLACE, write
from .ways import WAYS, Way

LIMIT = 900.0  # seconds for a process
FEW, ROUNDS, ROUNDS_OF_MANY = 1000, 31, 9  # rounds up to so many tests, and above
PEER_ROUNDS, PEER_ROUNDS_OF_MANY = 5, 1  # of other plugins, which nothing is judged by
SLOW = 5.0  # times the base's seconds, from which on a way runs once alone
TRIAL = 3  # tests of the suite that shows whether a way runs at all
SMALL, LARGE = 5000, 20_000  # tests between which memory is compared
MEMORY_ROUNDS = 3
WEIGHED = ("none", "ocrleak")  # the ways of which it is


@dataclass(frozen=True, slots=True)
class Run:
    """One process: its wall time and CPU time in seconds; ``error`` where not all tests passed."""

    way: str
    tests: int
    round: int
    seconds: float
    cpu: float
    error: str = ""


@dataclass(frozen=True, slots=True)
class Weight:
    """The resident bytes of one process: most, and those at the end of its session."""

    way: str
    tests: int
    round: int
    peak: int
    end: int


@dataclass(frozen=True, slots=True)
class Bench:
    """Where suites are written, and the interpreter that runs them."""

    folder: Path
    python: Path

    def run(self, way: Way, tests: int, number: int = 0, suite: str = "") -> Run:
        """Run a suite in a way, in the given round."""
        home = write(self.folder, suite or way.suite, tests)
        command = [str(self.python), "-m", "pytest", "-p", "no:cacheprovider", "-q", *way.arguments]
        cpu, start = children_cpu(), time.perf_counter()
        try:
            error = failure(output(command, home, environment(self.folder)), tests)
        except subprocess.TimeoutExpired:
            error = f"it had not ended after {LIMIT:.0f} s"
        seconds, cpu = time.perf_counter() - start, children_cpu() - cpu
        return Run(way.name, tests, number, seconds, cpu, error)

    def weigh(self, way: Way, tests: int, number: int) -> Weight:
        """Run a suite in a way and return what its process held.

        Raises
        ------
        RuntimeError
            Not all tests passed.

        """
        if error := self.run(way, tests, number, "weighed").error:
            raise RuntimeError(f"{way.told} with {tests} tests: {error}")
        told = (self.folder / "memory").read_text(encoding="utf-8")
        sizes = {name: int(size) * 1024 for name, size in re.findall(r"(\w+):\s*(\d+)", told)}
        return Weight(way.name, tests, number, sizes["VmHWM"], sizes["VmRSS"])


def output(command: Sequence[str], folder: Path, variables: Mapping[str, str]) -> str:
    """Run a command in a folder, and return what it says."""
    done = subprocess.run(
        command,
        cwd=folder,
        env=variables,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=LIMIT,
        check=False,
    )
    return done.stdout


def children_cpu() -> float:
    """Return the CPU seconds of the children that were waited for, and of theirs."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def environment(folder: Path) -> dict[str, str]:
    """Return an environment in which pytest loads no plugin but those it is told to."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("PYTEST", "PYTHON"))
    }
    return {**kept, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", PLACE: str(folder / "memory")}


def failure(told: str, tests: int) -> str:
    """Return what went wrong by pytest's output, nothing where all tests passed."""
    if re.search(rf"(?m)^=*\s*{tests} passed", told):
        return ""
    lines = [line for line in told.splitlines() if line.strip()]
    errors = [line for line in lines if re.match(r"(E  |ERROR|\w+Error|pytest: error)", line)]
    return " ".join((errors or lines or ["nothing was said"])[-1].split())


def trials(bench: Bench, ways: Iterable[Way]) -> dict[str, str]:
    """Return the ways that do not run, with the reasons; the first run also compiles modules."""
    found = {way.name: bench.run(way, TRIAL).error for way in ways}
    return {name: error for name, error in found.items() if error}


def timed(
    bench: Bench, ways: Sequence[Way], sizes: Iterable[int], rounds: int | None
) -> Iterator[Run]:
    """Run suites of each size, round by round; in each round every way takes its turn.

    Each round begins with another way. Peers take their turns in the first rounds, and a way that
    is slow in the first round of the smallest size alone.
    """
    slow: set[str] = set()
    for tests in sorted(sizes):
        for suite in {way.suite: way for way in ways}.values():
            bench.run(Way("", "", ("--collect-only",), suite.suite), tests)  # compiles it
        for number in range(rounds or rounds_of(tests)):
            runs = []
            for way in turned(ways, number):
                over = way.peer and number >= rounds_of(tests, peer=True)
                if way.name not in slow and not over:
                    runs.append(bench.run(way, tests, number))
                    yield runs[-1]
            slow |= too_slow(runs)


def rounds_of(tests: int, *, peer: bool = False) -> int:
    """Return how often a suite of so many tests is run, fewer times with another plugin."""
    few, many = (PEER_ROUNDS, PEER_ROUNDS_OF_MANY) if peer else (ROUNDS, ROUNDS_OF_MANY)
    return few if tests <= FEW else many


def turned(ways: Sequence[Way], number: int) -> Iterator[Way]:
    """Return the ways in turn, beginning with another one in each round."""
    first = number % len(ways)
    return chain(ways[first:], ways[:first])


def too_slow(runs: Iterable[Run]) -> set[str]:
    """Return the ways that took many times as long as those they are compared with."""
    seconds: Mapping[str, float] = {run.way: run.seconds for run in runs}
    return {
        name
        for name, taken in seconds.items()
        if taken > SLOW * seconds.get(WAYS[name].base, taken)
    }


def weighed(bench: Bench) -> Iterator[Weight]:
    """Weigh the processes of a small and a large suite, with and without the plugin, in turns."""
    for number in range(MEMORY_ROUNDS):
        for tests in (SMALL, LARGE):
            for name in WEIGHED:
                yield bench.weigh(WAYS[name], tests, number)


def tell(each: Run | Weight) -> None:
    """Show how far the benchmark is."""
    told = (
        f"{each.seconds:.2f} s, CPU {each.cpu:.2f} s {each.error}"
        if isinstance(each, Run)
        else f"{each.peak / 1e6:.1f} MB at most, {each.end / 1e6:.1f} MB at the end"
    )
    print(
        f"round {each.round + 1}: {each.tests} tests, {each.way}: {told}",
        file=sys.stderr,
        flush=True,
    )
