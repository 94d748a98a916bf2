"""Entries of the baseline whose place is a glob, in whole and in partial runs."""

from collections.abc import Callable
from pathlib import Path

import pytest

from pytest_ocrleak.baseline import Baseline, Entry
from pytest_ocrleak.baseline_file import written

Run = Callable[..., pytest.RunResult]
GLOB = "*test_*.py*"
LEAKS = """
import pytest

kept = []

def test_one(): kept.append(open("/dev/null"))
def test_two(): kept.append(open("/dev/zero"))

@pytest.fixture(scope="module")
def wide():
    yield
    kept.append(open("/dev/full"))

def test_wide(wide): pass
"""
LESS = LEAKS.replace('kept.append(open("/dev/null"))', "pass")
CLEAN = "def test_clean(): pass"
KNOWN = {  # with what --ocrleak-update-baseline calls them, everywhere
    "/dev/full": "70a5aad994b01906",
    "/dev/null": "09a6c80ef08dc7f8",
    "/dev/zero": "d229a0a81fcfa6da",
}


@pytest.fixture
def known(pytester: pytest.Pytester) -> Path:
    """Return the baseline of a suite with three leaks, all of its places the same glob."""
    pytester.makepyfile(test_leaks=LEAKS, test_clean=CLEAN)
    entries = [Entry(GLOB, "fds", what, fingerprint) for what, fingerprint in KNOWN.items()]
    path = pytester.path / "known.toml"
    path.write_text(written(Baseline(tuple(entries))), "utf8")
    return path


@pytest.fixture
def gate(run: Run, known: Path) -> Run:
    """Run the suite against that baseline."""
    return lambda *arguments: run("--ocrleak", f"--ocrleak-baseline={known}", *arguments)


@pytest.mark.parametrize(
    "part",
    [
        ["-k", "two"],
        ["-k", "two", "-n", "2"],
        ["test_clean.py"],
        ["test_leaks.py::test_two"],
        ["--deselect=test_leaks.py::test_one"],
        ["--ignore=test_leaks.py"],
    ],
    ids=" ".join,
)
def test_a_part_of_the_suite_proves_nothing_of_a_glob(
    gate: Run, known: Path, part: list[str]
) -> None:
    """Any of the tests that did not run may be the one that leaks."""
    before = known.read_text("utf8")
    result = gate("--ocrleak-strict", "--ocrleak-update-baseline", *part)
    assert result.ret == pytest.ExitCode.OK
    result.stdout.no_fnmatch_line("*known leaks are gone*")
    result.stdout.fnmatch_lines(["ocrleak: known.toml: 3 known leaks, 0 new, 0 taken out"])
    assert known.read_text("utf8") == before


def test_a_folder_of_the_suite_proves_nothing_of_a_glob(
    pytester: pytest.Pytester, gate: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody named a path, but pytest begins where it is started."""
    pytester.makeini("[pytest]")
    folder = pytester.mkdir("sub")
    (folder / "test_sub.py").write_text("def test_in_a_folder(): pass", "utf8")
    monkeypatch.chdir(folder)
    result = gate("--ocrleak-strict")
    assert result.ret == pytest.ExitCode.OK
    result.stdout.no_fnmatch_line("*known leaks are gone*")


@pytest.mark.parametrize("workers", [[], ["-n", "2"]], ids=["one", "two workers"])
def test_the_whole_suite_proves_a_glob(
    pytester: pytest.Pytester, gate: Run, known: Path, workers: list[str]
) -> None:
    """What no test leaves any more is told, fails a strict run, and is taken out."""
    assert gate("--ocrleak-strict", *workers).ret == pytest.ExitCode.OK
    pytester.makepyfile(test_leaks=LESS)
    result = gate("--ocrleak-strict", *workers)
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(["ocrleak: 1 of 3 known leaks are gone, *dev/null (*"])
    result = gate("--ocrleak-update-baseline", *workers)
    result.stdout.fnmatch_lines(["ocrleak: known.toml: 2 known leaks, 0 new, 1 taken out"])
    assert "/dev/null" not in known.read_text("utf8")


def test_without_all_tests_checked_nothing_is_proven_of_a_glob(
    pytester: pytest.Pytester, run: Run, known: Path
) -> None:
    """Nor where one was skipped, nor where a meter was not read."""
    part = "import pytest\n@pytest.mark.{}\ndef test_clean(): pass"
    every = ["--ocrleak-strict", f"--ocrleak-baseline={known}"]
    pytester.makepyfile(test_leaks=LESS)
    for arguments, clean in (
        ([], "ocrleak(runs=1)"),
        (["--ocrleak"], "skip"),
        (["--ocrleak"], "ocrleak(runs=1, track='threads')"),
    ):
        pytester.makepyfile(test_clean=part.format(clean))
        result = run(*every, *arguments)
        assert result.ret == pytest.ExitCode.OK
        result.stdout.no_fnmatch_line("*known leaks are gone*")
