"""From a series of readings to a verdict: pure numbers, no clock, no operating system.

A reading is taken after a batch of runs, and the series is judged after each until it is decided:
a sequential test. The method, its error rates and the reasons for the constants stand in
docs/verdict.md; ``tests/unit/test_error_rates.py`` measures them.
"""

import functools
from itertools import pairwise
from statistics import median

from pytest_ocrleak.series import FEWEST, WINDOW, Scale, Series
from pytest_ocrleak.trend import (
    SPREADS,
    Trend,
    ending,
    fading,
    flat,
    in_proportion,
    interval,
    rises,
    slope,
    stopped,
    trend,
    visible,
)
from pytest_ocrleak.verdict import Growth, Verdict

__all__ = ["FEW", "Growth", "Scale", "Series", "Verdict", "due", "judge", "practise", "settled"]


STILL = 4  # steps that a clean verdict takes where nothing moves
FEW = 3  # steps that prove a leak of bytes when no more can come and all are alike
ACQUITTED = 128, 0.2  # runs, or share of the time, before anything is called clean
PATIENCE = 0.05  # share of the time that a clean verdict may take to become fine
POOLED = 128, 0.3  # runs, or share of the time, before things are called a leak: pools fill
CONVICTED = 2048, 0.3  # runs, or share of the time, before bytes are called a leak: caches fill
FILLED = 16384, 0.1  # more of either, where growth is not quite the same from block to block
SAME = 1.1  # factor between growth per run and its bounds, at most, where it is the same
ALIKE = 1.5  # factor between growth per run and its bounds, at most, where it is a leak's
NOISE = 2  # times the deepest fall that a leak has risen by, and what can be taken unseen
COARSE = 4  # times what the meter can show, above which a clean verdict waits to become finer
MORE = 1.03  # times the readings that were looked at before, until the next look
FADES = "it grows ever more slowly, as caches do"


@functools.cache
def practise() -> None:
    """Judge made-up series once: what the interpreter keeps of a first time must not show."""
    noisy, rising = [float(index % 3) for index in range(16)], [1e4 * i for i in range(16)]
    for values, exact in ((noisy, False), (rising, False), (rising, True)):
        series = Series(range(0, 2000 * len(values), 2000), values, Scale(exact=exact))
        for tolerance in (None, 1.0):
            judge(series, tolerance, 0.5)


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
    known = settled(series, tolerance, spent)
    if known is None:
        return None
    verdict, reason = known
    judged = series.judged
    found = trend(judged)
    low, high, resolution = found.low, found.high, found.resolution
    if verdict == "leak":
        low = max(low, tolerance or 0.0)
        resolution = max(series.scale.floor + SPREADS * (high - low), visible(judged.tail))
    elif tolerance and not series.scale.exact:
        resolution = bound(judged, found)
    elif verdict == "clean" or fading(judged.tail):  # what is flat has ended, what fades may
        low, high = min(low, 0.0), max(high, 0.0)
    return Growth(
        verdict,
        found.per_run,
        low,
        high,
        resolution,
        one_time=residue(judged, found.per_run) - series.values[0],
        runs=int(series.runs[-1]),
        series=series.steps,
        unit=series.scale.unit,
        reason=reason,
        accepted=tolerance or 0.0,
        batches=tuple(int(b - a) for a, b in pairwise(series.runs)),
    )


def settled(series: Series, tolerance: float | None, spent: float) -> tuple[Verdict, str] | None:
    """Return the verdict alone with its reason, ``None`` while more runs would help."""
    judged = series.judged
    fewest = STILL if still(judged) else WINDOW if series.scale.exact else FEWEST
    if judged.size < fewest and spent < CONVICTED[1]:
        return None
    verdict, reason = decide(judged, tolerance, spent)
    still_to_come = verdict in ("inconclusive", "unjudged") and spent < 1
    return None if still_to_come else (verdict, reason)


def due(readings: int, looked: int) -> bool:
    """Tell whether to judge so many readings, where fewer were looked at before."""
    return readings >= MORE * looked


def residue(judged: Series, per_run: float) -> float:
    """Return the level that growth per run does not explain, where the series ended."""
    newer = judged.tail.halves[1]
    points = zip(newer.runs, newer.values, strict=True)
    return median(value - per_run * runs for runs, value in points)


def decide(judged: Series, tolerance: float | None, spent: float) -> tuple[Verdict, str]:
    """Return the verdict on a series without its warm-up, and the reason where it is open."""
    steps = judged.size
    if judged.scale.exact:
        return counted(judged.tilted(-tolerance) if tolerance else judged, spent)
    if steps < FEW:
        return "unjudged", f"{steps or 'no'} judged runs: bytes take {FEW} at least"
    if spent < 1 and not reached(ACQUITTED, judged, spent):
        return still_open(judged)
    if tolerance:
        return against(tolerance, judged, spent)
    return estimated(judged, spent)


def counted(judged: Series, spent: float) -> tuple[Verdict, str]:
    """Return the verdict on things, which are counted without noise.

    They leak when they rise in both halves; what stopped rising is clean, and so is what is gone.
    Growth that is accepted was taken off before.
    """
    recent = judged.recent
    middle = recent.values[len(recent.values) // 2]
    older, newer = middle - recent.values[0], recent.values[-1] - middle
    if spent >= 1 and recent.steps and min(recent.steps) > 0:
        return "leak", ""
    if newer <= 0 and stopped(judged):
        return ("clean", "") if reached(ACQUITTED, judged, spent) else still_open(recent)
    lasting = older > 0 and 2 * newer >= older
    if lasting and recent.size >= WINDOW and reached(POOLED, judged, spent):
        return "leak", ""
    return still_open(recent)


def estimated(judged: Series, spent: float) -> tuple[Verdict, str]:
    """Return the verdict on bytes: flat is clean, a lasting rise is a leak."""
    if still(judged) and judged.size >= STILL:
        return "clean", ""
    tail, over, least = judged.tail, spent >= 1, least_rise(judged, judged)
    if flat(tail.halves[1]) or (over and unproven(judged, least)):
        waited = over or (spent >= PATIENCE and flat(tail))
        if stopped(judged, least, once=int(over)) and (waited or fine(judged)):
            return "clean", ""
    if fading(tail):
        ended = ending(tail) and tail.size >= FEWEST and (over or fine(judged))
        return ("clean", FADES) if ended else ("inconclusive", f"{FADES}: more time would tell")
    return ("leak", "") if lasts(judged, judged.scale.floor, spent) else still_open(tail)


def still(judged: Series) -> bool:
    """Tell whether readings do not move, but for a small part of what can be taken unseen."""
    return max(judged.values) - min(judged.values) <= judged.scale.hidden / 8


def unproven(judged: Series, least: float) -> bool:
    """Tell whether readings rose once at most, or by no more than their noise."""
    return len(rises(judged, least)) <= 1 or trend(judged).low <= judged.scale.floor


def fine(judged: Series) -> bool:
    """Tell whether a clean verdict would have a resolution worth stating without more runs."""
    finest = COARSE * max(visible(judged.tail), judged.scale.floor)
    return trend(judged).resolution <= max(judged.scale.quantum, finest)


def against(tolerance: float, judged: Series, spent: float) -> tuple[Verdict, str]:
    """Return the verdict where the question is "more than this per run?"."""
    if judged.tail.size < FEWEST and spent < 1:
        return still_open(judged.tail)
    found = trend(judged)
    if bound(judged, found) <= tolerance:
        return "clean", ""
    if not fading(judged.tail) and lasts(judged, tolerance, spent):
        return "leak", ""
    return "inconclusive", (
        f"growth lies between {found.low:.4g} and {found.high:.4g} per run, too wide for the "
        f"tolerance of {tolerance:.4g}: more time, a process of its own, or a coarser tolerance "
        "would tell"
    )


def bound(judged: Series, found: Trend) -> float:
    """Return the growth per run that is excluded where some of it is accepted."""
    return max(found.high, visible(judged.tail))


def lasts(judged: Series, floor: float, spent: float) -> bool:
    """Tell whether there is growth above a floor that is no cache's and no chance."""
    tail = judged.tail
    if tail.smooth.blocks.rise < least_rise(judged.smooth.blocks, tail):
        return False
    if spent >= CONVICTED[1] and alike(tail, floor, few=FEW if spent >= 1 else FEW + 1):
        return True
    if not reached(CONVICTED, judged, spent):
        return False
    filled = reached(FILLED, judged, spent)
    if tail.size >= FEWEST and (
        steady(tail.straight, floor, SAME) or (filled and steady(tail.smooth, floor, ALIKE))
    ):
        return True
    return filled and slope(tail) > floor and in_proportion(judged, least_rise(judged, judged))


def steady(tail: Series, floor: float, factor: float) -> bool:
    """Tell whether growth is above a floor in nearly all blocks, and the same to a factor."""
    per_run, low, high = interval(tail)
    return max(floor, per_run / factor) < low and high < factor * per_run


def least_rise(judged: Series, over: Series) -> float:
    """Return what a rise must exceed to be more than noise and what can be taken unseen."""
    return max(NOISE * max(judged.fall, judged.scale.hidden), over.scale.floor * over.length)


def alike(tail: Series, floor: float, few: int) -> bool:
    """Tell whether all steps rise by about the same, which noise does not."""
    typical = median(tail.rates)
    least, most = min(tail.rates), max(tail.rates)
    return tail.size >= few and least >= typical / 2 > floor / 2 and most <= 2 * typical


def reached(threshold: tuple[int, float], judged: Series, spent: float) -> bool:
    """Tell whether enough runs were made, or enough of the time has passed."""
    return judged.runs[-1] >= threshold[0] or spent >= threshold[1]


def still_open(part: Series) -> tuple[Verdict, str]:
    """Return that it is undecided, and what would decide it."""
    return "inconclusive", (
        f"{part.size} readings rise and stand still: more runs or time, or a process of its "
        "own, would tell"
    )
