"""How a failed check reaches pytest: as an error, in a phase or in a report."""

from pytest_ocrleak.outcome import Check, LeakError


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
