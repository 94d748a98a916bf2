"""Options that ask for something where no check is made: one line says so."""

from collections.abc import Callable

import pytest

Run = Callable[..., pytest.RunResult]
LINE = "ocrleak: nothing was checked: without --ocrleak only tests that are marked or use *"


@pytest.mark.parametrize(
    "option",
    [
        "--ocrleak-report=report.json",
        "--ocrleak-baseline=known.toml",
        "--ocrleak-strict",
        "--ocrleak-runs=5",
        "--ocrleak-track=fds",
    ],
)
def test_an_option_that_did_nothing_is_told(
    pytester: pytest.Pytester, run: Run, option: str
) -> None:
    """The outcome is pytest's."""
    pytester.makefile(".toml", known="")
    pytester.makepyfile("def test_a(): pass")
    result = run(option)
    assert result.ret == pytest.ExitCode.OK
    result.stdout.fnmatch_lines([LINE])


def test_a_controller_of_workers_tells_it_once(pytester: pytest.Pytester, run: Run) -> None:
    """Where no worker checked anything, and not where one did."""
    pytester.makepyfile("def test_a(): pass\ndef test_b(): pass")
    assert run("--ocrleak-strict", "-n", "2").stdout.str().count("nothing was checked") == 1
    result = run("--ocrleak-strict", "-n", "2", "--ocrleak")
    result.stdout.no_fnmatch_line("*nothing was checked*")


def test_what_was_checked_or_is_not_to_be_is_not_told(pytester: pytest.Pytester, run: Run) -> None:
    """A marked test, the checks switched off, tests that are only listed, no option."""
    pytester.makepyfile("import pytest\n@pytest.mark.ocrleak(runs=1)\ndef test_a(): pass")
    run("--ocrleak-strict").stdout.fnmatch_lines(["ocrleak: 1 checked, 1 clean*"])
    pytester.makepyfile("def test_a(): pass")
    for arguments in (
        ["--ocrleak-strict", "--ocrleak-off"],
        ["--ocrleak-strict", "--collect-only"],
        ["-o", "ocrleak_strict=true"],
    ):
        run(*arguments).stdout.no_fnmatch_line("ocrleak: *")


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        ([], f"{LINE}; known.toml was not written"),
        (
            ["--ocrleak", "-k", "nothing"],
            "ocrleak: nothing was checked; known.toml was not written",
        ),
        (
            ["--ocrleak", "--collect-only"],
            "ocrleak: nothing was checked; known.toml was not written",
        ),
        (["--ocrleak-off", "--ocrleak"], "ocrleak: off; known.toml was not written"),
    ],
)
def test_a_baseline_is_written_of_checks_only(
    pytester: pytest.Pytester, run: Run, arguments: list[str], line: str
) -> None:
    """Neither is one made, nor one replaced, whose tests are gone."""
    pytester.makepyfile("def test_a(): pass")
    every = ["--ocrleak-baseline=known.toml", "--ocrleak-update-baseline", *arguments]
    run(*every).stdout.fnmatch_lines([line])
    known = pytester.path / "known.toml"
    assert not known.exists()
    before = """\
[[leak]]
where = "test_gone.py::test_gone"
meter = "fds"
what = "/dev/null"
fingerprint = "0123456789abcdef"
"""
    known.write_text(before, "utf8")
    run(*every).stdout.fnmatch_lines([line])
    assert known.read_text("utf8") == before
