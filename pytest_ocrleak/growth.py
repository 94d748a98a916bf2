"""From a series of readings to a verdict: pure numbers, no clock, no operating system.

A reading is taken after a batch of runs. The slope over the readings is growth per run, estimated
with Theil-Sen (the median slope of all pairs, which single spikes do not move), and its interval
comes from Kendall's distribution of the pairs (Sen, 1968). The older half of a long series is
left out, so that what happened once at the start (imports, caches that filled) is reported apart,
as the one-time residue. The method is described in docs/verdict.md.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations, pairwise
from statistics import median
from typing import Literal, NamedTuple

Verdict = Literal["clean", "leak", "inconclusive", "unavailable", "unjudged"]

WINDOW = 6  # steps that a verdict takes
STEADY = 12  # steps that a leak takes whose steps are not all alike
FEW = 3  # steps that prove a leak when no more can come and all are alike
ACQUITTED = 64, 0.1  # runs, or share of the time, before anything is called clean
CONVICTED = 128, 0.3  # runs, or share of the time, before anything is called a leak: pools fill
SUBSTANCE = 1024  # bytes in all, below which a few rising steps prove nothing
Z99 = 2.576  # two-sided 99 % of the normal distribution
MANY = 2  # rises that are more than something made once
QUIET = 3  # times the longest pause between rises that a count stays quiet when it has stopped
COARSE = 4  # times what the meter can show, above which a clean verdict waits to become finer
FADED = 0.75  # newer growth below this share of the older: a cache that fills, not a leak


@dataclass(frozen=True, slots=True)
class Growth:
    """What one meter did while the code ran again and again.

    ``per_run``, its interval ``low`` to ``high``, and ``resolution`` are in bytes or things per
    run; ``one_time`` is what the first runs left for good; ``series`` is the change from reading
    to reading. ``reason`` says why a verdict is not `clean` or `leak`: readings may contradict each
    other, the meter cannot be read here, or one pass cannot judge it. ``parts`` tells of resident
    memory what its change over the whole check is made of, in bytes.
    """

    verdict: Verdict
    per_run: float = 0.0
    low: float = 0.0
    high: float = 0.0
    resolution: float = 0.0
    one_time: float = 0.0
    runs: int = 0
    series: tuple[float, ...] = ()
    unit: str = "B"
    reason: str = ""
    parts: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Scale:
    """What the readings of a meter can show.

    ``exact`` readings count things or their bytes, without noise. ``quantum`` is the smallest
    change, ``hidden`` how much can be taken before the first change shows (glibc hands out blocks
    that a thread keeps in store), ``floor`` the growth per run below which noise is expected.
    """

    unit: str = "B"
    exact: bool = False
    quantum: float = 1.0
    hidden: float = 0.0
    floor: float = 0.0


@dataclass(frozen=True, slots=True)
class Series:
    """Readings of one meter: ``values[i]`` was read after ``runs[i]`` runs; ``runs[0]`` is 0.

    The first step is a warm-up unless ``warm``.
    """

    runs: Sequence[int]
    values: Sequence[float]
    scale: Scale = field(default_factory=Scale)
    warm: bool = False

    @property
    def steps(self) -> tuple[float, ...]:
        """The change from reading to reading."""
        return tuple(b - a for a, b in pairwise(self.values))

    @property
    def rates(self) -> tuple[float, ...]:
        """The change per run from reading to reading."""
        lengths = (b - a for a, b in pairwise(self.runs))
        return tuple(step / length for step, length in zip(self.steps, lengths, strict=True))

    def since(self, start: int) -> "Series":
        """Return the series from a reading on, all of it to be judged."""
        return Series(self.runs[start:], self.values[start:], self.scale, warm=True)

    @property
    def halves(self) -> tuple[float, float]:
        """Growth per run over the older and over the newer half."""
        middle = len(self.values) // 2
        return slope(self, 0, middle + 1), slope(self, middle, len(self.values))


class Slope(NamedTuple):
    """Growth per run, its interval, and the smallest growth that would have been caught."""

    per_run: float
    low: float
    high: float
    resolution: float


def judge(series: Series, tolerance: float | None = None, spent: float = 1.0) -> Growth | None:
    """Return the verdict on a series, or ``None`` while more runs would help.

    Parameters
    ----------
    series
        The readings so far.
    tolerance
        Growth per run that is accepted; ``None`` or 0 asks whether there is any at all.
    spent
        Share of the time that has passed. From 1 on no more runs will come, and what is still
        open is `inconclusive`.

    """
    start = tail_start(len(series.steps), warm=series.warm)
    tail = series.since(start)
    if len(tail.steps) < WINDOW and spent < CONVICTED[1]:
        return None
    measured = measure(tail)
    verdict, reason = decide(tail, measured, tolerance, spent, series.runs[-1])
    if verdict == "clean" and series.scale.exact and not stopped(series):
        verdict, reason = still_open(tail, spent)
    if verdict in ("inconclusive", "unjudged") and spent < 1:
        return None
    if verdict == "clean":  # what was seen and let pass is not finer than itself
        measured = measured._replace(resolution=max(measured.high, measured.resolution))
    return Growth(
        verdict,
        *measured,
        one_time=tail.values[0] - series.values[0] - measured.per_run * tail.runs[0],
        runs=series.runs[-1],
        series=series.steps,
        unit=series.scale.unit,
        reason=reason,
    )


def tail_start(steps: int, *, warm: bool) -> int:
    """Return the reading from which on growth is judged: after the warm-up, at least half way."""
    return max(int(not warm and steps > 1), min(steps - WINDOW, steps // 2))


def measure(tail: Series) -> Slope:
    """Return growth per run with its interval, and the resolution.

    A growth is caught when the interval's lower bound clears what is accepted: so the smallest
    that is caught stands above that by the interval's width, and above what the meter can show.
    """
    per_run, low, high = theil_sen(list(zip(tail.runs, tail.values, strict=True)))
    return Slope(per_run, low, high, max(high - low, visible(tail)))


def visible(tail: Series) -> float:
    """Return the smallest growth per run that the meter can show at all in these readings."""
    shortest = min((b - a for a, b in pairwise(tail.runs)), default=1)
    scale, runs = tail.scale, max(1, tail.runs[-1] - tail.runs[0])
    return max(scale.quantum / shortest, scale.hidden / runs, scale.floor)


def theil_sen(points: Sequence[tuple[float, float]]) -> tuple[float, float, float]:
    """Return the median slope of all pairs of points and its 99 % interval (Sen, 1968)."""
    slopes = sorted((y2 - y1) / (x2 - x1) for (x1, y1), (x2, y2) in combinations(points, 2))
    if not slopes:
        return 0.0, 0.0, 0.0
    n = len(points)
    spread = Z99 * math.sqrt(n * (n - 1) * (2 * n + 5) / 18)
    below = max(0, math.floor((len(slopes) - spread) / 2) - 1)
    return median(slopes), slopes[below], slopes[-1 - below]


def slope(series: Series, start: int, end: int) -> float:
    """Return the Theil-Sen slope of a part of a series."""
    points = list(zip(series.runs[start:end], series.values[start:end], strict=True))
    return theil_sen(points)[0]


def decide(
    tail: Series, measured: Slope, tolerance: float | None, spent: float, runs: int
) -> tuple[Verdict, str]:
    """Return the verdict on the judged part of a series, and the reason where it is open."""
    if tail.scale.exact and not tolerance:
        return counted(tail, spent, runs)
    if len(tail.steps) < FEW:
        return "unjudged", f"{len(tail.steps) or 'no'} judged runs: bytes take {FEW} at least"
    if tolerance:
        return against(tolerance, measured, tail, spent)
    return estimated(tail, measured, spent, runs)


def counted(tail: Series, spent: float, runs: int) -> tuple[Verdict, str]:
    """Return the verdict on things, which are counted without noise.

    They leak when they rise in both halves; what stopped rising is clean, and so is what is gone.
    """
    values = tail.values
    middle = values[len(values) // 2]
    older, newer = middle - values[0], values[-1] - middle
    if spent >= 1 and tail.steps and min(tail.steps) > 0:
        return "leak", ""
    if newer <= 0:
        return ("clean", "") if reached(ACQUITTED, runs, spent) else still_open(tail, spent)
    lasting = older > 0 and 2 * newer >= older
    if lasting and len(tail.steps) >= WINDOW and reached(CONVICTED, runs, spent):
        return "leak", ""
    return still_open(tail, spent)


def stopped(series: Series) -> bool:
    """Tell whether a count that rose more than once has stopped rising.

    It has been quiet for three times the longest pause between rises: what leaks at every
    thirtieth run is not clean after sixty quiet ones.
    """
    first = int(not series.warm and len(series.steps) > 1)
    highest, start, rises = series.values[first], series.runs[first], []
    for run, value in zip(series.runs[first + 1 :], series.values[first + 1 :], strict=True):
        if value > highest:
            highest = value
            rises.append(run)
    if len(rises) < MANY or series.values[-1] <= series.values[first]:
        return True
    longest = max(b - a for a, b in pairwise([start, *rises]))
    return series.runs[-1] - rises[-1] >= QUIET * longest


def estimated(tail: Series, measured: Slope, spent: float, runs: int) -> tuple[Verdict, str]:
    """Return the verdict on bytes: flat is clean, alike steps or a lasting slope are a leak."""
    floor = tail.scale.floor
    middle = len(tail.values) // 2
    risen = median(tail.values[middle:]) - median(tail.values[: middle + 1])
    unseen = max(floor * (tail.runs[-1] - tail.runs[0]), tail.scale.hidden)
    if risen <= unseen / 2:  # the medians lie half of the readings apart
        fine = measured.high <= COARSE * visible(tail) or spent >= ACQUITTED[1]
        acquitted = fine and reached(ACQUITTED, runs, spent)
        return ("clean", "") if acquitted else still_open(tail, spent)
    if fading(tail):
        return "inconclusive", "it grows ever more slowly, as caches do: more time would tell"
    few = FEW if spent >= 1 else FEW + 1
    if alike(tail) and len(tail.steps) >= few and spent >= CONVICTED[1]:
        return "leak", ""
    lasting = measured.low > floor and measured.per_run > visible(tail)
    if lasting and len(tail.steps) >= STEADY and reached(CONVICTED, runs, spent):
        return "leak", ""
    return still_open(tail, spent)


def still_open(tail: Series, spent: float) -> tuple[Verdict, str]:
    """Return that it is undecided, and why."""
    ended = "the runs or the time ended" if spent >= 1 else "more runs would tell"
    return "inconclusive", f"{len(tail.steps)} readings rise and stand still: {ended}"


def reached(threshold: tuple[int, float], runs: int, spent: float) -> bool:
    """Tell whether enough runs were made, or enough of the time has passed."""
    return runs >= threshold[0] or spent >= threshold[1]


def alike(tail: Series) -> bool:
    """Tell whether all steps rise by about the same, and by something that matters in all."""
    typical = median(tail.rates)
    substantial = tail.values[-1] - tail.values[0] >= max(SUBSTANCE, tail.scale.hidden)
    return substantial and min(tail.rates) >= typical / 2 > tail.scale.floor / 2


def against(tolerance: float, measured: Slope, tail: Series, spent: float) -> tuple[Verdict, str]:
    """Return the verdict where the question is "more than this per run?"."""
    if len(tail.steps) < WINDOW and spent < 1:
        return still_open(tail, spent)
    if max(measured.high, measured.resolution) <= tolerance:
        return "clean", ""
    if measured.low > tolerance and not fading(tail):
        return "leak", ""
    return "inconclusive", (
        f"growth lies between {measured.low:.4g} and {measured.high:.4g} per run, too wide for "
        f"the tolerance of {tolerance:.4g}: more time or a coarser tolerance would tell"
    )


def fading(tail: Series) -> bool:
    """Tell whether the newer half grew clearly less than the older one, as caches do."""
    older, newer = tail.halves
    return len(tail.steps) > 1 and newer < FADED * older
