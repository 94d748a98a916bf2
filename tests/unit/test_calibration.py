"""How many runs are made: to find out how many fill a batch, and of code that is slow."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_ocrleak.limits import Limits
from pytest_ocrleak.pace import Count, Pace
from pytest_ocrleak.repeat import BATCH_SECONDS, FURTHER, more, repeat


@given(st.integers(1, 1 << 40), st.floats(0, BATCH_SECONDS))
def test_each_step_goes_further_but_not_too_far(size: int, seconds: float) -> None:
    """At least twice as far, so that it ends; what leaks at times is seen before it leaks much."""
    assert 2 * size <= more(size, seconds) <= FURTHER * size


def test_the_next_step_fills_a_batch_where_the_pace_holds() -> None:
    """Twice, so that a slow first run does not cost one more step."""
    assert more(100, BATCH_SECONDS / 10) == 2000


@pytest.mark.parametrize(
    ("runs", "seconds", "judged", "verdict"),
    [
        (20, 4, 3, "leak"),
        (20, 40, 1, "unjudged"),
        ("auto", 4, 3, "leak"),
        ("auto", 40, 1, "unjudged"),
    ],
)
def test_slow_runs_get_more_time_until_bytes_can_be_judged(
    runs: Count, seconds: int, judged: int, verdict: str
) -> None:
    """Three runs of four seconds do not fit into ten; runs without an end are not waited for."""
    kept: list[bytearray] = []
    readings = repeat(
        lambda: kept.append(bytearray(1_000_000)),
        Limits(track=("heap",)),
        Pace(runs=runs, warmup=1),
        clock=lambda: seconds * len(kept),
    )
    growth = readings.growth("heap")
    assert growth is not None
    assert (growth.verdict, len(growth.series)) == (verdict, 1 + judged)
    assert len(kept) == 1 + judged + (runs == "auto")  # one finds out how long a run takes
