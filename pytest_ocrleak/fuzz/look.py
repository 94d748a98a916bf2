"""Does a sequence leak? A quick look at every one, the whole judgement of what looks suspicious."""

import time
from collections.abc import Callable, Mapping
from dataclasses import replace

from pytest_ocrleak import findings, settle
from pytest_ocrleak.check import NOISE
from pytest_ocrleak.findings import Findings
from pytest_ocrleak.limits import Limits
from pytest_ocrleak.meters import METERS
from pytest_ocrleak.pace import Clock, Pace, Show
from pytest_ocrleak.readings import Readings
from pytest_ocrleak.repeat import make, repeat, timed
from pytest_ocrleak.settle import Patience

SLOW_SECONDS = 0.01  # a run that takes longer is not repeated between two readings
ROUNDS = 3  # further readings of what has grown, each of which must show it again
MANY = 32  # runs between two of them: 64 bytes each are more than glibc may hand out unseen
JUDGED = 10.0  # seconds that a judgement may take, as those of `assert_no_growth` do

Run = Callable[[], object]


def quick(limits: Limits) -> Limits:
    """Return the limits of a quick look: resident memory takes more runs to say anything."""
    return replace(limits, track=tuple(m.name for m in limits.meters if m.name != "rss"))


def growing(run: Run, limits: Limits, clock: Clock = time.perf_counter) -> frozenset[str]:
    """Return the meters that grow with each of a few readings, for most sequences after one or two.

    What comes once (a first use, a cache that has the key by now) does not grow again; a thread
    that is just ending is gone at the next reading, in whose place another may be.
    """
    with settle.frozen():
        readings = Readings(limits, warm=True)
        look(run, readings, clock)
    return frozenset(name for name in risen(readings, 1) if worth(readings, name))


def look(run: Run, readings: Readings, clock: Clock) -> None:
    """Take readings between runs for as long as any meter rises with each of them."""
    seconds = timed(run, 1, clock)
    readings.add(1, Patience(0.0))
    single = bool(readings.lingers) or seconds > SLOW_SECONDS
    if single and not risen(readings, 0):
        return
    size = 1 if single else max(1, min(MANY, int(SLOW_SECONDS / max(seconds, 1e-9))))
    for _ in range(ROUNDS):
        make(run, size)
        readings.add(readings.runs + size, Patience(0.0))
        if not risen(readings, 1):
            return


def risen(readings: Readings, first: int) -> list[str]:
    """Return the meters that rose with each reading from one on."""
    steps = {meter.name: readings.series(meter.name).steps for meter in readings.limits.meters}
    later = {name: each[first:] for name, each in steps.items()}
    return [name for name, each in later.items() if each and min(each) > 0]


def worth(readings: Readings, name: str) -> bool:
    """Tell whether a rise since the first reading may be more than what is accepted or unseen."""
    series = readings.series(name)
    runs, rise = series.runs[-1] - series.runs[1], series.values[-1] - series.values[1]
    accepted = readings.limits.tolerance.get(name, 0.0) + readings.limits.floor.get(name, 0.0)
    return rise > max(METERS[name].scale.hidden, accepted * runs / 2)


def judged(
    run: Run, limits: Limits, seconds: float, clock: Clock, show: Show | None = None
) -> Findings:
    """Judge a sequence as `assert_no_growth` judges code.

    Where its runs are slow and few there is the noise floor of `assert_releases`.
    """
    if timed(run, 1, clock) > SLOW_SECONDS:
        limits = limits.for_lives(NOISE, None)
    pace = Pace(time_limit=max(1e-3, min(JUDGED, seconds)), show=show)
    return findings.repeated(repeat(run, limits, pace, clock))


def leaking(found: Findings) -> Mapping[str, float]:
    """Return by meter what leaks."""
    return {leak.meter: leak.per_run for leak in found.leaks}
