"""Commands that pages tell people to type: those that are not run here are valid all the same."""

import re
import shlex
import tomllib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest
from ocrleak_engine import cli as engine

from pytest_ocrleak.cli.main import parser

ROOT = Path(__file__).parents[1]
OTHERS = {"onnxruntime", "onnxruntime-gpu"}  # distributions that pages name beside ours
LITERAL = {"python3 -m venv .venv", ". .venv/bin/activate"}


def commands(text: str) -> Iterator[list[str]]:
    """Yield the commands in the lines of a block as words, without comments and variables."""
    for line in text.replace("\\\n", " ").splitlines():
        for part in re.split(r"&&|;", line.removeprefix("$ ")):
            words = shlex.split(part, comments=True)
            while words and re.match(r"[A-Z_]+=", words[0]):
                words.pop(0)
            if words:
                yield words


def named(words: Sequence[str]) -> tuple[str, list[str]]:
    """Return a command's program and arguments; ``python -m pytest`` is pytest."""
    program, *arguments = words
    name = Path(program).name
    if re.fullmatch(r"python3?", name) and arguments[:1] == ["-m"]:
        return arguments[1], arguments[2:]
    return name, arguments


def check(words: Sequence[str], config: pytest.Config) -> None:
    """Fail where a command could not be typed."""
    name, arguments = named(words)
    if shlex.join(words) in LITERAL:
        return
    assert name in CHECKS, f"nobody knows whether this can be typed: {shlex.join(words)}"
    CHECKS[name](arguments, config)


def of_pip(arguments: Sequence[str], _: pytest.Config) -> None:
    """Check what is installed: our distributions and folders, and extras that they have."""
    action, *rest = arguments
    assert action in ("install", "uninstall")
    projects = {table["name"]: table for table in map(project, (ROOT, ROOT / "engine"))}
    for word in (word for word in rest if word not in ("-e", "--quiet", "-q", "-y")):
        place, _, extras = word.partition("[")
        table = projects.get(place) or (project(ROOT / place) if (ROOT / place).is_dir() else {})
        assert table or place in OTHERS, f"pip {action} {word}"
        known = table.get("optional-dependencies", {})
        assert set(extras.rstrip("]").split(",")) <= {"", *known}, f"pip {action} {word}"


def project(folder: Path) -> dict[str, dict[str, list[str]]]:
    """Return the `[project]` table of a folder."""
    table: dict[str, dict[str, list[str]]]
    table = tomllib.loads((folder / "pyproject.toml").read_text("utf8"))["project"]
    return table


def of_pytest(arguments: Sequence[str], config: pytest.Config) -> None:
    """Check that pytest and the plugins of this session know every option."""
    known, unknown = config._parser.parse_known_and_unknown_args(list(arguments))
    assert not unknown, f"pytest does not know {unknown}"
    assert known.ocrleak is ("--ocrleak" in arguments)


def of_ocrleak(arguments: Sequence[str], _: pytest.Config) -> None:
    """Check a command of ours; what ``run`` is to run has to be there."""
    parser().parse_args(arguments)


def of_the_engine(arguments: Sequence[str], _: pytest.Config) -> None:
    """Check a command of the engine's."""
    engine._parser().parse_args(arguments)


def of_python(arguments: Sequence[str], _: pytest.Config) -> None:
    """Check that a script of this repository is there."""
    assert (ROOT / arguments[0]).is_file(), f"python {arguments[0]}"


def of_git(arguments: Sequence[str], _: pytest.Config) -> None:
    """Check that no more than adding is asked for."""
    assert arguments[0] == "add"


CHECKS: dict[str, Callable[[Sequence[str], pytest.Config], None]] = {
    "pip": of_pip,
    "pytest": of_pytest,
    "ocrleak": of_ocrleak,
    "ocrleak-engine": of_the_engine,
    "python": of_python,
    "git": of_git,
}
