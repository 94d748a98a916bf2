"""What happens in a process with a GPU; run as ``gpu_scenes.py NAME``, the answer is JSON.

Each scene is a process of its own: a CUDA context stays until the process ends, and the stand-ins
for the driver's libraries are found only by a process that starts with their folder.
"""

import ctypes
import json
import os
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pynvml
from device_memory import Card, Engine

from pytest_ocrleak import LeakError, outcome
from pytest_ocrleak.check import Checker
from pytest_ocrleak.inventory import Amount, Items
from pytest_ocrleak.meters import METERS, cuda, gpu

MiB = 1 << 20
Scene = Callable[[], object]


def with_context() -> Card:
    """Return the device with a context that somebody made before."""
    card = Card()
    card.make_context()
    return card


def write(state: str) -> None:
    """Change what the stand-in answers."""
    Path(os.environ["STAND_IN"], "state").write_text(state, "utf8")


def reading() -> dict[str, Any]:
    """Read the meter."""
    found = METERS["gpu"].read()
    assert not isinstance(found, Items)
    if not isinstance(found, Amount):
        return {"kind": type(found).__name__, "reason": found.reason}
    return {
        "value": found.value,
        "source": found.source,
        "parts": found.parts,
        "other": found.other,
    }


def reads() -> object:
    """Read once in each state that stands in the file ``states``."""
    if os.environ.get("WITH_CONTEXT"):
        with_context()
    states = json.loads(Path(os.environ["STAND_IN"], "states").read_text("utf8"))
    answers = []
    for state in states:
        write(state)
        answers.append(reading())
    return answers


def verdict(check: Callable[[Checker], object]) -> dict[str, Any]:
    """Make a check and return what it says of the GPU, and of everything else that leaks."""
    ended: list[outcome.Check] = []
    with suppress(LeakError):
        check(Checker(record=ended.append))
    gpu = ended[0].meters["gpu"]
    return {
        "verdict": gpu.verdict,
        "per_run": gpu.per_run,
        "one_time": gpu.one_time,
        "resolution": gpu.resolution,
        "reason": gpu.reason,
        "leaks": [[leak.meter, leak.what] for leak in ended[0].leaks],
    }


def growth(card: Card, *, gives: bool, size: int = 4 * MiB) -> dict[str, Any]:
    """Take 4 MiB a run, or more, and give it back or not."""

    def run() -> None:
        Engine(card, gives=gives, size=size).free_resources()

    return verdict(lambda checks: checks.assert_no_growth(run, time_limit=6.0, track="gpu"))


def releases(card: Card, *, gives: bool) -> dict[str, Any]:
    """Judge the lives of engines that free, or only say so."""

    def make() -> Engine:
        return Engine(card, gives=gives)

    return verdict(lambda checks: checks.assert_releases(make, Engine.use, track="gpu"))


def guarded(card: Card, *, gives: bool) -> dict[str, Any]:
    """Judge one pass."""

    def check(checks: Checker) -> None:
        with checks.guard(track="gpu"):
            Engine(card, gives=gives).free_resources()

    return verdict(check)


def first_use() -> object:
    """Make the context itself inside of the check."""

    def check(checks: Checker) -> None:
        with checks.guard(track="gpu"):
            with_context()

    return verdict(check)


def lazy_context() -> object:
    """Make the context in the first of many runs."""
    card = Card()

    def run() -> None:
        card.make_context()
        Engine(card, gives=True).free_resources()

    return verdict(lambda checks: checks.assert_no_growth(run, track="gpu"))


def crowded() -> object:
    """Have another process' row grow with every run of this one."""
    with_context()
    rows = "driver 570.86.10\ndevice GPU-a 0\nrow compute GPU-a self 100\n"
    theirs = 0

    def run() -> None:
        nonlocal theirs
        theirs += 4 * MiB
        write(f"{rows}row compute GPU-a 7 {theirs}\n")

    return verdict(lambda checks: checks.assert_no_growth(run, runs=20, track="gpu"))


def joined() -> object:
    """Have another process come to the device and go, where only its total is told."""
    with_context()
    alone = "driver 570.86.10\ndevice GPU-a 900\nrow compute GPU-a self none\n"
    runs = 0

    def run() -> None:
        nonlocal runs
        runs += 1
        write(alone + "row compute GPU-a 7 none\n" * (runs == 5))

    write(alone)
    return verdict(lambda checks: checks.assert_no_growth(run, runs=10, track="gpu"))


def untouched() -> object:
    """Use no GPU at all on a machine whose devices others use."""
    return verdict(lambda checks: checks.assert_no_growth(int, track="gpu"))


def first_reading() -> object:
    """Have the first reading of all open NVML, which takes heap and descriptors for good."""
    fds = len(os.listdir("/proc/self/fd"))  # noqa: PTH208 - names alone

    def check(checks: Checker) -> None:
        with checks.guard(tolerance={"heap": "1 MB"}):
            pynvml.nvmlInit()

    said = verdict(check)
    return {**said, "opened": len(os.listdir("/proc/self/fd")) - fds}  # noqa: PTH208


def calm() -> object:
    """Measure code that does nothing, with a context, by all meters."""
    with_context()

    def check(checks: Checker) -> None:
        heap = checks.assert_no_growth(int)["heap"]
        assert heap.verdict == "clean", heap

    return verdict(check)


def second_meter() -> object:
    """Ask for the second figure with and without a context; asking makes none."""
    card = Card()
    before = [reading()["value"], cuda.in_use()]
    created = card.driver.stand_in_created()
    card.make_context()
    card.take(4 * MiB)
    current = card.driver.stand_in_current()
    after = reading()
    left = [card.driver.stand_in_current() - current, card.driver.stand_in_created() - 1]
    return {"before": before, "created": created, "after": after, "left": left}


def figures() -> object:
    """Read before, while and after 64 MiB are held; tell how late, and what a reading costs."""
    card = with_context()
    before = reading()
    memory = card.take(64 * MiB)
    during = reading()
    card.give_back(memory)
    start = time.perf_counter()
    while (after := reading()) != before and time.perf_counter() < start + 3:
        time.sleep(0.005)
    late = time.perf_counter() - start
    start = time.perf_counter()
    for _ in range(20):
        reading()
    cost = (time.perf_counter() - start) / 20
    return {"before": before, "during": during, "after": after, "late": late, "cost": cost}


def uninitialised() -> object:
    """Load the CUDA driver and use nothing of it."""
    before = reading()
    ctypes.CDLL("libcuda.so.1")
    return [before, reading()]


def forked() -> object:
    """Read in a child that was forked off after the parent had read."""
    with_context()
    answers = [reading()]
    read_end, write_end = os.pipe()
    if not (child := os.fork()):
        answers = [reading()]
        Card().make_context()  # a real driver would refuse; the stand-in lets the rows be read
        os.write(write_end, json.dumps([*answers, reading()]).encode())
        os._exit(0)
    os.waitpid(child, 0)
    return [*answers, *json.loads(os.read(read_end, 4096)), reading()]


def shut_down() -> object:
    """Have somebody shut NVML down once too often."""
    with_context()
    before = reading()
    pynvml.nvmlShutdown()
    return [before, reading()]


SCENES: dict[str, Scene] = {
    "reads": reads,
    "growth-kept": lambda: growth(with_context(), gives=False),
    "growth-freed": lambda: growth(with_context(), gives=True),
    "growth-kept-large": lambda: growth(with_context(), gives=False, size=2048 * MiB),
    "releases-kept": lambda: releases(with_context(), gives=False),
    "releases-freed": lambda: releases(with_context(), gives=True),
    "guard-kept": lambda: guarded(with_context(), gives=False),
    "guard-freed": lambda: guarded(with_context(), gives=True),
    "first-use": first_use,
    "lazy-context": lazy_context,
    "crowded": crowded,
    "joined": joined,
    "untouched": untouched,
    "first-reading": first_reading,
    "calm": calm,
    "second-meter": second_meter,
    "figures": figures,
    "uninitialised": uninitialised,
    "forked": forked,
    "shut-down": shut_down,
}

if __name__ == "__main__":
    if name := os.environ.get("NAMESPACE"):
        gpu.namespace = lambda: name  # of the PID namespace that this process is to think it is in
    print(json.dumps(SCENES[sys.argv[1]]()))  # noqa: T201 - the answer
