"""The verdict on literal series: no clock, no operating system."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_ocrleak.growth import Growth, Scale, Series, judge


def verdict_on(
    *values: float,
    tolerance: float | None = None,
    exact: bool = False,
    hidden: float = 0.0,
    spent: float = 1.0,
    runs: int = 100,
) -> Growth:
    """Judge readings taken after 0, 100, 200, … runs; `None` reads as not decided yet."""
    scale = Scale(exact=exact, hidden=hidden)
    series = Series(range(0, runs * len(values), runs), values, scale)
    return judge(series, tolerance, spent) or UNDECIDED


UNDECIDED = Growth("inconclusive", reason="not decided yet")


def steady(step: float, readings: int, first: float = 0) -> list[float]:
    """Readings that rise by `step` after a first one of `first`."""
    return [0.0, *(first + step * i for i in range(readings))]


def test_a_flat_series_is_clean_after_the_warm_up() -> None:
    """What the first run left is the one-time residue, not growth."""
    growth = verdict_on(*steady(0, 10, first=5000), spent=0)
    assert (growth.verdict, growth.per_run, growth.one_time) == ("clean", 0, 5000)


def test_a_steady_rise_is_a_leak_of_its_slope() -> None:
    """Slope, interval and one-time residue of a noiseless leak are exact."""
    growth = verdict_on(*steady(6400, 26, first=10000), spent=0)
    assert growth.verdict == "leak"
    assert growth.low == growth.per_run == growth.high == 64
    assert growth.one_time == pytest.approx(10000 - 6400)


def test_nothing_is_decided_too_early() -> None:
    """Few runs and little time decide neither way: pools and caches still fill."""
    assert verdict_on(*steady(64, 5), spent=0) is UNDECIDED
    assert verdict_on(*steady(0, 10), spent=0.05, runs=1) is UNDECIDED
    assert verdict_on(*steady(0, 10), spent=0.2, runs=1).verdict == "clean"
    assert verdict_on(*steady(5000, 20), spent=0.2, runs=1) is UNDECIDED
    assert verdict_on(*steady(5000, 20), spent=0.4, runs=1).verdict == "leak"


def test_a_few_large_equal_steps_prove_a_leak_when_time_is_up() -> None:
    """10 MB a run, three times over, is no chance; three small rises may be."""
    assert verdict_on(*steady(1e7, 4), runs=1).verdict == "leak"
    growth = verdict_on(*steady(600, 4), hidden=1024, runs=1)
    assert growth.verdict == "clean"
    assert growth.resolution > 2 * 600


def test_one_or_two_runs_do_not_judge_bytes() -> None:
    """A first use is no leak, and two points are no series."""
    assert verdict_on(0, 1e6, runs=1).verdict == "unjudged"
    assert verdict_on(0, 1e6, 2e6, runs=1).verdict == "unjudged"


def test_growth_at_every_third_run_is_seen() -> None:
    """Half of the readings stand still, and the level still rises for good."""
    levels = [1e6 * (run // 3) for run in range(64)]
    assert verdict_on(*levels, spent=0.5, runs=1).verdict == "leak"
    assert verdict_on(*levels[:9], spent=0.25, runs=1) is UNDECIDED


def test_things_are_counted_without_noise() -> None:
    """A count that rises in both halves is a leak, and each run counts when no more come."""
    assert verdict_on(*steady(1, 8), exact=True, spent=0).verdict == "leak"
    assert verdict_on(0, 1, exact=True).verdict == "leak"
    every_third = [run // 3 for run in range(20)]
    assert verdict_on(*every_third, exact=True, spent=0.4, runs=1).verdict == "leak"


def test_things_that_went_or_stopped_coming_are_clean() -> None:
    """What is gone at the end has not leaked, and a pool that is full neither."""
    assert verdict_on(0, 1, 2, 3, 0, exact=True).verdict == "clean"
    pool = [min(run, 8) for run in range(40)]
    assert verdict_on(*pool[:8], exact=True, spent=0.2, runs=1) is UNDECIDED
    assert verdict_on(*pool, exact=True, spent=0.4, runs=1).verdict == "clean"


def test_growth_that_fades_is_not_a_leak() -> None:
    """A cache that fills more and more slowly rises in every reading, and is none."""
    values = [1e6 * math.log1p(reading) for reading in range(40)]
    assert verdict_on(*values, spent=0.9) is UNDECIDED
    growth = verdict_on(*values)
    assert growth.verdict == "clean"
    assert growth.resolution > values[-1] / 4000
    assert "caches" in growth.reason


def test_growth_that_has_not_faded_enough_stays_open() -> None:
    """A square root's growth fades too slowly to be called either."""
    growth = verdict_on(*(1e6 * math.sqrt(reading) for reading in range(40)))
    assert growth.verdict == "inconclusive"
    assert "more time" in growth.reason


def test_single_spikes_move_nothing() -> None:
    """One reading of 25 KB too much changes neither verdict nor slope."""
    values = steady(0, 12)
    values[7] += 25_000
    growth = verdict_on(*values)
    assert (growth.verdict, growth.per_run) == ("clean", 0)


def test_a_steady_leak_is_seen_through_single_spikes() -> None:
    """An allocator that held 29 KB at two looks of 24 hides nothing that rises evenly."""
    levels = steady(6400, 26)
    for spiky in (8, 17):
        levels[spiky] += 29056
    growth = verdict_on(*levels)
    assert (growth.verdict, growth.per_run) == ("leak", 64)


@pytest.mark.parametrize(
    ("step", "tolerance", "verdict"),
    [(64, 100, "clean"), (64, 10, "leak"), (64, 64, "clean")],
)
def test_a_tolerance_asks_whether_there_is_more(
    step: float, tolerance: float, verdict: str
) -> None:
    """Growth up to the tolerance is accepted, more is a leak."""
    growth = verdict_on(*steady(100 * step, 9), tolerance=tolerance, spent=0.5)
    assert growth.verdict == verdict


def test_a_tolerance_finer_than_the_readings_stays_open() -> None:
    """Noise wider than the tolerance is no answer, and the reason says what would be."""
    noisy = [0, 0, 900, -700, 800, -900, 700, -800, 900, -700]
    assert verdict_on(*noisy, tolerance=10, spent=0, runs=1) is UNDECIDED
    growth = verdict_on(*noisy, tolerance=10, runs=1)
    assert growth.verdict == "inconclusive"
    assert "coarser tolerance" in growth.reason


def test_the_resolution_is_finer_with_longer_batches() -> None:
    """One unit in a batch of a thousand runs is a thousandth a run."""
    values = [0.0] * 9
    by_one = verdict_on(*values, runs=1)
    by_thousand = verdict_on(*values, runs=1000)
    assert (by_one.resolution, by_thousand.resolution) == (1, 0.001)


def test_the_resolution_tells_what_cannot_be_seen() -> None:
    """The floor, and what the allocator has in store: twice that stands out from none."""
    values = [0.0] * 10
    floor = judge(Series(range(10), values, Scale(floor=8192)))
    store = judge(Series(range(10), values, Scale(hidden=8000)))
    assert floor is not None
    assert store is not None
    assert (floor.resolution, store.resolution) == (8192, 2 * 8000 / 8)


@given(
    noise=st.lists(st.integers(0, 15), min_size=30, max_size=30),
    step=st.integers(64, 10**6),
)
def test_a_leak_above_the_noise_is_always_caught(noise: list[int], step: int) -> None:
    """Bounded noise never hides a larger step, and the interval holds the true one."""
    growth = verdict_on(0, *(step * i + n for i, n in enumerate(noise)))
    assert growth.verdict == "leak"
    assert growth.low - 1 <= step / 100 <= growth.high + 1


@given(st.lists(st.floats(-1e12, 1e12), min_size=1, max_size=60))
def test_any_series_has_a_verdict_in_the_end(values: list[float]) -> None:
    """Whatever was read, the last call answers, and its figures are in order."""
    growth = verdict_on(0, *values)
    assert growth.low <= growth.high
    assert growth.resolution >= 0


def test_a_count_that_rises_rarely_is_not_clean_between_two_rises() -> None:
    """One descriptor at every thirtieth run: quiet for longer is what tells that it stopped."""
    rare = [run // 30 for run in range(85)]
    assert verdict_on(*rare, exact=True, spent=0.2, runs=1) is UNDECIDED
    late = [float(run > 20) for run in range(85)]
    assert verdict_on(*late, exact=True, spent=0.2, runs=1).verdict == "clean"


def test_a_clean_verdict_waits_to_become_fine() -> None:
    """A step that happened once makes the interval wide; a few readings later it is past."""
    late = [0.0, 0.0, 0.0, 1e6, *[1e6] * 20]
    assert verdict_on(*late[:8], spent=0) is UNDECIDED
    growth = verdict_on(*late, spent=0)
    assert growth.verdict == "clean"
    assert growth.resolution < 1
