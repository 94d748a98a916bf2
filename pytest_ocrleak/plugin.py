"""The pytest plugin: hooks that record checks, hand them over, and write what was found."""

import json
from collections.abc import Generator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from pytest_ocrleak import files, options
from pytest_ocrleak.check import Checker
from pytest_ocrleak.inventory import Unavailable
from pytest_ocrleak.limits import Limits
from pytest_ocrleak.meters import read
from pytest_ocrleak.off import Off
from pytest_ocrleak.outcome import Check
from pytest_ocrleak.report import text
from pytest_ocrleak.report.document import document, plain


@dataclass(slots=True, eq=False)
class Session:
    """What a session checks and what it knows so far.

    ``pending`` are the checks of the phase that runs; they travel on its report, so that a worker
    hands them to the controller as plain data. ``checks`` are all that reports brought.
    """

    limits: Limits
    reports: tuple[Path, ...]
    nodeid: str = ""
    pending: list[Check] = field(default_factory=list)
    checks: list[dict[str, Any]] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    def record(self, check: Check) -> None:
        """Keep a finished check, under the test that runs."""
        self.pending.append(replace(check, nodeid=self.nodeid))

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Take the checks off a report that a test's phase, here or in a worker, ended with."""
        self.checks.extend(getattr(report, "ocrleak", ()))


SESSION = pytest.StashKey[Session]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Declare the options."""
    options.declare(parser)


def pytest_configure(config: pytest.Config) -> None:
    """Read the options once, so that a wrong one stops the session before it starts."""
    session = Session(options.session_limits(config), options.reports(config))
    config.stash[SESSION] = session
    config.pluginmanager.register(session, "ocrleak-session")


@pytest.fixture(scope="session")
def ocrleak(pytestconfig: pytest.Config) -> Checker:
    """Give the checks under the session's limits: guard, assert_no_growth, assert_releases …."""
    session = pytestconfig.stash[SESSION]
    make = Off if pytestconfig.getoption("ocrleak_off") else Checker
    return make(session.limits, session.record)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, bool, bool]:
    """Know which test runs, for the checks that end in it."""
    item.config.stash[SESSION].nodeid = item.nodeid
    return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Send the checks of a phase along with its report, as plain data."""
    report = yield
    session = item.config.stash[SESSION]
    if session.pending:
        vars(report)["ocrleak"] = [plain(check) for check in session.pending]
        session.pending.clear()
    return report


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Write the reports, in the one process that has all checks."""
    if not hasattr(session.config, "workerinput"):
        ours = session.config.stash[SESSION]
        ours.problems = [problem for path in ours.reports if (problem := write(path, ours.checks))]


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    """Write the one line, and one more for a report that could not be written."""
    session = config.stash[SESSION]
    for problem in session.problems:
        terminalreporter.write_line(problem, red=True)
    if session.checks:
        terminalreporter.write_line(text.summary(session.checks, unavailable(session.limits)))


def write(path: Path, checks: list[dict[str, Any]]) -> str:
    """Write the JSON report and return the sentence that says why not, if so."""
    try:
        files.write(path, json.dumps(document(checks), indent=1, ensure_ascii=False) + "\n")
    except OSError as error:
        return f"ocrleak: the report {path} was not written: {error.strerror or error}"
    return ""


def unavailable(limits: Limits) -> dict[str, str]:
    """Return the meters that cannot be read here, with the reasons."""
    readings = read(limits.meters).readings
    return {n: r.reason for n, r in readings.items() if isinstance(r, Unavailable)}
