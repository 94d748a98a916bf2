"""The verdict on literal series: no clock, no operating system."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_ocrleak.growth import Growth, Series, judge


def verdict_on(
    *values: float, tolerance: float | None = None, exact: bool = False, last: bool = True
) -> Growth | None:
    """Judge readings taken after 0, 1, 2, … runs."""
    series = Series(range(len(values)), values, "B", 1.0, 0.0, exact)
    return judge(series, tolerance, last=last)


def steady(step: float, readings: int, first: float = 0) -> list[float]:
    """Readings that rise by `step` after a first one of `first`."""
    return [0.0, *(first + step * i for i in range(readings))]


def test_a_flat_series_is_clean_after_the_warm_up() -> None:
    """What the first run left is the one-time residue, not growth."""
    growth = verdict_on(*steady(0, 8, first=5000), last=False)
    assert growth is not None
    assert (growth.verdict, growth.per_run, growth.one_time) == ("clean", 0, 5000)


def test_a_steady_rise_is_a_leak_of_its_slope() -> None:
    """Slope, interval and one-time residue of a noiseless leak are exact."""
    growth = verdict_on(*steady(64, 26, first=1000), last=False)
    assert growth is not None
    assert growth.verdict == "leak"
    assert growth.low == growth.per_run == growth.high == 64
    assert growth.one_time == pytest.approx(1000 - 64)


def test_a_few_rising_readings_are_no_leak_of_bytes() -> None:
    """Seven rises in a row can be chance; with no more runs to come it stays open."""
    assert verdict_on(*steady(64, 8), last=False) is None
    growth = verdict_on(*steady(64, 8))
    assert growth is not None
    assert growth.verdict == "inconclusive"
    assert "more runs" in growth.reason


def test_things_are_counted_without_noise() -> None:
    """Six rises decide for a count, and a single one when no more runs come."""
    assert verdict_on(*steady(1, 8), exact=True, last=False).verdict == "leak"  # type: ignore[union-attr]
    assert verdict_on(0, 1, exact=True).verdict == "leak"  # type: ignore[union-attr]
    assert verdict_on(0, 1, 2, 3, 0, exact=True).verdict == "clean"  # type: ignore[union-attr]


def test_growth_that_fades_is_not_a_leak() -> None:
    """A cache that fills more and more slowly rises in every reading, and is none."""
    values = [0.0]
    for step in range(40):
        values.append(values[-1] + 1000 * 0.8**step)
    growth = verdict_on(*values)
    assert growth is not None
    assert growth.verdict == "inconclusive"


def test_single_spikes_move_nothing() -> None:
    """One reading of 25 KB too much changes neither verdict nor slope."""
    values = steady(0, 12)
    values[7] += 25_000
    growth = verdict_on(*values)
    assert growth is not None
    assert (growth.verdict, growth.per_run) == ("clean", 0)


@pytest.mark.parametrize(
    ("step", "tolerance", "verdict"),
    [(64, 100, "clean"), (64, 10, "leak"), (64, 64, "clean")],
)
def test_a_tolerance_asks_whether_there_is_more(
    step: float, tolerance: float, verdict: str
) -> None:
    """Growth up to the tolerance is accepted, more is a leak."""
    growth = verdict_on(*steady(step, 9), tolerance=tolerance, last=False)
    assert growth is not None
    assert growth.verdict == verdict


def test_a_tolerance_finer_than_the_readings_stays_open() -> None:
    """Noise wider than the tolerance is no answer, and the reason says what would be."""
    noisy = [0, 0, 900, -700, 800, -900, 700, -800, 900, -700]
    assert verdict_on(*noisy, tolerance=10, last=False) is None
    growth = verdict_on(*noisy, tolerance=10)
    assert growth is not None
    assert growth.verdict == "inconclusive"
    assert "coarser tolerance" in growth.reason


def test_the_resolution_is_finer_with_longer_batches() -> None:
    """One unit in a batch of a thousand runs is a thousandth a run."""
    values = [0.0] * 9
    by_one = judge(Series(range(9), values, quantum=16), last=True)
    by_thousand = judge(Series(range(0, 9000, 1000), values, quantum=16), last=True)
    assert by_one is not None
    assert by_thousand is not None
    assert (by_one.resolution, by_thousand.resolution) == (16, 0.016)


@given(
    noise=st.lists(st.integers(0, 15), min_size=30, max_size=30),
    step=st.integers(64, 10**6),
)
def test_a_leak_above_the_noise_is_always_caught(noise: list[int], step: int) -> None:
    """Bounded noise never hides a larger step, and the interval holds the true one."""
    growth = verdict_on(0, *(step * i + n for i, n in enumerate(noise)))
    assert growth is not None
    assert growth.verdict == "leak"
    assert growth.low - 1 <= step <= growth.high + 1


@given(st.lists(st.floats(-1e12, 1e12), min_size=1, max_size=60))
def test_any_series_has_a_verdict_in_the_end(values: list[float]) -> None:
    """Whatever was read, the last call answers, and its figures are in order."""
    growth = verdict_on(0, *values)
    assert growth is not None
    assert growth.low <= growth.high
    assert growth.resolution >= 0
