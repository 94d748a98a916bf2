"""What comes while others are waited for to end: it is theirs, or of who holds it."""

from collections.abc import Callable
from inspect import cleandoc

import pytest

Run = Callable[..., pytest.RunResult]

LATER = """
    import gc, os, threading
    import pytest

    kept = []

    def after_the_body():
        '''Return what is set while the plugin looks at what the body left: it collects garbage.'''
        begun, late = [], threading.Event()

        def collected(phase, info):
            begun.append(phase)
            if begun.count("start") == 4:
                late.set()

        gc.disable()
        gc.callbacks.append(collected)
        return late

    @pytest.fixture(autouse=True)
    def no_callbacks():
        yield
        gc.callbacks.clear()
        gc.enable()
"""


def suite(pytester: pytest.Pytester, body: str) -> None:
    """Write a suite of tests in which something comes later."""
    pytester.makepyfile(f"{cleandoc(LATER)}\n\n{cleandoc(body)}")


def test_what_a_tests_thread_opens_when_the_body_is_over_is_the_tests(
    pytester: pytest.Pytester, run: Run
) -> None:
    """Also where the thread ends, or had another begin; what is closed in time is no leak."""
    suite(
        pytester,
        """
        def keeps(late):
            late.wait()
            kept.append(open(os.devnull))

        def closes(late):
            late.wait()
            with open(os.devnull):
                pass

        def begins(late):
            late.wait()
            threading.Thread(target=keeps, args=(late,)).start()

        @pytest.mark.parametrize("work", [keeps, begins, closes])
        def test_thread(work):
            threading.Thread(target=work, args=(after_the_body(),), daemon=True).start()

        def test_last():
            pass
        """,
    )
    result = run("--ocrleak", "--ocrleak-track=fds,threads")
    result.assert_outcomes(passed=2, failed=2)
    result.stdout.fnmatch_lines(
        [
            "E   *LeakError: test_thread[[]keeps] leaks (fds 1, 0 allowed):",
            "E   *LeakError: test_thread[[]begins] leaks (fds 1, 0 allowed):",
            "ocrleak: 8 checked, 6 clean, 2 leak*",
        ]
    )


def test_what_a_living_fixture_takes_meanwhile_is_the_fixtures(
    pytester: pytest.Pytester, run: Run
) -> None:
    """What it keeps elsewhere is not."""
    suite(
        pytester,
        """
        @pytest.fixture(scope="module")
        def pool():
            made = []
            yield made
            for file in made:
                file.close()

        @pytest.mark.parametrize("elsewhere", [False, True])
        def test_pool(pool, elsewhere):
            late = after_the_body()

            def takes():
                late.wait()
                (kept if elsewhere else pool).append(open(os.devnull))

            threading.Thread(target=takes).start()
        """,
    )
    result = run("--ocrleak")
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(["E   *LeakError: test_pool[[]True] leaks (fds 1, *"])
