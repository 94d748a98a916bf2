"""How many runs are made to find out how many fill a batch."""

from hypothesis import given
from hypothesis import strategies as st

from pytest_ocrleak.repeat import BATCH_SECONDS, FURTHER, more


@given(st.integers(1, 1 << 40), st.floats(0, BATCH_SECONDS))
def test_each_step_goes_further_but_not_too_far(size: int, seconds: float) -> None:
    """At least twice as far, so that it ends; what leaks at times is seen before it leaks much."""
    assert 2 * size <= more(size, seconds) <= FURTHER * size


def test_the_next_step_fills_a_batch_where_the_pace_holds() -> None:
    """Twice, so that a slow first run does not cost one more step."""
    assert more(100, BATCH_SECONDS / 10) == 2000
