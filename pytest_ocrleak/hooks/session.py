"""What a session knows: the checks that ended, on their way from phase to report to summary."""

import io
import json
import os
import tempfile
from collections.abc import Generator, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import IO, Any

import pytest

from pytest_ocrleak import options
from pytest_ocrleak.inventory import Unavailable
from pytest_ocrleak.limits import Limits
from pytest_ocrleak.meters import read, tempfiles
from pytest_ocrleak.outcome import Check
from pytest_ocrleak.report.tally import Tally, summary

SESSION = pytest.StashKey["Session"]()
ATTRIBUTE = "ocrleak"  # of a test report: its phase's checks as plain data
OWN = "pytest_ocrleak"  # the folder of this plugin, in a path
LATE = ("late", "lost", "problems")  # what a worker tells at its end


def started(config: pytest.Config) -> "Session":
    """Return the session's record, which is begun where anything is checked."""
    found = config.stash.get(SESSION, None)
    if found is None:
        found = config.stash[SESSION] = Session(config)
        config.pluginmanager.register(found, "ocrleak-session")
    return found


@dataclass(slots=True)
class Phase:
    """The checks that ended in the phase that runs: the clean ones counted, the rest kept."""

    clean: int = 0
    checks: list[dict[str, Any]] = field(default_factory=list)


class Session:
    """The checks of a session.

    A check ends in a phase of some test and travels on the report of that phase, from a worker to
    the controller as plain data. What is clean is only counted, unless a report is to be written:
    then every check goes to a file that has no name, not to memory.
    """

    def __init__(self, config: pytest.Config) -> None:
        self.config = config
        self.limits: Limits = options.session_limits(config)
        self.reports = options.reports(config)
        if self.limits.trace:
            self.prepare()
        for folder in (config.rootpath, config.getoption("basetemp", None)):
            if folder:
                tempfiles.leave_out(f"{Path(folder).resolve()}{os.sep}")
        self.spool = spool() if self.reports and not is_worker(config) else io.StringIO()
        self.phase = Phase()
        self.muted = False
        self.worker = is_worker(config)
        self.tally = Tally()
        self.problems: list[str] = []
        self.late: list[str] = []
        self.lost: dict[str, str] = {}

    def prepare(self) -> None:
        """Have what traces allocations take now what it keeps for good."""
        from pytest_ocrleak.causes import allocations  # noqa: PLC0415 - few ask for it

        try:
            allocations.prepare()
        except allocations.UntraceableError as error:
            raise pytest.UsageError(f"--ocrleak-trace: {error}") from None

    def record(self, check: Check) -> None:
        """Keep a finished check, under the test that runs."""
        if self.muted:
            return
        told = check if check.nodeid else replace(check, nodeid=running())
        if told.verdict == "clean" and told.runs == 1 and not self.reports:
            self.phase.clean += 1
        else:
            from pytest_ocrleak.report.document import plain  # noqa: PLC0415 - few come here

            self.phase.checks.append(plain(told))

    @contextmanager
    def muting(self) -> Iterator[None]:
        """Keep no record of the checks that further runs of a test make."""
        self.muted = True
        try:
            yield
        finally:
            self.muted = False

    def count(self) -> None:
        """Count a clean check that nobody wants to see."""
        self.phase.clean += 1

    def told(self) -> dict[str, Any]:
        """Return the checks since the last report as plain data, nothing where there are none."""
        phase = self.phase
        if not phase.clean and not phase.checks:
            return {}
        self.phase = Phase()
        return {"clean": phase.clean, "checks": phase.checks}

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Send the checks of a phase along with its report, or take them off one from a worker.

        pytest keeps reports until the end.
        """
        if report.failed and self.phase.checks:
            self.tell(report)
        told = vars(report).pop(ATTRIBUTE, None) or self.told()
        if told and self.worker:
            vars(report)[ATTRIBUTE] = told
        elif told:
            self.take(told)

    def tell(self, report: pytest.TestReport) -> None:
        """Complete the report of a phase in which a check failed."""
        from pytest_ocrleak.report import text  # noqa: PLC0415 - few come here

        place(report)
        if self.config.get_verbosity() > 0:
            report.sections += map(text.strip, filter(text.grows, self.phase.checks))

    def take(self, told: Mapping[str, Any]) -> None:
        """Count checks, and keep them where a report is to be written."""
        if not told:
            return
        self.tally.clean(told["clean"])
        for check in told["checks"]:
            self.tally.add(check)
            if self.reports:
                self.spool.write(json.dumps(check, ensure_ascii=False) + "\n")

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        """Take what a worker of pytest-xdist found after its last report."""
        output = getattr(node, "workeroutput", {})
        self.take(output.get(ATTRIBUTE, {}))
        for name in LATE:
            kept, came = getattr(self, name), output.get(f"{ATTRIBUTE}_{name}", ())
            kept.update(came) if isinstance(kept, dict) else kept.extend(came)

    @pytest.hookimpl(wrapper=True, trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> Generator[None, object, object]:
        """Write the reports, in the one process that has all checks."""
        result = yield
        told = self.told()
        if is_worker(self.config):
            output = self.config.workeroutput  # type: ignore[attr-defined]
            output.update({f"{ATTRIBUTE}_{name}": getattr(self, name) for name in LATE})
            output[ATTRIBUTE] = told
            return result
        self.take(told)
        if self.late and session.exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED
        for path in self.reports:
            self.write(path)
        return result

    def write(self, path: Path) -> None:
        """Write the report, or note the sentence that says why not."""
        from pytest_ocrleak import files  # noqa: PLC0415 - only where one is written
        from pytest_ocrleak.report.document import document  # noqa: PLC0415

        try:
            whole = json.dumps(document(list(self.spooled())), indent=1, ensure_ascii=False)
            files.write(path, whole + "\n")
        except Exception as error:  # noqa: BLE001 - no outcome of a test hangs on it
            reason = getattr(error, "strerror", None) or f"{type(error).__name__}: {error}"
            self.problems.append(f"ocrleak: the report {path} was not written: {reason}")

    def spooled(self) -> Iterator[dict[str, Any]]:
        """Yield the checks that were kept."""
        self.spool.seek(0)
        yield from map(json.loads, self.spool)

    def pytest_terminal_summary(self, terminalreporter: "pytest.TerminalReporter") -> None:
        """Write what was found too late for any test, and the one line."""
        for line in (*self.late, *self.problems):
            terminalreporter.write_line(line, red=True)
        if self.tally.checked:
            at_times = {f"{name} at times": reason for name, reason in self.lost.items()}
            needed = ["gpu", *self.lost] if not self.tally.told else None
            missing = unavailable(self.limits, needed)
            told = {n: r for n, r in at_times.items() if n.partition(" ")[0] not in missing}
            colour = {"red": bool(self.tally.verdicts["leak"]), "green": self.tally.all_clean}
            terminalreporter.write_line(summary(self.tally, {**told, **missing}), **colour)


def spool() -> IO[str]:
    """Return a file without a name for the checks that a report will hold, one a line."""
    return tempfile.TemporaryFile("w+", encoding="utf-8")


def is_worker(config: pytest.Config) -> bool:
    """Tell whether this is a worker of pytest-xdist."""
    return hasattr(config, "workerinput")


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


def running() -> str:
    """Return the test that runs, as pytest tells in the environment: ``nodeid (phase)``."""
    return os.environ.get("PYTEST_CURRENT_TEST", "").rpartition(" (")[0]


def unavailable(limits: Limits, names: Iterable[str] | None) -> dict[str, str]:
    """Return those of some meters, or of all, that cannot be read here, with the reasons."""
    readings = read(m for m in limits.meters if names is None or m.name in names).readings
    return {n: r.reason for n, r in readings.items() if isinstance(r, Unavailable)}
