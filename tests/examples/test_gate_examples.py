"""The examples that prove and gate the engine do what they say."""

import re
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[2] / "examples"


def test_the_proof_runs_and_the_careless_engine_is_caught(proof: str) -> None:
    """Text, a clean table, and the leak by name; exit code 0."""
    text, clean, caught = proof.split("\n== ")
    assert "spiritual gifts" in text
    assert "clean" in clean
    assert not re.search("leak|inconclusive|unjudged", clean)
    assert "CarelessEngine leaks (threads " in caught


def test_the_gate_passes_in_a_users_suite(pytester: pytest.Pytester) -> None:
    """Copied beside other tests, fixture and tests pass and are counted."""
    pytester.copy_example(str(EXAMPLES / "test_engine_gate.py"))
    (pytester.path / "images").symlink_to(EXAMPLES / "images")
    result = pytester.runpytest_subprocess()
    result.assert_outcomes(passed=4)
    result.stdout.fnmatch_lines(["ocrleak: 3 checked, 3 clean*"])
