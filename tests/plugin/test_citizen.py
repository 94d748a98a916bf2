"""A good citizen: reruns, crashes and errors of its own; options that explain themselves."""

from collections.abc import Callable
from typing import Any

import pytest

Run = Callable[..., pytest.RunResult]
Checks = Callable[[], list[dict[str, Any]]]


def test_what_leaked_stays_red_when_it_is_tried_again(suite: Run) -> None:
    """And a rerun is not blamed for what a try left that failed for a reason of its own."""
    result = suite("reruns", "--reruns", "2")
    outcomes = result.parseoutcomes()
    assert (outcomes["failed"], outcomes["errors"], outcomes["rerun"]) == (2, 2, 8)
    result.stdout.fnmatch_lines(["FAILED *::test_leaks_once - *"])
    text = result.stdout.str()
    assert "ERROR test_reruns.py::test_fails_to_the_last - " in text  # the module's fixture
    for fine in ("test_fails_once", "test_closes_at_last"):
        assert f"FAILED test_reruns.py::{fine}" not in text
        assert f"ERROR test_reruns.py::{fine}" not in text


def test_a_crashed_worker_leaves_what_was_known(
    pytester: pytest.Pytester, run: Run, checks: Checks
) -> None:
    """The leak before the crash is in the report, and so is what came after it elsewhere."""
    pytester.makepyfile(
        """
        import os

        kept = []

        def test_leaks():
            kept.append(open(__file__))

        def test_crashes():
            os._exit(1)

        def test_after():
            pass
        """
    )
    result = run("--ocrleak", "-n", "1", "--ocrleak-report=report.json")
    outcomes = result.parseoutcomes()
    assert (outcomes["failed"], outcomes["passed"]) == (2, 1)
    verdicts = {check["name"]: check["verdict"] for check in checks() if check["kind"] == "test"}
    assert verdicts == {"test_leaks": "leak", "test_after": "clean"}


def test_a_fixture_that_ends_after_the_last_test_is_told(pytester: pytest.Pytester) -> None:
    """As when a session stops early; the exit code says so, from a worker, too."""
    pytester.makepyfile(
        """
        import pytest

        kept = []

        @pytest.fixture(scope="session")
        def wide():
            kept.append(open(__file__))

        def test_last(wide, request):
            request.session.shouldstop = "enough"

        def test_never():
            pass
        """
    )
    pytester.makeconftest(
        """
        import pytest

        @pytest.hookimpl(wrapper=True, tryfirst=True)
        def pytest_runtest_teardown(item, nextitem):
            '''Keep wider fixtures until the session ends.'''
            item.session._setupstate.teardown_exact(item.parent)
            return None
            yield
        """
    )
    result = pytester.runpytest_subprocess("--ocrleak")
    assert "fixture wide (session) leaks (fds 1, 0 allowed)" in result.stdout.str()
    assert result.ret != pytest.ExitCode.OK


def test_an_error_of_ours_changes_no_outcome(pytester: pytest.Pytester, run: Run) -> None:
    """It is told in the summary with its place, and nothing is checked from there on."""
    pytester.makeconftest(
        """
        from pytest_ocrleak import watch

        def broken(*_):
            raise RuntimeError("a defect")

        watch.Watch.left = broken
        """
    )
    pytester.makepyfile(
        """
        kept = []

        def test_a():
            kept.append(open(__file__))

        def test_b():
            kept.append(open(__file__))
        """
    )
    for processes in ((), ("-n", "1")):
        result = run("--ocrleak", *processes)
        result.assert_outcomes(passed=2)
        result.stdout.fnmatch_lines(
            ["ocrleak: internal error in *, nothing was checked from there on: *a defect*"]
        )


def test_a_meter_that_fails_is_told_once(pytester: pytest.Pytester) -> None:
    """The others go on, and nothing that it told before counts as gone."""
    pytester.makeconftest(
        """
        import dataclasses
        from pytest_ocrleak.meters import METERS

        def broken():
            raise RuntimeError("no threads here")

        METERS["threads"] = dataclasses.replace(METERS["threads"], take=broken)
        """
    )
    pytester.makefile(
        ".toml",
        known="""
        [[leak]]
        where = "test_lost.py::test_thread"
        meter = "threads"
        what = "a thread"
        fingerprint = "0123456789abcdef"
        """,
    )
    pytester.makepyfile(
        test_lost="""
        import threading, time

        kept = []

        def test_thread():
            threading.Thread(target=time.sleep, args=(9,), daemon=True).start()

        def test_file():
            kept.append(open(__file__))
        """
    )
    result = pytester.runpytest_subprocess("--ocrleak", "--ocrleak-baseline=known.toml")
    result.assert_outcomes(passed=1, failed=1)
    text = result.stdout.str()
    assert "are gone" not in text
    assert text.count("threads unavailable (RuntimeError: no threads here)") == 1


@pytest.mark.parametrize(
    ("arguments", "marker", "says"),
    [
        (["--ocrleak-runs=often"], "", "ocrleak_runs: runs='often': write 'auto' or a whole"),
        (["--ocrleak-runs=0"], "", "ocrleak_runs: runs=0: write 'auto' or a whole number"),
        ([], "ocrleak(runs=0)", "::test_a: @pytest.mark.ocrleak: runs=0: write 'auto'"),
        ([], "ocrleak(5)", "name its arguments: runs, warmup, track, tolerance"),
        ([], "ocrleak(track='heep')", "'heep' is no meter: did you mean 'heap'?"),
        ([], "ocrleak(tolerance={'heap': 'much'})", "'much' is not a size"),
        ([], "ocrleak(time_limit=-1)", "time_limit=-1: write a number of seconds above 0"),
        ([], "ocrleak(times=3)", "times is no argument of it: there are runs"),
        (["--ocrleak"], "no_ocrleak", "write why: no_ocrleak(reason='…')"),
    ],
)
def test_wrong_values_are_usage_errors(
    pytester: pytest.Pytester, arguments: list[str], marker: str, says: str
) -> None:
    """One sentence with what, where and what to write, and no test runs."""
    mark = f"@pytest.mark.{marker}\n" if marker else ""
    pytester.makepyfile(f"import pytest\n{mark}def test_a(): pass")
    result = pytester.runpytest_subprocess(*arguments)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert says in result.stderr.str() + result.stdout.str()
    assert "Traceback" not in result.stderr.str()


def test_options_and_markers_explain_themselves(pytester: pytest.Pytester) -> None:
    """Each stands in pytest's own help, and the ini file says the same as the command line."""
    text = pytester.runpytest_subprocess("--help").stdout.str()
    for name in ("", "-off", "-runs", "-track", "-require", "-strict", "-report"):
        assert f"--ocrleak{name}" in text
    for name in ("", "_runs", "_track", "_require", "_strict", "_ignore", "_tolerance"):
        assert f"\n  ocrleak{name} (" in text
    text = pytester.runpytest_subprocess("--markers").stdout.str()
    assert "@pytest.mark.ocrleak(runs='auto', warmup='auto'" in text
    assert "@pytest.mark.no_ocrleak(reason)" in text


def test_the_ini_file_checks_everything(pytester: pytest.Pytester) -> None:
    """And --ocrleak-off nothing."""
    pytester.makepyfile("kept = []\ndef test_a(): kept.append(open(__file__))")
    pytester.makeini("[pytest]\nocrleak = true\nocrleak_runs = 5\n")
    result = pytester.runpytest_subprocess()
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*test_a leaks (fds 1 per run, 0 allowed) after 6 runs:"])
    result = pytester.runpytest_subprocess("--ocrleak-off")
    result.assert_outcomes(passed=1)
    assert "checked" not in result.stdout.str()


def test_nothing_is_loaded_where_nothing_is_checked(pytester: pytest.Pytester) -> None:
    """Installed and idle, it costs no import."""
    pytester.makepyfile(
        """
        import sys

        def test_loaded():
            loaded = {name for name in sys.modules if name.startswith("pytest_ocrleak")}
            assert loaded == {"pytest_ocrleak", "pytest_ocrleak.plugin", "pytest_ocrleak.declare"}
        """
    )
    pytester.runpytest_subprocess().assert_outcomes(passed=1)
