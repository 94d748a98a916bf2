"""A tolerance for things: what every test or fixture may leave."""

import pytest

SUITE = """
    import os
    import pytest

    @pytest.fixture
    def two():
        yield
        os.dup(0), os.dup(0)

    def test_one(): os.dup(0)
    def test_two(): os.dup(0), os.dup(0)
    def test_fixture(two): pass
    @pytest.mark.ocrleak(runs=1, tolerance={"fds": 2})
    def test_marked(): os.dup(0), os.dup(0)
"""


def test_one_thing_may_stay_and_two_may_not(pytester: pytest.Pytester) -> None:
    """In one pass, too: actual and allowed are told."""
    pytester.makepyfile(SUITE)
    pytester.makeini("[pytest]\nocrleak_tolerance = fds = 1")
    result = pytester.runpytest_subprocess("--ocrleak", "-rA")
    result.assert_outcomes(passed=3, failed=1, errors=1)
    result.stdout.fnmatch_lines_random(
        [
            "PASSED *::test_one",
            "PASSED *::test_marked",
            "*test_two leaks (fds 2, 1 allowed)*",
            "*fixture two (function) leaks (fds 2, 1 allowed)*",
        ]
    )
