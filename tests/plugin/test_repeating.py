"""Tests that are repeated: growth per run, told as the one test that each of them is."""

import sys
from collections.abc import Callable
from typing import Any

import pytest

Run = Callable[..., pytest.RunResult]
Leaking = Callable[[], set[tuple[str, str]]]
Checks = Callable[[], list[dict[str, Any]]]

GROWING = {("test", "test_grows"), ("test", "test_fixture_grows"), ("test", "test_descriptors")}


def test_growth_per_run_is_judged(suite: Run, leaking: Leaking, checks: Checks) -> None:
    """Of tests of every kind, with function-scoped fixtures anew; each is one test in the report.

    Parameters, asyncio, anyio, unittest and subtests; with what pytest keeps of a run (output,
    records, warnings, temp folders) cleared after each.
    """
    always = ("-v", "-p", "pytest_asyncio.plugin", "-p", "anyio.pytest_plugin")
    result = suite("repeats", "--ocrleak-runs", "auto", *always)
    assert leaking() == GROWING
    outcomes = result.parseoutcomes()
    assert outcomes["failed"] == len(GROWING) + 1
    assert outcomes["warnings"] == 1
    assert not {"errors", "skipped"} & outcomes.keys()
    runs = {check["name"]: check["runs"] for check in checks() if check["kind"] == "test"}
    assert min(runs.values()) > 10
    result.stdout.fnmatch_lines(
        [
            "E   *test_grows leaks (heap * per run, 0 B allowed*) after * runs:",
            "*try: *",
            "*growth per run, reading by reading*",
            "heap: *1.0 KB 1.0 KB 1.0 KB*",
            "*assert 3 < 3",
        ]
    )
    lines = result.stdout.lines
    assert len([line for line in lines if "::test_subtests SUBPASS" in line]) <= 2
    assert not [line for line in lines if "printed" in line and "Captured" in line]


def test_a_number_of_runs(suite: Run, checks: Checks) -> None:
    """As many as asked for are judged; what shows and times tests tells of one."""
    arguments = ("-k", "test_clean or test_output", "--setup-show", "--durations=2", "-rP")
    result = suite("repeats", "--ocrleak-runs=20", *arguments)
    result.assert_outcomes(passed=2, deselected=None)
    runs = {check["name"]: check["runs"] for check in checks() if check["kind"] == "test"}
    assert runs == {"test_clean": 21, "test_output": 21}
    text = result.stdout.str()
    assert text.count("SETUP    F resource") == 1
    assert text.count("\nprinted\n") == 1
    assert text.count("logged") <= 2 * 2  # the call's record, under each test


def test_the_marker_says_how(pytester: pytest.Pytester, checks: Checks) -> None:
    """Marked tests alone are checked where nothing else is asked for."""
    pytester.makepyfile(
        """
        import pytest

        kept = []

        @pytest.mark.ocrleak
        def test_grows():
            kept.append(bytearray(1000))

        @pytest.mark.ocrleak(tolerance={"heap": "4 KiB", "rss": "64 KiB", "pyblocks": 10})
        def test_accepted():
            kept.append(bytearray(1000))

        @pytest.mark.ocrleak(runs=30, track=["fds"])
        def test_fds():
            kept.append(bytearray(1000))

        @pytest.mark.ocrleak(runs=3, warmup=0, ignore=["fds:*.py  # by design"], track="fds")
        def test_ignored():
            kept.append(open(__file__))

        def test_unmarked():
            kept.append(open(__file__))
        """
    )
    result = pytester.runpytest_subprocess("--ocrleak-report=report.json")
    result.assert_outcomes(passed=4, failed=1)
    found = {check["name"]: check for check in checks()}
    assert set(found) == {"test_grows", "test_accepted", "test_fds", "test_ignored"}
    assert set(found["test_fds"]["meters"]) == {"fds"}
    assert (found["test_fds"]["runs"], found["test_ignored"]["runs"]) == (31, 3)
    assert found["test_accepted"]["meters"]["heap"]["accepted"] == 4096


def test_doctests(pytester: pytest.Pytester, checks: Checks) -> None:
    """In modules and in text; their names are there in each run."""
    pytester.makepyfile(
        """
        kept = []

        def one():
            '''
            >>> one()
            1
            '''
            return 1

        def grows():
            '''
            >>> grows()
            '''
            kept.append(bytearray(1000))
        """
    )
    pytester.maketxtfile(test_text=">>> 1 + 1\n2\n")
    result = pytester.runpytest_subprocess(
        "--doctest-modules", "--ocrleak", "--ocrleak-runs=auto", "--ocrleak-report=report.json"
    )
    result.assert_outcomes(passed=2, failed=1)
    assert {check["verdict"] for check in checks()} == {"clean", "leak"}


def test_hypothesis_coverage_and_timeout(
    pytester: pytest.Pytester, run: Run, checks: Checks
) -> None:
    """Given examples, measured lines, and a time limit that counts for all runs."""
    pytester.makepyfile(
        """
        import time
        import pytest
        from hypothesis import HealthCheck, given, settings, strategies

        @settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
        @given(strategies.lists(strategies.integers()))
        def test_sorted(numbers):
            assert sorted(sorted(numbers)) == sorted(numbers)

        @pytest.mark.timeout(3)
        def test_slow():
            time.sleep(0.05)
        """
    )
    always = ("--ocrleak", "--ocrleak-runs=auto", "--cov=.", "--ocrleak-report=report.json")
    result = run(*always, plugins=("hypothesis", "timeout", "randomly"))
    result.assert_outcomes(passed=2)
    assert {check["verdict"] for check in checks()} == {"clean"}


def test_stopping_and_debugging(pytester: pytest.Pytester) -> None:
    """-x stops at the first leak, --lf tries it again, --pdb stops in a further run that fails."""
    pytester.makepyfile(
        """
        kept = []

        def test_leaks():
            kept.append(open(__file__))

        def test_fails_later():
            kept.append(1)
            assert len(kept) < 3
        """
    )
    always = ("--ocrleak", "--ocrleak-runs=4", "--ocrleak-track=fds")
    result = pytester.runpytest_subprocess("-x", *always)
    result.assert_outcomes(failed=1)
    result = pytester.runpytest_subprocess("--lf", *always)
    result.assert_outcomes(failed=1, deselected=None)
    command = (sys.executable, "-m", "pytest", "--pdb", "-k", "later", *always)
    result = pytester.run(*command, stdin=b"p 'three: ' + str(len(kept))\nq\n")
    result.stdout.fnmatch_lines(["*three: 3*"])
