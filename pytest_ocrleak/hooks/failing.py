"""How a failed check reaches pytest: as an error, in a phase or in a report."""

import pytest

from pytest_ocrleak.outcome import Check, LeakError

OWN = "pytest_ocrleak"  # the folder of this plugin, in a path


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

    pytest would write that all entries are hidden, and name this plugin's line as the crash.
    """
    for shown, crash, _ in getattr(report.longrepr, "chain", ()):
        ours = crash and crash.message.startswith("pytest_ocrleak.LeakError")
        if ours and (shown.extraline or "").startswith("All traceback entries are hidden"):
            shown.extraline = None
            crash.path, crash.lineno = report.location[0], (report.location[1] or 0) + 1
        elif ours and OWN in crash.path:  # a doctest's traceback hides nothing
            report.longrepr = crash.message
