"""From a series of readings to a verdict: pure numbers, no clock, no operating system.

A reading is taken after a batch of runs. The slope over the readings is growth per run, estimated
with Theil-Sen (the median slope of all pairs, which single spikes do not move), and its interval
comes from Kendall's distribution of the pairs (Sen, 1968). The older half of a long series is
left out, so that what happened once at the start (imports, caches that filled) is reported apart,
as the one-time residue.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations, pairwise
from statistics import median
from typing import Literal

Verdict = Literal["clean", "leak", "inconclusive", "unavailable", "unjudged"]

WINDOW = 6  # steps that must agree before a verdict
STEADY = 12  # rising steps in a row that make a leak of bytes that no tolerance was given for
Z99 = 2.576  # two-sided 99 % of the normal distribution
FADED = 0.75  # newer steps below this share of the older ones: a cache that fills, not a leak


@dataclass(frozen=True, slots=True)
class Growth:
    """What one meter did while the code ran again and again.

    ``per_run``, its interval ``low`` to ``high``, and ``resolution`` are in bytes or things per
    run; ``one_time`` is what the first runs left for good; ``series`` is the change from reading
    to reading. ``reason`` says why a verdict is not `clean` or `leak`: readings may contradict each
    other, the meter cannot be read here, or one pass cannot judge it.
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


@dataclass(frozen=True, slots=True)
class Series:
    """Readings of one meter: ``values[i]`` was read after ``runs[i]`` runs; ``runs[0]`` is 0.

    The first step is a warm-up unless ``warm``. ``quantum`` is the smallest change the meter can
    show, ``floor`` the growth per run below which its noise lies; ``exact`` readings are counts,
    without noise.
    """

    runs: Sequence[int]
    values: Sequence[float]
    unit: str = "B"
    quantum: float = 16.0
    floor: float = 0.0
    exact: bool = False
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


def judge(series: Series, tolerance: float | None = None, *, last: bool = False) -> Growth | None:
    """Return the verdict on a series, or ``None`` while more runs would help.

    Parameters
    ----------
    series
        The readings so far.
    tolerance
        Growth per run that is accepted; ``None`` asks whether there is any at all.
    last
        No more runs will come: what is still open becomes `inconclusive` or a coarser `clean`.

    """
    start = tail_start(len(series.steps), warm=series.warm)
    if len(series.steps) - start < WINDOW and not last:
        return None
    measured = measure(series, start)
    verdict, reason = decide(series, start, measured, tolerance, last=last)
    if verdict == "inconclusive" and not last:
        return None
    return Growth(
        verdict,
        *measured,
        one_time=series.values[start] - series.values[0] - measured[0] * series.runs[start],
        runs=series.runs[-1],
        series=series.steps,
        unit=series.unit,
        reason=reason,
    )


def tail_start(steps: int, *, warm: bool) -> int:
    """Return the reading from which on growth is judged: after the warm-up, at least half way."""
    return max(int(not warm and steps > 1), min(steps - WINDOW, steps // 2))


def measure(series: Series, start: int) -> tuple[float, float, float, float]:
    """Return growth per run, the bounds of its interval, and the resolution.

    A growth is caught when the interval's lower bound clears what is accepted: so the smallest
    that is caught stands above that by the interval's width, and by what one batch can show.
    """
    points = list(zip(series.runs[start:], series.values[start:], strict=True))
    per_run, low, high = theil_sen(points)
    shortest = min((b - a for (a, _), (b, _) in pairwise(points)), default=1)
    return per_run, low, high, max(high - low, series.quantum / shortest)


def theil_sen(points: Sequence[tuple[float, float]]) -> tuple[float, float, float]:
    """Return the median slope of all pairs of points and its 99 % interval (Sen, 1968)."""
    slopes = sorted((y2 - y1) / (x2 - x1) for (x1, y1), (x2, y2) in combinations(points, 2))
    if not slopes:
        return 0.0, 0.0, 0.0
    n = len(points)
    spread = Z99 * math.sqrt(n * (n - 1) * (2 * n + 5) / 18)
    below = max(0, math.floor((len(slopes) - spread) / 2) - 1)
    return median(slopes), slopes[below], slopes[-1 - below]


def decide(
    series: Series,
    start: int,
    measured: tuple[float, float, float, float],
    tolerance: float | None,
    *,
    last: bool,
) -> tuple[Verdict, str]:
    """Return the verdict on the judged part of a series, and the reason where it is open."""
    _, low, _, _ = measured
    rates = series.rates[start:]
    if series.exact and series.values[-1] <= series.values[0]:
        return "clean", ""
    if tolerance:
        return against(tolerance, measured, rates)
    recent = rates[-WINDOW:]
    if 2 * sum(rate <= series.floor for rate in recent) >= len(recent):
        return "clean", ""
    steady = low > series.floor and min(rates) > series.floor and not fading(rates)
    if steady and len(rates) >= needed(series, last=last):
        return "leak", ""
    return "inconclusive", f"it rose in most of {len(rates)} readings: more runs would tell"


def needed(series: Series, *, last: bool) -> int:
    """Return how many rising steps make a leak.

    Things are counted without noise, so when no more runs can come, each of them counts.
    """
    if series.exact and last:
        return 1
    return WINDOW if series.exact or series.floor else STEADY


def against(
    tolerance: float, measured: tuple[float, float, float, float], rates: Sequence[float]
) -> tuple[Verdict, str]:
    """Return the verdict where the question is "more than this per run?"."""
    _, low, high, resolution = measured
    if max(high, resolution) <= tolerance:
        return "clean", ""
    if low > tolerance and not fading(rates):
        return "leak", ""
    return "inconclusive", (
        f"growth lies between {low:.4g} and {high:.4g} per run, too wide for the tolerance of "
        f"{tolerance:.4g}: more time or a coarser tolerance would tell"
    )


def fading(rates: Sequence[float]) -> bool:
    """Tell whether the newer half grew clearly less than the older one, as caches do."""
    half = len(rates) // 2
    return half > 0 and median(rates[-half:]) < FADED * median(rates[:half])
