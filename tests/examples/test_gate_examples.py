"""The example that gates the engine does what it says; `test_readme` has the one that proves it."""

from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[2] / "examples"


def test_the_gate_passes_in_a_users_suite(pytester: pytest.Pytester) -> None:
    """Copied beside other tests, fixture and tests pass and are counted."""
    pytester.copy_example(str(EXAMPLES / "test_engine_gate.py"))
    (pytester.path / "images").symlink_to(EXAMPLES / "images")
    result = pytester.runpytest_subprocess()
    result.assert_outcomes(passed=4)
    result.stdout.fnmatch_lines(["ocrleak: 3 checked, 3 clean*"])
