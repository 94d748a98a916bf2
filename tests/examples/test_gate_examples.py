"""The example that gates the engine does what it says; `test_readme` has the one that proves it."""

from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[2] / "examples"


def test_the_gate_passes_in_a_users_suite(pytester: pytest.Pytester) -> None:
    """Copied beside other tests, fixture and tests pass and are counted; none leaks.

    On a very busy machine a check may run out of time before every meter is decided.
    """
    pytester.copy_example(str(EXAMPLES / "test_engine_gate.py"))
    (pytester.path / "images").symlink_to(EXAMPLES / "images")
    result = pytester.runpytest_subprocess()
    result.assert_outcomes(passed=4)
    counted = r"ocrleak: 3 checked, (3 clean|[012] clean, [123] inconclusive) ·"
    result.stdout.re_match_lines([counted])
