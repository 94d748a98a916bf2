"""The gate: known leaks on file, what reports and CI show of a session, and how it ends early."""

import re
from collections.abc import Callable
from datetime import date
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from reports import valid_report

from pytest_ocrleak.baseline import Baseline, Entry
from pytest_ocrleak.hooks.gate import Gate

Run = Callable[..., pytest.RunResult]
LEAKS = """
kept = []

def test_old():
    kept.extend(open(__file__) for _ in range({old}))

def test_other():
    kept.extend(open({other}) for _ in range(1))

def test_clean():
    pass
"""
UNDECIDED = """
kept, sizes = [], [1000, 64000, 32000, 8000]

def test_open(ocrleak):
    ocrleak.assert_no_growth(
        lambda: kept.append(bytearray(sizes[len(kept)])), runs=3, track="heap"
    )
"""
ENTRY = Entry("test_leaks.py::test_old", "fds", "/dev/null", "0123456789abcdef")


@pytest.fixture
def gate(pytester: pytest.Pytester, run: Run) -> Run:
    """Run a suite with so many leaks against a baseline, in which dates can be changed."""

    def gate(*arguments: str, old: int = 1, other: str = "'/dev/null'") -> pytest.RunResult:
        pytester.makepyfile(test_leaks=LEAKS.format(old=old, other=other))
        return run("--ocrleak", "--ocrleak-baseline=known.toml", *arguments)

    return gate


def test_a_baseline_from_its_first_day_to_its_last(pytester: pytest.Pytester, gate: Run) -> None:
    """Start, a new leak, growth, an expired entry, one that is gone, and the update of all."""
    known = pytester.path / "known.toml"
    result = gate()
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*known.toml does not exist: --ocrleak-update-baseline writes it"])

    gate("--ocrleak-update-baseline", other="'/dev/zero'").assert_outcomes(passed=3)
    started = known.read_text("utf8")
    assert started.count("[[leak]]") == 2
    assert 'where = "test_leaks.py::test_old"' in started
    known.write_text(started.replace("not looked into yet", "the cache keeps it"), "utf8")

    result = gate(other="'/dev/zero'")
    result.assert_outcomes(passed=3)
    result.stdout.fnmatch_lines(["ocrleak: 3 checked, 1 clean, 2 leak · 2 known leaks*"])

    result = gate("--tb=short", other="'/dev/null'")
    result.assert_outcomes(passed=2, failed=1)
    result.stdout.fnmatch_lines(
        ["*fds: /dev/null", "*1 of 2 known leaks are gone, *: fds: /dev/zero*"]
    )

    result = gate(old=2, other="'/dev/zero'")
    result.assert_outcomes(passed=2, failed=1)
    result.stdout.fnmatch_lines(["*more than the baseline allows: 1"])

    result = gate("--lf", old=2, other="'/dev/zero'")
    result.assert_outcomes(failed=1)
    result.stdout.no_fnmatch_line("*known leaks are gone*")  # test_other was not collected

    current = known.read_text("utf8")
    known.write_text(re.sub(r"expires = .*", "expires = 2020-01-31", current), "utf8")
    result = gate(other="'/dev/zero'")
    result.assert_outcomes(passed=1, failed=2)
    result.stdout.fnmatch_lines(["*its entry in the baseline expired on 2020-01-31"])

    result = gate("--ocrleak-update-baseline", "-k", "old", old=2)
    result.assert_outcomes(passed=1, deselected=2)
    updated = known.read_text("utf8")
    assert updated.count("the cache keeps it") == 2
    assert "allowed = 2" in updated
    assert "/dev/zero" in updated  # its test did not run
    assert updated.count("2020-01-31") == 1


def test_what_a_baseline_does_not_need_fails_a_strict_run(
    pytester: pytest.Pytester, gate: Run
) -> None:
    """An entry that is gone, which workers tell, too; one of a test that is no more goes."""
    gate("--ocrleak-update-baseline").assert_outcomes(passed=3)
    result = gate("--ocrleak-strict", "-n", "2", old=0)
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(["ocrleak: 1 of 2 known leaks are gone, *test_old*"])
    known = pytester.path / "known.toml"
    known.write_text(known.read_text("utf8").replace("::test_old", "::test_renamed"), "utf8")
    result = gate("--ocrleak-strict", "--ocrleak-update-baseline", old=0)
    assert result.ret == pytest.ExitCode.OK
    result.stdout.fnmatch_lines(["ocrleak: known.toml: 1 known leaks, 0 new, 1 taken out"])
    assert "test_renamed" not in known.read_text("utf8")


def test_a_baseline_that_was_not_written_is_out_of_date(tmp_path: Path) -> None:
    """A strict run fails for it; one that was written has nothing to fail for."""
    for path, written in ((tmp_path / "known.toml", True), (tmp_path, False)):
        gate = Gate(path, Baseline((ENTRY,)), update=True, today=date(2026, 1, 1))
        gate.facts.looks.exact.add(0)
        (told,) = gate.finish()
        assert ("1 taken out" in told) is written
        assert ("was not written" in told) is not written
        assert gate.outdated is not written


def test_a_baseline_that_cannot_be_used_stops_before_any_test(
    pytester: pytest.Pytester, run: Run
) -> None:
    """With the sentence that says what is wrong and where; and a file to update is named."""
    pytester.makefile(".toml", known="[[leak]]\nwhere = 1")
    result = run("--ocrleak-baseline=known.toml")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*known.toml: entry 1: 'meter' is missing"])
    result = run("--ocrleak-update-baseline")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*name the file to write, --ocrleak-baseline FILE"])


def test_ignore_rules_that_let_nothing_linger_are_told(pytester: pytest.Pytester, run: Run) -> None:
    """Of the ini file and of a marker; not where only a part of the suite ran."""
    pytester.makeini(
        "[pytest]\nocrleak_ignore =\n  fds:/dev/null  # kept\n  fds:/never  # not needed"
    )
    pytester.makepyfile(
        """
        import pytest

        kept = []

        @pytest.mark.ocrleak(runs=1, ignore=["threads:nobody"])
        def test_null():
            kept.append(open("/dev/null"))

        def test_other():
            pass
        """
    )
    result = run("--ocrleak")
    result.assert_outcomes(passed=2)
    result.stdout.fnmatch_lines(
        ["ocrleak: not needed, *: fds:/never  # not needed; threads:nobody"]
    )
    assert run("--ocrleak", "--ocrleak-strict", "-n", "2").ret == pytest.ExitCode.TESTS_FAILED
    for part in (
        ["-k", "null"],
        ["test_ignore_rules_that_let_nothing_linger_are_told.py::test_null"],
    ):
        result = run("--ocrleak", "--ocrleak-strict", *part)
        assert result.ret == pytest.ExitCode.OK
        result.stdout.no_fnmatch_line("ocrleak: not needed*")


def test_every_format_is_written_and_says_the_same(pytester: pytest.Pytester, run: Run) -> None:
    """JSON, a page, Markdown, and JUnit XML with the verdicts as properties."""
    pytester.makepyfile(LEAKS.format(old=1, other="'/dev/zero'"))
    reports = [f"--ocrleak-report=out/report{each}" for each in (".json", ".html", ".md")]
    run("--ocrleak", "--junitxml=out/junit.xml", "-n", "2", *reports)
    out = pytester.path / "out"
    report = valid_report(out / "report.json")
    assert report["summary"] == {"checked": 3, "clean": 1, "leak": 2, "inconclusive": 0}
    assert "partial" not in report
    for name in ("report.html", "report.md"):
        text = (out / name).read_text("utf8")
        assert "/dev/zero" in text
        assert "test_other" in text
    cases = ET.parse(out / "junit.xml").iter("testcase")  # noqa: S314 - our own
    found = {
        case.get("name"): {p.get("name"): p.get("value") for p in case.iter("property")}
        for case in cases
    }
    assert found["test_clean"] == {"ocrleak": "clean"}
    assert found["test_other"]["ocrleak"] == "leak"
    assert re.fullmatch(
        r"fds: /dev/zero, opened at \S+\.py:7 in .*", found["test_other"]["ocrleak.leak"]
    )


def test_on_github_a_leak_is_told_at_its_line_and_in_the_summary(
    pytester: pytest.Pytester, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No option asks for it. What is undecided is no annotation, and not counted as clean."""
    summary = pytester.path / "summary.md"
    summary.write_text("before\n", "utf8")
    for name, value in {
        "GITHUB_ACTIONS": "true",
        "GITHUB_WORKSPACE": str(pytester.path.parent),
        "GITHUB_STEP_SUMMARY": str(summary),
    }.items():
        monkeypatch.setenv(name, value)
    pytester.makepyfile(test_it=LEAKS.format(old=1, other="'/dev/zero'"), test_open=UNDECIDED)
    result = run("--ocrleak")
    result.stdout.fnmatch_lines(
        [f"::error file={pytester.path.name}/test_it.py,line=7,title=ocrleak*::fds: /dev/zero*"]
    )
    told = summary.read_text("utf8")
    assert told.startswith("before\n")
    assert "/dev/zero" in told
    assert "5 checked · 2 clean · **2 leak** (`fds` in 2) · 1 inconclusive" in told
    assert result.stdout.str().count("::error") == 2
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(pytester.path))
    run("--ocrleak").stdout.fnmatch_lines(["ocrleak: the job's summary was not written: *"])


def test_a_report_of_a_run_that_ended_early_says_so(pytester: pytest.Pytester, run: Run) -> None:
    """After a failure, Ctrl-C, `pytest.exit`, a worker's death; one that is killed writes none."""

    def partial(*arguments: str) -> str:
        run("--ocrleak-report=report.json", "--ocrleak", *arguments)
        return str(valid_report(pytester.path / "report.json").get("partial"))

    pytester.makepyfile("def test_a(): assert 0\ndef test_b(): pass")
    assert partial() == "None"
    assert partial("-x") == "stopping after 1 failures"
    pytester.makepyfile("def test_a(): raise KeyboardInterrupt")
    assert partial() == "it was interrupted"
    pytester.makepyfile("import pytest\ndef test_a(): pytest.exit('enough', returncode=0)")
    assert partial() == "it was interrupted"
    pytester.makepyfile("import os\ndef test_a(): os._exit(1)\ndef test_b(): pass")
    assert re.fullmatch(r"worker gw\d crashed", partial("-n", "1"))
    before = (pytester.path / "report.json").read_bytes()
    pytester.makepyfile("import os\ndef test_a(): os.kill(os.getpid(), 9)")
    run("--ocrleak-report=report.json", "--ocrleak")
    assert (pytester.path / "report.json").read_bytes() == before


def test_a_report_that_cannot_be_written_changes_no_outcome(
    pytester: pytest.Pytester, run: Run
) -> None:
    """One line says why, and the file that was there stays: no folder, or no room on the disk."""
    pytester.makeconftest(
        """
        import resource

        def pytest_sessionfinish():
            resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
        """
    )
    pytester.makepyfile("def test_a(): pass")
    before = pytester.makefile(".json", report="what was there")
    result = run(
        "--ocrleak", "--ocrleak-report=report.json", f"--ocrleak-report={before}/report.md"
    )
    assert result.ret == pytest.ExitCode.OK
    result.stdout.fnmatch_lines(
        [
            "ocrleak: the report */report.json was not written: File too large",
            "ocrleak: the report */report.json/report.md was not written: *",
        ]
    )
    assert before.read_text("utf8") == "what was there"
    assert not [path for path in pytester.path.iterdir() if path.name.startswith(".report")]
