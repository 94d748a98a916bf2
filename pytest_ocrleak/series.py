"""Readings of one meter over runs, and the views of them that a verdict is given on."""

import math
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import pairwise
from statistics import median

from pytest_ocrleak.scale import Scale

__all__ = ["BLOCKS", "FEWEST", "WINDOW", "Scale", "Series"]

BLOCKS = 12  # parts that a longer series is judged by
FEWEST = 8  # steps that a verdict on bytes takes: fewer cannot give an interval of 99 %
WINDOW = 6  # steps that a verdict on things takes
THREE = 3  # readings: those of a step after the warm-up, and those that a median smooths


@dataclass(frozen=True)
class Series:
    """Readings of one meter: ``values[i]`` was read after ``runs[i]`` runs; ``runs[0]`` is 0.

    The first step is a warm-up unless ``warm``.
    """

    runs: Sequence[float]
    values: Sequence[float]
    scale: Scale = field(default_factory=Scale)
    warm: bool = False

    @property
    def length(self) -> float:
        """The runs from the first to the last reading, at least one."""
        return max(1, self.runs[-1] - self.runs[0])

    @property
    def size(self) -> int:
        """The number of steps from reading to reading."""
        return len(self.values) - 1

    @property
    def rise(self) -> float:
        """The change from the first to the last reading."""
        return self.values[-1] - self.values[0]

    @cached_property
    def steps(self) -> tuple[float, ...]:
        """The change from reading to reading."""
        return tuple(b - a for a, b in pairwise(self.values))

    @cached_property
    def rates(self) -> tuple[float, ...]:
        """The change per run from reading to reading."""
        lengths = (b - a for a, b in pairwise(self.runs))
        return tuple(step / length for step, length in zip(self.steps, lengths, strict=True))

    def part(self, start: int, end: int | None = None) -> "Series":
        """Return the series from one reading up to before another, all of it to be judged."""
        return Series(self.runs[start:end], self.values[start:end], self.scale, warm=True)

    @cached_property
    def judged(self) -> "Series":
        """The series without its warm-up."""
        return self if self.warm or len(self.values) < THREE else self.part(1)

    @cached_property
    def tail(self) -> "Series":
        """The last three quarters of the runs, as many steps as a verdict takes at least.

        They are two doublings of the runs: what happened before them was once.
        """
        start = bisect_left(self.runs, self.runs[0] + (self.runs[-1] - self.runs[0]) / 4)
        return self.part(max(0, min(start, len(self.values) - 1 - FEWEST)))

    @cached_property
    def recent(self) -> "Series":
        """The newer half of the readings, as many steps as a verdict on things takes at least."""
        return self.part(max(0, min(self.size - WINDOW, self.size // 2)))

    @cached_property
    def halves(self) -> tuple["Series", "Series"]:
        """The older and the newer half of the runs, which share a reading."""
        middle = bisect_left(self.runs, (self.runs[0] + self.runs[-1]) / 2)
        return self.part(0, middle + 1), self.part(middle)

    @cached_property
    def smooth(self) -> "Series":
        """The series without single spikes.

        Each reading becomes the median of itself and its neighbours, which leaves what rises as it
        is; the first and the last that of itself, its neighbour and where the next two point to
        (Tukey 1977, chapter 7).
        """
        if len(self.values) <= THREE:
            return self
        inner = [sorted(self.values[i : i + THREE])[1] for i in range(len(self.values) - 2)]
        first = sorted((self.values[0], inner[0], 3 * inner[0] - 2 * inner[1]))[1]
        last = sorted((self.values[-1], inner[-1], 3 * inner[-1] - 2 * inner[-2]))[1]
        return Series(self.runs, (first, *inner, last), self.scale, warm=True)

    @cached_property
    def straight(self) -> "Series":
        """The series without single spikes, smoothed about its median rate.

        What rises evenly stays as it is. Smoothed as it stands it would follow a spike, by a step
        of twice the rate and one of none.
        """
        rate = median(self.rates)
        level = self.tilted(-rate).smooth
        return level.tilted(rate)

    def tilted(self, rate: float) -> "Series":
        """Return the series with growth of so much per run added."""
        values = [value + rate * runs for runs, value in zip(self.runs, self.values, strict=True)]
        return Series(self.runs, values, self.scale, warm=True)

    @cached_property
    def blocks(self) -> "Series":
        """The median readings of up to 13 parts of equal size, which bounds cost and noise."""
        if len(self.values) <= BLOCKS + 1:
            return self
        edges = [len(self.values) * i // (BLOCKS + 1) for i in range(BLOCKS + 2)]
        parts = list(pairwise(edges))
        return Series(
            [median(self.runs[a:b]) for a, b in parts],
            [median(self.values[a:b]) for a, b in parts],
            self.scale,
            warm=True,
        )

    @cached_property
    def fall(self) -> float:
        """How far a reading lies below an earlier one, at most (the maximum drawdown)."""
        highest, fallen = -math.inf, 0.0
        for value in self.values:
            highest = max(highest, value)
            fallen = max(fallen, highest - value)
        return fallen

    def level(self, runs: float) -> float:
        """Return the value after a number of runs, interpolated."""
        after = bisect_left(self.runs, runs)
        if after == 0 or self.runs[after] == runs:
            return self.values[after]
        (x, y), (a, b) = self.runs[after - 1 : after + 1], self.values[after - 1 : after + 1]
        return a + (b - a) * (runs - x) / (y - x)
