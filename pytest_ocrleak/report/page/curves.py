"""A meter's readings as the points of a plot: pure numbers."""

from collections.abc import Sequence
from itertools import accumulate
from statistics import median
from typing import NamedTuple

from pytest_ocrleak.verdict import Growth

POINTS = 40  # of a plot
STEADY = 4  # share of the readings, the first ones, in which a first use is not shown whole
HEADROOM = 1.6  # times what is shown whole, above which a bar is cut


class Reading(NamedTuple):
    """By how much a meter moved over some runs."""

    change: float
    runs: int

    @property
    def rate(self) -> float:
        """The growth per run."""
        return self.change / max(1, self.runs)


class Bounds(NamedTuple):
    """What a plot shows of the readings: from, to, and whether something is cut."""

    low: float
    high: float
    cut: bool


def readings(growth: Growth) -> list[Reading]:
    """Return a meter's readings, neighbours as one where they are many.

    Documents of older versions do not tell the runs in between: one each then.
    """
    batches = growth.batches if len(growth.batches) == len(growth.series) else ()
    each = list(map(Reading, growth.series, batches or (1,) * len(growth.series)))
    size = -(-len(each) // POINTS) or 1
    return [joined(each[at : at + size]) for at in range(0, len(each), size)]


def joined(neighbours: Sequence[Reading]) -> Reading:
    """Return several readings as one."""
    return Reading(
        sum(each.change for each in neighbours), sum(max(1, each.runs) for each in neighbours)
    )


def levels(found: Sequence[Reading]) -> tuple[list[int], list[float]]:
    """Return the runs after which readings were taken, and the levels then, from 0 on."""
    runs = accumulate((each.runs for each in found), initial=0)
    return list(runs), list(accumulate((each.change for each in found), initial=0.0))


def bounds(found: Sequence[Reading], growth: Growth) -> Bounds:
    """Return what a plot of rates shows: all that comes after the first use, and that in part."""
    rates = [each.rate for each in found]
    steady = rates[len(rates) // STEADY :]
    typical = max(map(abs, (*steady, growth.per_run, growth.accepted, median(rates))))
    limit = HEADROOM * typical or 1.0
    low, high = max(min(rates), -limit), min(max(rates), limit)
    cut = low > min(rates) or high < max(rates)
    return Bounds(min(low, 0.0), max(high, growth.per_run, growth.accepted, 0.0), cut)
