"""Running code again and again, in batches, until every meter shows whether it grows."""

import errno
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from pytest_ocrleak import settle
from pytest_ocrleak.growth import STEADY
from pytest_ocrleak.limits import Limits
from pytest_ocrleak.pace import Clock, Pace, called
from pytest_ocrleak.readings import Readings

BATCH_SECONDS = 0.01
PATIENCE = 0.1  # seconds a batch's things get to close; the last reading waits for longer
Run = Callable[[], object]


def repeat(run: Run, limits: Limits, pace: Pace, clock: Clock = time.perf_counter) -> Readings:
    """Run the warm-up, then batch after batch; return the readings after each of them.

    The number of runs is as asked for; with ``"auto"`` it ends as soon as every meter is decided,
    or with the time limit. It ends early, too, when so much has grown that going on would harm.
    """
    settle.settle()
    readings = Readings(limits, warm=pace.first == 0)
    start, patience = clock(), settle.Patience(PATIENCE, least=PATIENCE / 16)
    if pace.first:
        read_after(run, pace.first, readings, patience)
    for size in batches(run, readings, pace, clock):
        read_after(run, size, readings, patience)
        if pace.over(readings, clock() - start):
            break
    if readings.lingers:
        readings.retake(settle.Patience())
    return readings


def batches(run: Run, readings: Readings, pace: Pace, clock: Clock) -> Iterator[int]:
    """Return the sizes of the batches: the runs asked for in equal parts, or ever more."""
    if pace.runs != "auto":
        return fixed(pace.runs)
    return growing(*calibrate(run, readings, clock))


def calibrate(run: Run, readings: Readings, clock: Clock) -> tuple[int, float]:
    """Make runs until it is known how many of them fill a batch's time.

    Return that number, and the seconds of a run.

    They belong to the warm-up: code that is faster than a reading must not be judged by single
    runs. Code that leaves things behind begins with small batches, or it would use up all
    descriptors.
    """
    done, size, held = readings.runs, 1, readings.lingering_now()
    while True:
        seconds = timed(run, size, clock)
        done += size
        if seconds > BATCH_SECONDS or readings.lingering_now() > held or readings.takes_memory:
            break
        size = min(10 * size, int(size * BATCH_SECONDS / max(seconds, 1e-9)) + 1)
    readings.warmed(done)
    return size, seconds / size


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
        if error.errno in (errno.EMFILE, errno.ENFILE) and (count := readings.lingering_now()):
            error.add_note(f"ocrleak: {count:g} things have stayed since the check began")
        raise


def fixed(runs: int) -> Iterator[int]:
    """Split a number of runs into as many batches as a verdict takes, or fewer."""
    batches = max(1, min(runs, 2 * STEADY))
    for index in range(batches):
        yield runs // batches + (index < runs % batches)


def growing(size: int, seconds: float) -> Iterator[int]:
    """Return batches that grow by half every third, which dilutes noise; slow runs stay single."""
    exact = float(size)
    while True:
        for _ in range(3):
            yield int(exact)
        exact *= 1.5 if seconds < BATCH_SECONDS else 1.0
