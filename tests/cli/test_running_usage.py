"""What `ocrleak run` is given, and how it says what it cannot run."""

import sys
from pathlib import Path

import pytest

from pytest_ocrleak.cli import main as program
from pytest_ocrleak.cli.command import InputError
from pytest_ocrleak.cli.script import left
from pytest_ocrleak.cli.script.target import Target, parsed

PYTHON = sys.executable


@pytest.mark.parametrize(
    "words",
    [
        *((), ("--",), (PYTHON,), (PYTHON, "-"), (PYTHON, "-i", "x.py"), (PYTHON, "--version")),
        *(("true",), ("no-such-command",), (PYTHON, "no-such-file.py"), (__file__,)),
        *(("--track", "fdz", PYTHON, "-c", ""), ("--ignore", "x", PYTHON, "-c", "")),
    ],
)
def test_what_cannot_be_run_is_one_sentence(
    words: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    """With exit code 2, and nothing is run."""
    assert program.main(["run", *words]) == 2
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert err.startswith("ocrleak: ")


def test_another_python_is_told(tmp_path: Path) -> None:
    """It has other packages, and may not have this one."""
    other = tmp_path / "python3"
    other.write_text("#!/bin/sh\necho another\n")
    other.chmod(0o755)
    with pytest.raises(InputError, match=f"is another Python than .*: give {PYTHON}"):
        parsed([str(other), "-c", ""])


def test_a_bare_python_is_the_one_that_ocrleak_is_installed_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever comes first on the PATH: nobody has to activate an environment."""
    other = tmp_path / "python"
    other.write_text("#!/bin/sh\necho another\n")
    other.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert parsed(["python", "-c", "x"]).kind == "code"


@pytest.mark.parametrize("runs", ["0", "-1", "x", "1.5", "٣"])
def test_a_number_of_runs_is_a_number(runs: str) -> None:
    """Anything else is bad usage."""
    with pytest.raises(SystemExit) as end:
        program.main(["run", "--repeat", runs, PYTHON, "-c", ""])
    assert end.value.code == 2


@pytest.mark.parametrize(
    ("words", "found"),
    [
        (["-c", "x"], ((), "code", "x", ())),
        (["-Bc", "x", "-c", "y"], (("-B",), "code", "x", ("-c", "y"))),
        (["-uIm", "x", "--json"], (("-uI",), "module", "x", ("--json",))),
        (["-X", "dev", "-Werror", "-mx"], (("-X", "dev", "-W", "error"), "module", "x", ())),
        (["-OO", __file__, "a b"], (("-OO",), "file", __file__, ("a b",))),
    ],
)
def test_the_flags_of_the_interpreter_are_kept(
    words: list[str], found: tuple[tuple[str, ...], str, str, tuple[str, ...]]
) -> None:
    """In all the ways in which they are written."""
    assert parsed(["--", PYTHON, *words])[:4] == found


def test_what_one_run_cannot_tell_is_said() -> None:
    """Bytes are reported with how to judge them, and meters that could not be read."""
    unjudged = {"verdict": "unjudged", "per_run": 4096.0, "series": [4096.0]}
    meters = {"heap": unjudged, "gpu": {"verdict": "unavailable", "reason": "no driver"}}
    check = {"kind": "guard", "name": "x", "runs": 1, "meters": meters, "leaks": []}
    assert list(left.told(check)) == [
        "ocrleak: x leaves nothing behind (nothing could be judged)",
        "grew in one run, which judges no bytes (--repeat 10 does): heap 4.1 KB",
        "gpu: unavailable (no driver)",
    ]


def test_a_target_has_its_command_as_its_name() -> None:
    """As it would be typed."""
    found = parsed([PYTHON, "-c", "print(1)", "a b"])
    assert found == Target((), "code", "print(1)", ("a b",), f"{PYTHON} -c 'print(1)' 'a b'")
