"""How a series runs: growth per run with its interval, and whether it slows, stops or lasts.

Nothing here assumes a distribution of the noise: medians, ranks and signs only.
"""

import math
from itertools import combinations, pairwise
from statistics import median
from typing import NamedTuple

from pytest_ocrleak.series import Series

CONFIDENCE = 0.99  # of the interval
SPREADS = 3  # widths of the interval that a growth must exceed to be caught with 99 %
RARE = 6.64  # events that may have been due where one was seen, with 99 % (Garwood 1936)
FADING = 6  # times the older growth that a leak must add, or it would look like a cache's end
DROPS = 4  # times the deepest fall that a leak must rise by
FADED = 0.75  # newer growth below this share of the older: a cache that fills, not a leak
SLOWER = 0.85  # the same where the rates fall steadily, too
SLOWING = -0.3  # Kendall's rank correlation of the rates with time, below which they fall
HALVED = 0.6  # newer growth below this share: a logarithm's is a half
RARELY = 6  # rises that prove growth in rare steps
PARTS = (1 / 4, 1 / 16)  # of the runs, after which the level is looked at
STEP = 1.5  # times its share that it may have reached by then: lists grow in steps
HARDLY = 20  # times the deepest fall that what grows rarely has risen by
QUIET = 3  # times the longest pause between rises that a meter stays quiet when it has stopped


class Trend(NamedTuple):
    """Growth per run, its interval, and the smallest growth that would have been caught."""

    per_run: float
    low: float
    high: float
    resolution: float


def trend(judged: Series) -> Trend:
    """Return growth per run over the tail, with its interval and the resolution.

    The interval is that of the sign test on the rates of up to 12 blocks: each lies above the
    median rate with probability one half, so all but the outermost enclose it with 99 %. Where
    blocks push each other (noise on the readings, not on the steps) it is wider than it need be.
    """
    tail = judged.tail
    per_run, low, high = interval(tail)
    resolution = max(tail.scale.floor + noise(judged, low, high), visible(tail))
    return Trend(per_run, low, high, resolution)


def interval(tail: Series) -> tuple[float, float, float]:
    """Return growth per run, and the lower and upper bound of its interval."""
    rates = sorted(tail.blocks.rates)
    if not rates:
        return 0.0, 0.0, 0.0
    out, per_run = outermost(len(rates)), slope(tail)
    return per_run, min(rates[out], per_run), max(rates[-1 - out], per_run)


def noise(judged: Series, low: float, high: float) -> float:
    """Return the smallest growth per run that stands out from all that was seen.

    That is noise, rises that came rarely, growth that was fading, and falls.
    """
    tail = judged.tail
    return max(
        SPREADS * (high - low),
        SPREADS * high,
        RARE * tail.blocks.rise / tail.length,
        FADING * slope(tail.halves[0]),
        DROPS * judged.fall / tail.length,
    )


def outermost(rates: int) -> int:
    """Return how many rates lie outside the interval at each end."""
    outside, left = 2.0 ** (1 - rates), 0
    while outside + 2 * math.comb(rates, left + 1) / 2**rates <= 1 - CONFIDENCE:
        left += 1
        outside += 2 * math.comb(rates, left) / 2**rates
    return left


def slope(series: Series) -> float:
    """Return the median slope of all pairs of blocks (Theil 1950, Sen 1968)."""
    pairs = combinations(zip(series.blocks.runs, series.blocks.values, strict=True), 2)
    slopes = [(y2 - y1) / (x2 - x1) for (x1, y1), (x2, y2) in pairs]
    return median(slopes) if slopes else 0.0


def visible(series: Series) -> float:
    """Return the smallest growth per run that the meter can show at all in these readings.

    Each batch must show it, and half of the readings more than can be taken unseen.
    """
    shortest = min((b - a for a, b in pairwise(series.runs)), default=1)
    return max(series.scale.quantum / shortest, 2 * series.scale.hidden / series.length)


def flat(part: Series) -> bool:
    """Tell whether a series does not rise, beyond the floor and what can be taken unseen."""
    levels = part.smooth.blocks.values
    unseen = max(part.scale.floor * part.length, part.scale.hidden / 2)
    middle = len(levels) // 2
    return median(levels[middle:]) - median(levels[: middle + 1]) <= unseen / 2


def fading(tail: Series) -> bool:
    """Tell whether growth slows, as that of caches does.

    The newer half grew clearly less than the older one; or somewhat less, and the rates fall from
    block to block.
    """
    share = newer_share(tail)
    return share < FADED or (share < SLOWER and slowing(tail))


def ending(tail: Series) -> bool:
    """Tell whether growth slows as surely and steadily as a logarithm does, or more."""
    return newer_share(tail) < HALVED and slowing(tail)


def newer_share(tail: Series) -> float:
    """Return the growth of the newer half as a share of the older half's."""
    older, newer = map(slope, tail.smooth.halves)
    return newer / older if older > 0 else math.inf


def slowing(tail: Series) -> bool:
    """Tell whether rates fall from block to block (Kendall 1938)."""
    rates = tail.smooth.blocks.rates
    signs = [(b > a) - (b < a) for a, b in combinations(rates, 2)]
    return bool(signs) and sum(signs) / len(signs) < SLOWING


def in_proportion(judged: Series, least: float) -> bool:
    """Tell whether readings that hardly fall rise in proportion to the runs, if in rare steps.

    That is how a list behaves that makes room for ever more: its steps become rarer and larger,
    and the level follows the runs. After a quarter of the runs a cache holds more than its share.
    """
    if HARDLY * judged.fall > judged.rise or len(rises(judged, least)) < RARELY:
        return False
    start, rise = judged.runs[0], judged.smooth.values[-1] - judged.values[0]
    return all(
        judged.level(start + part * judged.length) - judged.values[0] <= STEP * part * rise
        for part in PARTS
    )


def stopped(judged: Series, least: float = 0.0, once: int = 1) -> bool:
    """Tell whether what rose more often than ``once``, by more than ``least``, has stopped rising.

    It has been quiet for three times the longest pause between rises: what leaks at every
    thirtieth run is not clean after sixty quiet ones.
    """
    times = rises(judged, least)
    if len(times) <= once or judged.rise <= least:
        return True
    longest = max(b - a for a, b in pairwise([judged.runs[0], *times]))
    return judged.runs[-1] - times[-1] >= QUIET * longest


def rises(judged: Series, least: float) -> list[float]:
    """Return after how many runs the level rose, by more than ``least`` each, to a new high."""
    highest, times = judged.values[0], []
    for run, value in zip(judged.runs, judged.values, strict=True):
        if value > highest + least:
            highest = value
            times.append(run)
    return times
