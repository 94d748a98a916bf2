"""How a failed check reaches pytest: as an error, in a phase or in a report."""

import textwrap
from collections.abc import Sequence
from dataclasses import replace
from itertools import dropwhile
from pathlib import Path
from typing import Any

import pytest

from pytest_ocrleak.outcome import Check, LeakError

HERE = Path(__file__).parts[-3:-1]  # the folders of this file, as the last of a path
SEVERAL = "ExceptionGroup: teardown of "
OURS = ("pytest_ocrleak.LeakError", SEVERAL, f"Base{SEVERAL}")  # what an error's text begins with


class RunFailedError(BaseException):
    """A further run of a test raised ``error``: that is its outcome, and no error of ours."""

    def __init__(self, error: BaseException) -> None:
        super().__init__(error)
        self.error = error


def error_of(check: Check) -> LeakError:
    """Return the error that tells of a failed check."""
    from pytest_ocrleak.report import text  # noqa: PLC0415 - most suites never come here

    return LeakError(text.failure(check), check)


def raising(error: Exception) -> None:
    """Raise an error."""
    __tracebackhide__ = True
    raise error


def place(report: pytest.TestReport) -> None:
    """Tell of a leak that was found after a test's code without the code that found it.

    pytest would write that all entries are hidden or, of a doctest, hide none; and it would name a
    line of its own as the crash.
    """
    for shown, crash, _ in getattr(report.longrepr, "chain", ()):
        if not (crash and crash.message.startswith(OURS)):
            continue
        last = shown.reprentries[-1]
        if not crash.message.startswith(OURS[0]):
            last.lines = told_of(last.lines)
        elif raised_here(last):
            shown.reprentries = [alone(last, crash.message)]
        elif not hidden(shown):
            continue
        shown.extraline = None
        crash.path, crash.lineno = report.location[0], (report.location[1] or 0) + 1


def hidden(shown: Any) -> bool:
    """Tell whether pytest found no entry to show of a traceback."""
    return (shown.extraline or "").startswith("All traceback entries are hidden")


def told_of(lines: Sequence[str]) -> Sequence[str]:
    """Return what is told of a group of errors, without the code that raised the group."""
    return list(dropwhile(lambda line: SEVERAL not in line, lines)) or lines


def raised_here(entry: Any) -> bool:
    """Tell whether an entry of a traceback is the code that raises here what was found."""
    where = getattr(entry, "reprfileloc", None)
    return where is not None and Path(where.path).parts[-3:-1] == HERE


def alone(entry: Any, message: str) -> Any:
    """Return an entry of a traceback with the error's message only, as pytest writes one."""
    lines = textwrap.indent(message, "    ").splitlines()
    lines[0] = f"E{lines[0][1:]}"
    return replace(entry, lines=lines, reprfuncargs=None, reprlocals=None, reprfileloc=None)
