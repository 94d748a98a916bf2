"""How pytest tells what failed: as shortly of a method or a doctest as of a plain function."""

from collections.abc import Callable

import pytest

Run = Callable[..., pytest.RunResult]
LEAKS = '''
import unittest

import pytest

kept = []

@pytest.fixture
def plain():
    yield
    kept.append(open("/dev/null"))

def test_plain(plain): pass

class TestMethod:
    def setup_method(self): kept.append(open("/dev/null"))
    def test_method(self): pass

class TestCase(unittest.TestCase):
    def setUp(self): kept.append(open("/dev/null"))
    def test_case(self): pass

def documented():
    """
    >>> kept.append(open("/dev/null"))
    """
'''
BOTH = """
import pytest

kept = []

@pytest.fixture(scope="class")
def wide():
    yield
    kept.append(open("/dev/zero"))

class TestBoth:
    def setup_method(self): kept.append(open("/dev/null"))
    def test_both(self, wide): pass
"""


def test_a_leak_is_told_without_the_code_that_found_it(pytester: pytest.Pytester, run: Run) -> None:
    """Each failure is its own sentence, and pytest's own code nowhere."""
    pytester.makepyfile(test_it=LEAKS)
    result = run("--ocrleak", "--doctest-modules")
    result.assert_outcomes(passed=2, failed=2, errors=2)
    told = result.stdout.str()
    for each in ("fixture plain", "fixture setup_method", "test_case", "test_it.documented"):
        assert f"\nE   pytest_ocrleak.LeakError: {each} " in told
    assert told.count("LeakError") == 8
    assert "pluggy/" not in told
    assert "hidden" not in told


def test_a_leak_is_placed_at_its_test(pytester: pytest.Pytester, run: Run) -> None:
    """Not in a line of pytest's."""
    pytester.makepyfile(test_it=LEAKS)
    result = run("--ocrleak", "--doctest-modules", "--tb=line")
    places = {line.partition(": ")[0] for line in result.outlines if ": pytest_ocrleak" in line}
    assert places == {"test_it.py:20", "test_it.py:23"}


def test_all_code_is_shown_to_who_asks_for_it(pytester: pytest.Pytester, run: Run) -> None:
    """Of a doctest as of any test."""
    pytester.makepyfile(test_it=LEAKS)
    result = run("--ocrleak", "--doctest-modules", "--full-trace", "-k", "plain or documented")
    assert result.stdout.str().count("teardown.send(result)") >= 2


def test_several_leaks_of_a_method_are_told_shortly(pytester: pytest.Pytester, run: Run) -> None:
    """As a group."""
    pytester.makepyfile(BOTH)
    result = run("--ocrleak")
    result.assert_outcomes(passed=1, errors=1)
    told = result.stdout.str()
    assert "| pytest_ocrleak.LeakError: fixture setup_method" in told
    assert "| pytest_ocrleak.LeakError: fixture wide" in told
    assert "pluggy/" not in told
    assert "hidden" not in told


def test_an_error_in_the_teardown_of_a_method_that_may_leak_is_told_shortly(
    pytester: pytest.Pytester, run: Run
) -> None:
    """With the user's code, and none of pytest's."""
    pytester.makepyfile(
        """
        kept = []

        class TestMethod:
            def setup_method(self): kept.append(open("/dev/null"))
            def teardown_method(self): raise ValueError("not closed")
            def test_method(self): pass
        """
    )
    result = run("--ocrleak", "-o", "ocrleak_tolerance=fds = 1")
    result.assert_outcomes(passed=1, errors=1)
    result.stdout.fnmatch_lines(["*raise ValueError*"])
    assert "pluggy/" not in result.stdout.str()


def test_a_leak_that_stays_under_reruns_is_told_like_any(
    pytester: pytest.Pytester, run: Run
) -> None:
    """Its reports come when its checks are told already."""
    pytester.makepyfile(test_it=LEAKS)
    for look in ("--tb=short", "--tb=line"):
        result = run("--ocrleak", "--reruns", "1", "-k", "test_case", look)
        told = result.stdout.str()
        assert "pytest_ocrleak.LeakError: test_case leaks" in told
        assert "hidden" not in told
        assert "skipping.py" not in told
    result.stdout.fnmatch_lines(["test_it.py:20: pytest_ocrleak.LeakError: test_case leaks *"])


def test_growth_that_stays_under_reruns_is_shown_reading_by_reading(
    pytester: pytest.Pytester, run: Run
) -> None:
    """Once, under the try that counts."""
    pytester.makepyfile("kept = []\ndef test_grows(): kept.append(open(__file__))")
    result = run("-v", "--ocrleak-runs=5", "--ocrleak", "--reruns", "1")
    assert result.stdout.str().count("growth per run, reading by reading") == 1
    result.stdout.fnmatch_lines(["fds: 1 1 1 1 1*", "ocrleak: 2 checked, 2 leak*"])


@pytest.mark.parametrize("asked", [[], ["--ocrleak"]], ids=["marked", "all"])
def test_a_wrong_marker_is_one_sentence_of_workers_too(
    pytester: pytest.Pytester, run: Run, asked: list[str]
) -> None:
    """The same as without them, with the same exit code."""
    pytester.makepyfile(
        """
        import pytest

        @pytest.mark.ocrleak(runs=0)
        def test_it(): pass

        def test_other(): pass
        """
    )
    alone = run(*asked)
    several = run("-n", "2", *asked)
    for result in (alone, several):
        assert result.ret == pytest.ExitCode.USAGE_ERROR
        told = f"{result.stdout.str()}\n{result.stderr.str()}"
        assert told.count("@pytest.mark.ocrleak: runs=0: write 'auto' or a whole number") == 1
        assert "INTERNALERROR" not in told
    assert [line for line in alone.errlines if line] == [line for line in several.errlines if line]
