"""The report files of a session: checks are put aside on disk, and told at its end."""

import json
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from pytest_ocrleak.report import formats


class Reports:
    """The files to write, and the checks that they will hold, in a file that has no name."""

    def __init__(self, paths: Sequence[Path]) -> None:
        self.paths = paths
        self.spool = tempfile.TemporaryFile("w+", encoding="utf-8")  # noqa: SIM115 - until the end
        self.lost = ""

    def take(self, check: Mapping[str, Any]) -> None:
        """Put a plain check aside; where there is no room for it, remember why."""
        try:
            self.spool.write(json.dumps(check) + "\n")
        except OSError as error:
            self.lost = reason(error)

    def checks(self) -> Iterator[dict[str, Any]]:
        """Yield the checks that were put aside."""
        self.spool.seek(0)
        yield from map(json.loads, self.spool)

    def write(self, document: Callable[[Iterable[Any]], Mapping[str, Any]]) -> Iterator[str]:
        """Write every file; yield the sentences that say of which ones it failed, and why.

        ``document`` makes a report of checks. One without some of its checks is not written.
        """
        for path in self.paths:
            why = self.lost or self.failure(path, document)
            if why:
                yield f"ocrleak: the report {path} was not written: {why}"

    def failure(self, path: Path, document: Callable[[Iterable[Any]], Mapping[str, Any]]) -> str:
        """Write a file; return why that failed, or nothing."""
        from pytest_ocrleak import files  # noqa: PLC0415 - only where one is written

        try:
            files.write(path, formats.rendered(path.suffix, document(self.checks())))
        except Exception as error:  # noqa: BLE001 - no outcome of a test hangs on it
            return reason(error)
        return ""


def reason(error: Exception) -> str:
    """Return what went wrong, as the operating system says it where it was that."""
    return getattr(error, "strerror", None) or f"{type(error).__name__}: {error}"


def ended_early(session: pytest.Session, *, interrupted: bool) -> str:
    """Return why not all tests ran, nothing where they did."""
    if stopped := session.shouldfail or session.shouldstop:
        return str(stopped)
    if interrupted:
        return "it was interrupted"
    crashed = session.exitstatus == pytest.ExitCode.INTERNAL_ERROR
    return "pytest had an internal error" if crashed else ""
