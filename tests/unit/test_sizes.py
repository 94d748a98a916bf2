"""Sizes as people write them, and as they are told: what is told can be typed."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pytest_ocrleak.sizes import human, parse


@given(st.floats(1e-3, 1e15))
@example(999.7)
@example(999.96e3)
@example(0.0)
def test_what_is_told_can_be_typed(amount: float) -> None:
    """To the digits that are shown."""
    assert parse(human(amount)) == pytest.approx(amount, rel=0.06, abs=1e-3)
