"""Whose a leak is: every test and every fixture, checked after its own finalizer."""

from collections.abc import Callable
from typing import Any

import pytest
from reports import valid_report

Run = Callable[..., pytest.RunResult]
Leaking = Callable[[], set[tuple[str, str]]]
Checks = Callable[[], list[dict[str, Any]]]

FIXTURES = {
    ("function", "function_setup"),
    ("function", "function_teardown"),
    ("function", "function_finalizer"),
    ("function", "fails_in_setup_and_leaks"),
    ("function", "leaks_and_fails_in_teardown"),
    ("class", "class_setup"),
    ("module", "module_teardown[one]"),
    ("module", "module_teardown[two]"),
    ("module", "module_autouse"),
    ("package", "package_setup"),
    ("session", "session_setup"),
}
BODIES = {
    ("test", "test_file"),
    ("test", "test_thread"),
    ("test", "test_child"),
    ("test", "test_temp_file"),
    ("test", "test_beside_a_pool"),
    ("test", "test_descriptor_beside_a_pool"),
    ("test", "test_patched_beside"),
    ("test", "test_descriptor_beside_data"),
    ("test", "test_mapping_beside_data"),
    ("test", "test_leak"),
    ("class", "setUpClass"),
    ("session", "careless_pool"),
}


@pytest.mark.parametrize(
    "processes", [(), ("-n", "2"), ("-n", "2", "--dist", "worksteal")], ids=" ".join
)
def test_a_fixture_is_charged_with_what_it_leaks(
    suite: Run, leaking: Leaking, checks: Checks, processes: tuple[str, ...]
) -> None:
    """By name and scope, and nobody else: not the test, not the next one, not a narrower fixture.

    The same from one process and from several.
    """
    suite("scopes", *processes)
    assert leaking() == FIXTURES
    places = {check["name"]: check["nodeid"].rpartition("::")[2] for check in checks()}
    assert places["function_setup"] == "test_function_setup"
    assert places["class_setup"] == ("test_second" if not processes else places["class_setup"])


def test_a_fixtures_leak_is_an_error_where_its_finalizer_ran(suite: Run) -> None:
    """The test has passed; the report names fixture, scope and thing, actual and allowed."""
    result = suite("scopes", "-k", "function_setup or test_after")
    result.assert_outcomes(passed=2, errors=2)
    result.stdout.fnmatch_lines(
        [
            "*ERROR at teardown of test_function_setup*",
            "E   *LeakError: fixture function_setup (function) leaks (fds 1, 0 allowed):",
            "*fds: /dev/null",
            '*ocrleak_ignore = [[]"fds:/dev/null  # why"[]]',
            "*ERROR at teardown of test_after*",
            "E   *fixture module_autouse (module) leaks *",
        ]
    )
    assert "hidden" not in result.stdout.str()


@pytest.mark.parametrize(
    "processes", [("-n", "0"), ("-n", "2", "--dist", "loadscope")], ids=" ".join
)
def test_a_body_is_charged_with_what_nobody_holds(
    suite: Run, leaking: Leaking, processes: tuple[str, ...]
) -> None:
    """What a living fixture holds is that fixture's, until it ends and does not close it."""
    result = suite("bodies", *processes)
    assert leaking() == BODIES
    result.stdout.fnmatch_lines(["*fixture careless_pool (session) leaks (fds 1, 0 allowed):"])
    result.stdout.fnmatch_lines(["*called from test_bodies.py:* in test_careless_pool"])


def test_nobody_is_charged_with_what_the_living_hold(suite: Run, leaking: Leaking) -> None:
    """Pools, servers and their threads and workers, collections, instances, temp folders."""
    result = suite("held")
    assert leaking() == set()
    assert not {"failed", "errors"} & result.parseoutcomes().keys()


def test_a_failed_subtest_is_the_reason(pytester: pytest.Pytester) -> None:
    """What its traceback keeps is no leak of the test."""
    pytest.importorskip("_pytest.subtests")
    pytester.makepyfile(
        """
        def test_parts(subtests):
            for number in range(3):
                with subtests.test(number=number):
                    file = open(__file__)
                    assert number != 1
        """
    )
    result = pytester.runpytest_subprocess("--ocrleak")
    result.stdout.fnmatch_lines(["FAILED *::test_parts - contains 1 failed*"])
    assert "LeakError" not in result.stdout.str()


def test_outcomes_are_those_without_the_plugin(suite: Run) -> None:
    """Failed, skipped and expected failures stay what they are, and are not judged."""
    chosen = "test_fails or expected or skipped or test_clean"
    result = suite("bodies", "-k", chosen)
    result.assert_outcomes(passed=1, failed=1, skipped=1, xfailed=1)
    result.stdout.fnmatch_lines(["ocrleak: 1 checked, 1 clean*"])


def test_a_leak_in_a_body_fails_the_test(suite: Run) -> None:
    """And not the next one."""
    result = suite("bodies", "-k", "test_file or test_after")
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(
        ["*test_file*", "E   *LeakError: test_file leaks (fds 1, 0 allowed):", "*fds: /dev/null"]
    )


def test_more_than_ten_things_are_counted(pytester: pytest.Pytester) -> None:
    """The first ten, the longest lived first, and how many more."""
    pytester.makepyfile(
        """
        kept = []

        def test_many(tmp_path):
            for number in range(13):
                kept.append((tmp_path / f"file {chr(97 + number)}").open("w"))
        """
    )
    result = pytester.runpytest_subprocess("--ocrleak")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        ["*leaks (fds 13, 0 allowed):", "*file a", "*file j", "*… and 3 more", "*try: *"]
    )
    assert "file k" not in result.stdout.str().replace("kept", "")


def test_bytes_are_judged_against_a_tolerance_alone(
    pytester: pytest.Pytester, checks: Checks
) -> None:
    """A first use is no leak, unless the user said how much one pass may leave."""
    pytester.makepyfile(
        """
        import pytest

        kept = []

        def test_takes():
            kept.append(bytearray(300_000))

        def test_takes_little():
            kept.append(bytearray(100))

        @pytest.fixture
        def takes():
            kept.append(bytearray(300_000))

        def test_fixture(takes):
            pass
        """
    )
    always = ("--ocrleak", "--ocrleak-report=report.json")
    result = pytester.runpytest_subprocess(*always)
    result.assert_outcomes(passed=3)
    meters = {check["name"]: check["meters"]["heap"] for check in checks()}
    assert meters["test_takes"]["verdict"] == "unjudged"
    assert meters["test_takes"]["per_run"] == pytest.approx(300_000, rel=0.2)
    result = pytester.runpytest_subprocess(*always, "-o", "ocrleak_tolerance=heap = 100 KB")
    result.assert_outcomes(passed=2, failed=1, errors=1)
    result.stdout.fnmatch_lines(["*fixture takes (function) leaks (heap 3* KB, 100.0 KB allowed):"])


def test_a_marker_may_track_what_the_session_does_not(pytester: pytest.Pytester) -> None:
    """The marked test is judged by its own meters, the others by those of the session."""
    pytester.makepyfile("""
        import threading, pytest

        over = threading.Event()

        def leak():
            threading.Thread(target=over.wait, daemon=True).start()

        @pytest.mark.ocrleak(track="threads", runs=1)
        def test_marked():
            leak()

        def test_unmarked():
            leak()
    """)
    result = pytester.runpytest_subprocess("--ocrleak", "--ocrleak-track=fds")
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(["*test_marked leaks (threads 1, 0 allowed):"])


def test_a_meter_that_cannot_be_read_calls_nothing_clean(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nor is it said that one pass cannot tell: each check says what the environment says."""
    monkeypatch.setenv("PYTHONMALLOC", "malloc")
    pytester.makepyfile("def test_clean(): pass")
    tolerance = ("-o", "ocrleak_tolerance=pyblocks = 10")
    result = pytester.runpytest_subprocess("--ocrleak", "--ocrleak-report=report.json", *tolerance)
    result.assert_outcomes(passed=1)
    report = valid_report(pytester.path / "report.json")
    (meters,) = (check["meters"] for check in report["checks"])
    missing = {
        name: said["reason"]
        for name, said in report["environment"]["meters"].items()
        if not said["available"]
    }
    assert "pyblocks" in missing
    assert missing == {
        name: said["reason"] for name, said in meters.items() if said["verdict"] == "unavailable"
    }


def test_asynchronous_fixtures_of_every_scope(
    pytester: pytest.Pytester, run: Run, leaking: Leaking
) -> None:
    """Of pytest-asyncio and of anyio; their event loops are theirs."""
    pytester.makepyfile(
        """
        import os
        import anyio, anyio.to_thread, asyncio, inspect, pytest, pytest_asyncio

        kept = []
        new = "loop_scope" in inspect.signature(pytest_asyncio.fixture).parameters
        of_module = {"loop_scope" if new else "scope": "module"}

        @pytest_asyncio.fixture(**{"scope": "module", **of_module})
        async def module_loop():
            server = await asyncio.start_server(lambda *_: None, "127.0.0.1", 0)
            yield server
            server.close()

        @pytest_asyncio.fixture
        async def leaks_async():
            yield
            kept.append(open(os.devnull))

        @pytest.mark.asyncio(**of_module)
        async def test_asyncio(module_loop):
            await asyncio.get_running_loop().run_in_executor(None, int)

        @pytest.mark.asyncio
        async def test_leaks(leaks_async):
            await asyncio.sleep(0)

        @pytest.fixture(params=["asyncio", "trio"])
        def anyio_backend(request):
            return request.param

        @pytest.fixture
        async def stream():
            async with await anyio.open_file(os.devnull) as file:
                yield file

        @pytest.mark.anyio
        async def test_anyio(stream):
            await anyio.to_thread.run_sync(int)
        """
    )
    always = ("--ocrleak", "--ocrleak-report=report.json")
    result = run(*always, plugins=("asyncio", "anyio"))
    assert result.parseoutcomes()["passed"] == 4
    own = {each for each in leaking() if "event_loop" not in each[1]}
    assert own == {("function", "leaks_async")}  # 0.23 leaves loops of its own
