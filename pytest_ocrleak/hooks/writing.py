"""The report files of a session: checks are put aside on disk, and told at its end."""

import json
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from pytest_ocrleak.report import formats


class Reports:
    """The files to write, and the checks that they will hold, in a file that has no name."""

    def __init__(self, paths: Sequence[Path]) -> None:
        self.paths = paths
        self.spool = tempfile.TemporaryFile("w+", encoding="utf-8")  # noqa: SIM115 - until the end

    def take(self, check: Mapping[str, Any]) -> None:
        """Put a plain check aside."""
        self.spool.write(json.dumps(check) + "\n")

    def checks(self) -> Iterator[dict[str, Any]]:
        """Yield the checks that were put aside."""
        self.spool.seek(0)
        yield from map(json.loads, self.spool)

    def write(self, document: Mapping[str, Any]) -> Iterator[str]:
        """Write every file; yield the sentences that say of which ones it failed, and why."""
        from pytest_ocrleak import files  # noqa: PLC0415 - only where one is written

        for path in self.paths:
            try:
                files.write(path, formats.rendered(path.suffix, document))
            except Exception as error:  # noqa: BLE001 - no outcome of a test hangs on it
                reason = getattr(error, "strerror", None) or f"{type(error).__name__}: {error}"
                yield f"ocrleak: the report {path} was not written: {reason}"


def ended_early(session: pytest.Session) -> str:
    """Return why not all tests ran, nothing where they did."""
    if stopped := session.shouldfail or session.shouldstop:
        return str(stopped)
    endings = {
        pytest.ExitCode.INTERRUPTED: "it was interrupted",
        pytest.ExitCode.INTERNAL_ERROR: "pytest had an internal error",
    }
    return endings.get(session.exitstatus, "")  # type: ignore[call-overload]
