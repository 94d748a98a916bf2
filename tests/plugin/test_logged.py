"""What a log record refers to: pytest keeps the record until the test is over, and then lets go."""

from collections.abc import Callable
from inspect import cleandoc

import pytest

Run = Callable[..., pytest.RunResult]

LOGS = """
    import logging, os, pytest

    kept = []

    class Connection:
        def __init__(self):
            self.file = open(os.devnull)

    def fetch(keep=False):
        file = open(os.devnull)
        if keep:
            kept.append(file)
        try:
            raise ConnectionError
        except ConnectionError:
            logging.exception("cannot connect")
"""


def suite(pytester: pytest.Pytester, body: str) -> None:
    """Write a suite of functions that log."""
    pytester.makepyfile(f"{cleandoc(LOGS)}\n\n{cleandoc(body)}")


def test_what_only_a_record_refers_to_is_no_leak(pytester: pytest.Pytester, run: Run) -> None:
    """Of a body or of a fixture's set-up and teardown: by a traceback's frames or an argument."""
    suite(
        pytester,
        """
        def test_traceback():
            fetch()

        def test_argument():
            logging.warning("%r failed", Connection())

        def test_caplog(caplog):
            fetch()
            assert caplog.records[0].exc_info[0] is ConnectionError
            caplog.clear()

        @pytest.fixture
        def noisy():
            fetch()
            yield
            fetch()

        @pytest.fixture(scope="module")
        def noisy_module():
            fetch()
            yield
            fetch()

        def test_fixtures(noisy, noisy_module):
            pass

        def test_last():
            pass
        """,
    )
    result = run("--ocrleak")
    result.assert_outcomes(passed=5)
    result.stdout.fnmatch_lines(["ocrleak: 7 checked, 7 clean*"])


def test_what_is_kept_elsewhere_is_a_leak_though_it_was_logged(
    pytester: pytest.Pytester, run: Run
) -> None:
    """Of the test or fixture that logged it, and of nobody else."""
    suite(
        pytester,
        """
        def test_clean():
            fetch()

        def test_keeps():
            fetch(keep=True)

        @pytest.fixture
        def keeps():
            yield
            fetch(keep=True)

        def test_fixture(keeps):
            pass

        def test_after():
            fetch()
        """,
    )
    result = run("--ocrleak")
    result.assert_outcomes(passed=4, errors=2)
    result.stdout.fnmatch_lines(
        [
            "*ERROR at teardown of test_keeps*",
            "E   *LeakError: test_keeps leaks (fds 1, 0 allowed):",
            "*kept by module test_what_* kept[[]0]",
            "*ERROR at teardown of test_fixture*",
            "E   *LeakError: fixture keeps (function) leaks (fds 1, 0 allowed):",
            "*5 checked, 3 clean, 2 leak*",
        ]
    )


def test_records_stay_for_a_fixture_that_asks_for_them(pytester: pytest.Pytester, run: Run) -> None:
    """With their tracebacks, and the report tells their text."""
    suite(
        pytester,
        """
        @pytest.fixture
        def asking(caplog):
            yield
            record, = caplog.get_records("call")
            assert record.exc_info[2].tb_frame.f_locals["file"].name == os.devnull

        def test_logs(asking):
            fetch()

        @pytest.fixture
        def failing():
            yield
            fetch()
            raise ValueError

        def test_fails(failing):
            fetch()
        """,
    )
    result = run("--ocrleak")
    result.assert_outcomes(passed=2, errors=1)
    result.stdout.fnmatch_lines(
        ["*Captured log call*", "*cannot connect", "*Captured log teardown*", "*cannot connect"]
    )
    result.stdout.fnmatch_lines(["ocrleak: 4 checked, 4 clean*"])
