"""Leaks as workflow commands of GitHub Actions, which show them at the line that opened them.

https://docs.github.com/actions/reference/workflow-commands-for-github-actions
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from pytest_ocrleak.outcome import label
from pytest_ocrleak.report.text import in_a_line

SHOWN = 10  # errors that GitHub shows of a step
PLACE = re.compile(r"(?P<file>.+):(?P<line>\d+) in .+")


class Folders(NamedTuple):
    """What paths are relative to: places where the run began, tests and what GitHub shows."""

    start: Path
    tests: Path
    repository: Path


def annotations(checks: Iterable[Mapping[str, Any]], folders: Folders) -> Iterator[str]:
    """Yield a command for each leak that fails; the rest is counted where there are too many."""
    every = [(check, leak) for check in checks for leak in check["leaks"] if not leak.get("known")]
    first = every if len(every) <= SHOWN else every[: SHOWN - 1]
    for check, leak in first:
        title = label(check["kind"], check["name"], check["nodeid"], check.get("scope", ""))
        where = position(leak, check, folders)
        yield command({**where, "title": f"ocrleak: {title} leaks"}, message(leak))
    if rest := len(every) - len(first):
        yield command({"title": "ocrleak"}, f"and {rest} more leaks, see the job's summary")


def position(leak: Mapping[str, Any], check: Mapping[str, Any], folders: Folders) -> dict[str, str]:
    """Return file and line of the first place in the repository, else the test's file."""
    for place in leak["opened_at"]:
        match = PLACE.fullmatch(place)
        if match and (file := shown(folders.start / match["file"], folders.repository)):
            return {"file": file, "line": match["line"]}
    file = check["nodeid"].partition("::")[0]
    path = shown(folders.tests / file, folders.repository) if file else ""
    return {"file": path} if path else {}


def shown(path: Path, repository: Path) -> str:
    """Return a file's name in the repository, nothing where it is not in there."""
    inside = path.is_relative_to(repository)
    return path.relative_to(repository).as_posix() if inside else ""


def message(leak: Mapping[str, Any]) -> str:
    """Return what an annotation says."""
    keepers = (f"kept by {keeper}" for keeper in leak["kept_by"])
    return "\n".join((in_a_line(leak), *keepers, *filter(None, [leak.get("remark", "")])))


def command(properties: Mapping[str, str], text: str) -> str:
    """Return a command that makes an error of a text, escaped as the runner reads it."""
    told = ",".join(f"{name}={escaped(value, ':,')}" for name, value in properties.items())
    return f"::error {told}::{escaped(text)}"


def escaped(text: str, more: str = "") -> str:
    """Return a text with what the runner takes for its own as percent codes."""
    for each in f"%\r\n{more}":
        text = text.replace(each, f"%{ord(each):02X}")
    return text
