"""Running code again and again, in batches, until every meter shows whether it grows."""

import errno
import itertools
import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import NamedTuple

from pytest_ocrleak import settle
from pytest_ocrleak.causes import origins
from pytest_ocrleak.limits import Limits
from pytest_ocrleak.pace import Clock, Pace, called
from pytest_ocrleak.readings import Readings
from pytest_ocrleak.series import BLOCKS

BATCH_SECONDS = 0.0005  # less than a reading takes
LEAST = 26  # runs of a batch, where they are neither slow nor leave things: four make 128 runs
FURTHER = 100  # times the runs, at most, by which it is found out how many fill a batch
SLOW_SECONDS = 0.01  # a run that takes longer stays single
GENTLE = 1.5 ** (1 / 3)  # growth from batch to batch
STEEP = 1.5  # the same where things linger: each reading waits for them to close
GOLDEN = (5**0.5 - 1) / 2
PATIENCE = 0.1  # seconds a batch's things get to close; the last reading waits for longer
Run = Callable[[], object]


class Batch(NamedTuple):
    """The runs of a first batch, and by how much the next ones grow."""

    size: int
    growth: float


def repeat(run: Run, limits: Limits, pace: Pace, clock: Clock = time.perf_counter) -> Readings:
    """Run the warm-up, then batch after batch; return the readings after each of them.

    The number of runs is as asked for; with ``"auto"`` it ends as soon as every meter is decided,
    or with the time limit. It ends early, too, when so much has grown that going on would harm.
    """
    with settle.frozen(), origins.noted(wanted=limits.origins):
        readings = Readings(limits, warm=pace.first == 0)
        start, patience = clock(), settle.Patience(PATIENCE, least=PATIENCE / 16)
        if pace.first:
            read_after(run, pace.first, readings, patience)
        for size in batches(run, readings, pace, clock):
            read_after(run, size, readings, patience)
            pace.told(readings, clock() - start)
            if pace.over(readings, clock() - start):
                break
        if readings.lingers:
            readings.retake(settle.Patience())
    return readings


def batches(run: Run, readings: Readings, pace: Pace, clock: Clock) -> Iterator[int]:
    """Return the sizes of the batches: the runs asked for in equal parts, or ever more."""
    if pace.runs != "auto":
        return fixed(pace.runs)
    return growing(calibrate(run, readings, clock))


def calibrate(run: Run, readings: Readings, clock: Clock) -> Batch:
    """Make runs until it is known how many of them fill a batch's time.

    They belong to the warm-up: code that is faster than a reading must not be judged by single
    runs. Code that leaves things behind begins with small batches, or it would use up all
    descriptors.
    """
    done, size, came = readings.runs, 1, readings.came
    while True:
        seconds = timed(run, size, clock)
        done += size
        leaves, fills = readings.came_now() > came, readings.takes_memory
        if seconds > BATCH_SECONDS or leaves or fills:
            break
        size = more(size, seconds)
    readings.warmed(done)
    if leaves:
        return Batch(1, STEEP if seconds < size * SLOW_SECONDS else 1.0)
    if fills:
        return Batch(1, 1.0)  # a device is soon full
    return batch(seconds / size)


def more(size: int, seconds: float) -> int:
    """Return the runs to make after some that took less than a batch's time: twice what fills it.

    It is a hundred times as many at most: what leaves a thing now and then must be seen before it
    has used up all descriptors.
    """
    return size * min(FURTHER, math.ceil(2 * BATCH_SECONDS / max(seconds, 1e-9)))


def batch(seconds: float) -> Batch:
    """Return the first batch of runs that take so long each."""
    if seconds >= SLOW_SECONDS:
        return Batch(1, 1.0)
    return Batch(max(LEAST, int(BATCH_SECONDS / max(seconds, 1e-9))), GENTLE)


def make(run: Run, runs: int) -> None:
    """Make some runs, dropping what they return."""
    if runs:
        called(run)
    for _ in range(runs - 1):
        run()


def timed(run: Run, runs: int, clock: Clock) -> float:
    """Make some runs and return the seconds they took."""
    start = clock()
    make(run, runs)
    return clock() - start


def read_after(run: Run, runs: int, readings: Readings, patience: settle.Patience) -> None:
    """Make a batch of runs and take a reading once nothing more is closing."""
    with told(readings):
        make(run, runs)
    readings.add(readings.runs + runs, patience)


@contextmanager
def told(readings: Readings) -> Iterator[None]:
    """Add to an error for want of descriptors how much has been left behind by then."""
    try:
        yield
    except OSError as error:
        if error.errno in (errno.EMFILE, errno.ENFILE) and (count := readings.came_now()) > 0:
            error.add_note(f"ocrleak: {count:g} things have stayed since the check began")
        raise


def fixed(runs: int) -> Iterator[int]:
    """Split a number of runs into as many batches as a verdict takes, or fewer."""
    batches = max(1, min(runs, 2 * BLOCKS))
    for index in range(batches):
        yield runs // batches + (index < runs % batches)


def growing(first: Batch) -> Iterator[int]:
    """Return batches that grow, which dilutes noise.

    Their lengths vary by a quarter either way, in steps of the golden ratio, so that what comes
    and goes with a period of its own (a pool, a collector) does not keep step with the readings.
    """
    for index in itertools.count():
        varied = 0.75 + 0.5 * (GOLDEN * index % 1.0)
        yield max(1, round(first.size * first.growth**index * varied))
