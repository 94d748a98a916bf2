"""From the leak to the line in a suite: who opened it, called by whom, kept by what."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Run = Callable[..., pytest.RunResult]
SUITE = """
import os
import pytest

KEPT = {}

def load(name):
    KEPT[name] = open(os.devnull)


@pytest.fixture(scope="module")
def model():
    load("model")


def test_body():
    load("body")


def test_model(model):
    pass
"""
DUP = """
import os

def test_dup():
    os.dup(0)
"""


def test_a_failure_tells_lines_callers_and_keepers(pytester: pytest.Pytester) -> None:
    """Of tests and of fixtures, with paths from the folder where pytest was started."""
    pytester.makepyfile(SUITE)
    result = pytester.runpytest_subprocess("--ocrleak")
    name = "test_a_failure_tells_lines_callers_and_keepers.py"
    result.stdout.fnmatch_lines_random(
        [
            "E  *test_body leaks (fds 1, 0 allowed):",
            f"*opened at {name}:7 in load",
            f"*called from {name}:16 in test_body",
            "*kept by module test_a_failure_* → KEPT?'body'?",
            "E  *fixture model (module) leaks (fds 1, 0 allowed):",
            f"*called from {name}:12 in model",
            "*kept by module test_a_failure_* → KEPT?'model'?",
        ]
    )


def test_origins_can_be_turned_off(pytester: pytest.Pytester) -> None:
    """The verdict stays, the lines go."""
    pytester.makepyfile(SUITE)
    pytester.makeini("[pytest]\nocrleak_origins = false")
    result = pytester.runpytest_subprocess("--ocrleak")
    result.assert_outcomes(passed=1, failed=1, errors=1)
    result.stdout.no_fnmatch_line("*opened at *")


def test_repeating_finds_the_line_that_one_pass_cannot(pytester: pytest.Pytester) -> None:
    """One pass says how: ``os.dup`` raises no event."""
    pytester.makepyfile(DUP)
    once = pytester.runpytest_subprocess("--ocrleak")
    once.stdout.fnmatch_lines(["*what has no line came from native code, os.dup or the like: *"])
    once.stdout.no_fnmatch_line("*opened at *")
    often = pytester.runpytest_subprocess("--ocrleak", "--ocrleak-runs=3")
    often.stdout.fnmatch_lines(
        ["*opened at test_repeating_finds_the_line_that_one_pass_cannot.py:4 in test_dup"]
    )
    often.stdout.fnmatch_lines(["*inside os.dup"])


def leaks(run: Run, folder: Path, *options: str) -> list[dict[str, Any]]:
    """Run the suite in a folder and return the leaks that its report tells."""
    path = folder / "report.json"
    run("--ocrleak", f"--ocrleak-report={path}", f"--rootdir={folder}", *options, str(folder))
    checks = json.loads(path.read_text("utf8"))["checks"]
    return [leak for check in checks for leak in check["leaks"]]


@pytest.mark.parametrize("options", [(), ("-n", "2")])
def test_a_report_holds_them(pytester: pytest.Pytester, run: Run, options: tuple[str, ...]) -> None:
    """Lines, keepers and a fingerprint, which neither other lines nor another folder changes."""
    prints = []
    for number in range(2):
        folder = pytester.mkdir(f"copy{number}")
        (folder / "test_app.py").write_text("\n" * number + SUITE)
        found = leaks(run, folder, *options)
        places = sorted(leak["opened_at"][1] for leak in found)
        assert places == [
            f"copy{number}/test_app.py:{13 + number} in model",
            f"copy{number}/test_app.py:{17 + number} in test_body",
        ]
        assert {leak["kept_by"][0] for leak in found} == {
            "module test_app → KEPT['model']",
            "module test_app → KEPT['body']",
        }
        prints.append({leak["fingerprint"] for leak in found})
    assert prints[0] == prints[1]


GROWING = """
import ctypes
import pytest

KEPT = []

def grab():
    KEPT.append(bytes(100_000))


@pytest.mark.ocrleak(runs=1, tolerance={"heap": "4 KiB"})
def test_once():
    grab()


@pytest.mark.ocrleak(track="heap")
def test_often():
    grab()


@pytest.mark.ocrleak(track="heap")
def test_past_everything():
    ctypes.CDLL(None).malloc(5000)


@pytest.mark.ocrleak(runs=1, tolerance={"heap": "1 MB"})
def test_accepted():
    grab()


@pytest.mark.ocrleak(runs=1, tolerance={"heap": "4 KiB"})
def test_let_go():
    bytes(100_000)
"""


def test_traced_memory_comes_with_its_stacks(pytester: pytest.Pytester) -> None:
    """A test that fails on bytes is run some more, whether it ran once or often before."""
    pytest.importorskip("memray", reason="memray does not run on Windows")
    pytester.makepyfile(GROWING)
    result = pytester.runpytest_subprocess("--ocrleak-trace", "-p", "no:randomly")
    result.assert_outcomes(passed=2, failed=3)
    name = "test_traced_memory_comes_with_its_stacks.py"
    for test, line in (("test_once", 12), ("test_often", 17)):
        result.stdout.fnmatch_lines(
            [
                f"*{test} leaks (heap 10[0-2].* KB*",
                "*heap: gr* by 10[0-2].* KB*",
                f"*allocated at {name}:7 in grab",
                f"*called from {name}:{line} in {test}",
                "*kept by module test_traced* → KEPT*",
                "*heap, by the stacks that allocate it:",
                "*100.* KB per run in 1* block*, allocated by",
            ]
        )
    result.stdout.fnmatch_lines(["*memray sees 0 B of the 5.0 KB per run*"])


def test_without_tracing_nothing_is_run_again(pytester: pytest.Pytester) -> None:
    """One pass stays one pass."""
    pytester.makepyfile(GROWING + "\n\ndef teardown_module():\n    print('kept', len(KEPT))\n")
    result = pytester.runpytest_subprocess("-s", "-k", "once or let_go")
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(["*kept 1"])
    result.stdout.no_fnmatch_line("*by the stacks*")


LATE = """
import os
import pytest

CALLS = []

@pytest.mark.ocrleak(runs=6, warmup=1, track="fds")
def test_late():
    CALLS.append(1)
    if len(CALLS) > {calls}:
        raise {error}
    os.dup(0)
"""


@pytest.mark.parametrize(
    ("error", "line"),
    [
        ("ValueError", "E  *test_late leaks (fds *"),
        ("KeyboardInterrupt", "*! KeyboardInterrupt !*"),
    ],
)
def test_a_run_too_many_leaves_the_verdict(
    pytester: pytest.Pytester, error: str, line: str
) -> None:
    """A test that fails when it is run once more to tell the line is one that leaks."""
    pytester.makepyfile(LATE.format(calls=8, error=error))
    pytester.runpytest_subprocess("--ocrleak").stdout.fnmatch_lines([line])
