"""What a session knows: the checks that ended, on their way from phase to report to summary."""

import os
from collections.abc import Collection, Generator, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import pytest

from pytest_ocrleak import options
from pytest_ocrleak.hooks import github, live
from pytest_ocrleak.hooks.failing import place
from pytest_ocrleak.hooks.junit import Properties
from pytest_ocrleak.hooks.rules import Rules
from pytest_ocrleak.hooks.writing import Reports, ended_early
from pytest_ocrleak.inventory import Unavailable
from pytest_ocrleak.ledger import Owner
from pytest_ocrleak.limits import Limits
from pytest_ocrleak.meters import read, tempfiles
from pytest_ocrleak.outcome import Check
from pytest_ocrleak.report.tally import Tally, summary

if TYPE_CHECKING:
    from pytest_ocrleak.hooks.gate import Gate
    from pytest_ocrleak.hooks.live import Live

Listener = TypeVar("Listener")
SESSION = pytest.StashKey["Session"]()
ATTRIBUTE = "ocrleak"  # of a test report: its phase's checks as plain data
IDLE = "nothing was checked"
SOME = "without --ocrleak only tests that are marked or use the fixture are"
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
    """The checks that ended in the phase that runs: the clean ones counted, the rest kept.

    So many of the ``checks`` were ``shown`` with a report.
    """

    clean: int = 0
    checks: list[dict[str, Any]] = field(default_factory=list)
    shown: int = 0


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
        self.phase = Phase()
        self.muted = False
        self.worker = is_worker(config)
        self.tally = Tally()
        self.problems: list[str] = []
        self.late: list[str] = []
        self.lost: dict[str, str] = {}
        self.partial = ""
        self.unwritten = False
        self.everything = bool(options.given(config, "ocrleak"))
        self.interrupted = False
        self.notable: list[Mapping[str, Any]] = []  # on GitHub: what is not clean
        self.rules = listening(config, Rules(config))
        self.gate: Gate | None = options.gate(config)
        if self.gate:
            listening(config, self.gate)
        self.writing = Reports(self.reports) if self.reports and not self.worker else None
        wanted = config.getoption("xmlpath", None) and not self.worker
        self.properties = Properties() if wanted else None

    @cached_property
    def live(self) -> "Live | None":
        """The line in the terminal, which is not there yet when options are read."""
        return None if self.worker else live.terminal(self.config)

    def prepare(self) -> None:
        """Have what traces allocations take now what it keeps for good."""
        from pytest_ocrleak.causes import allocations  # noqa: PLC0415 - few ask for it

        try:
            allocations.prepare()
        except allocations.UntraceableError as error:
            raise pytest.UsageError(f"--ocrleak-trace: {error}") from None

    def record(self, check: Check) -> Check:
        """Keep a finished check, under the test that runs, and return it as it is judged here."""
        told = check if check.nodeid else replace(check, nodeid=running())
        told = self.gate.judged(told) if self.gate else told
        if self.muted:
            return told
        if self.gate:
            self.gate.note(told)
        if told.verdict == "clean" and told.runs == 1 and not self.reports:
            self.phase.clean += 1
        else:
            from pytest_ocrleak.report.document import plain  # noqa: PLC0415 - few come here

            self.phase.checks.append(plain(told))
        return told

    @contextmanager
    def muting(self) -> Iterator[None]:
        """Keep no record of the checks that further runs of a test make."""
        self.muted = True
        try:
            yield
        finally:
            self.muted = False

    def count(self, owner: Owner, nodeid: str, lost: Collection[str]) -> None:
        """Count the clean check of one that nobody wants to see, with meters that were lost."""
        self.phase.clean += 1
        if self.gate:
            self.gate.note_clean(owner, nodeid, lost)

    def told(self) -> dict[str, Any]:
        """Return the checks since the last report as plain data, nothing where there are none."""
        phase, facts = self.phase, self.gate.told() if self.gate else {}
        if not (phase.clean or phase.checks or facts):
            return {}
        self.phase = Phase()
        return {"clean": phase.clean, "checks": phase.checks, "baseline": facts}

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Send the checks of a phase along with its report, or take them off one from a worker.

        pytest keeps reports until the end.
        """
        if self.live:
            self.live.clear()
        if report.failed:
            self.tell(report)
        told = vars(report).pop(ATTRIBUTE, None) or self.told()
        if told and self.worker:
            vars(report)[ATTRIBUTE] = told
            return
        self.take(told)
        if self.properties:
            self.properties.add(report, told)

    def tell(self, report: pytest.TestReport) -> None:
        """Complete the report of a phase that failed, with the checks since the one before it."""
        if not self.config.getoption("fulltrace"):
            place(report)
        if self.phase.checks and self.config.get_verbosity() > 0:
            from pytest_ocrleak.report import text  # noqa: PLC0415 - few come here

            new = self.phase.checks[self.phase.shown :]
            report.sections += map(text.strip, filter(text.grows, new))
            self.phase.shown = len(self.phase.checks)

    def take(self, told: Mapping[str, Any]) -> None:
        """Count checks, and keep them where they will be told in full."""
        if not told:
            return
        self.tally.clean(told["clean"])
        for check in told["checks"]:
            self.tally.add(check)
            if self.writing:
                self.writing.take(check)
            if check["verdict"] != "clean" and github.here():
                self.notable.append(check)
        if self.gate and told["baseline"]:
            self.gate.facts.take(told["baseline"])

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any, error: object) -> None:
        """Take what a worker of pytest-xdist found after its last report.

        Raises
        ------
        pytest.UsageError
            A marker is wrong, which only workers read.

        """
        output = getattr(node, "workeroutput", {})
        if wrong := output.get(options.WRONG):
            raise pytest.UsageError(wrong)
        if error:
            self.partial = f"worker {node.gateway.id} crashed"
        self.take(output.get(ATTRIBUTE, {}))
        for name in LATE:
            kept, came = getattr(self, name), output.get(f"{ATTRIBUTE}_{name}", ())
            kept.update(came) if isinstance(kept, dict) else kept.extend(came)
        if rules := output.get(f"{ATTRIBUTE}_rules"):
            self.rules.take(rules)

    def pytest_keyboard_interrupt(self) -> None:
        """Note that the session was left, which `pytest.exit` does with any exit code."""
        self.interrupted = True

    @pytest.hookimpl(wrapper=True, trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> Generator[None, object, object]:
        """Write the reports, in the one process that has all checks."""
        result = yield
        told = self.told()
        if self.worker:
            output = self.config.workeroutput  # type: ignore[attr-defined]
            late = {f"{ATTRIBUTE}_{name}": getattr(self, name) for name in LATE}
            output.update({**late, f"{ATTRIBUTE}_rules": self.rules.told(), ATTRIBUTE: told})
            return result
        self.take(told)
        self.partial = self.partial or ended_early(session, interrupted=self.interrupted)
        self.conclude(session)
        return result

    def conclude(self, session: pytest.Session) -> None:
        """Give the verdict on the whole session, and write what is to be written."""
        self.rules.take(self.rules.told())
        whole = session.exitstatus == pytest.ExitCode.OK and not self.partial
        if self.gate:
            self.gate.everywhere = whole and self.everything and not self.rules.partial
            self.unwritten = self.gate.update and not self.tally.checked
            self.problems += () if self.unwritten else self.gate.finish()
        self.problems += self.rules.finish() if whole else ()
        unused = (self.gate and self.gate.outdated) or (whole and self.rules.unused)
        if session.exitstatus == pytest.ExitCode.OK and (
            self.late or (self.limits.strict and unused)
        ):
            session.exitstatus = pytest.ExitCode.TESTS_FAILED
        if self.writing:
            self.problems += self.writing.write(self.document)
        if github.here() and self.tally.checked:
            self.problems += github.summarize(self.document(self.notable))

    def document(self, checks: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
        """Return the report on the session that tells some checks, or all of them, in full."""
        from pytest_ocrleak.report.document import document  # noqa: PLC0415 - where one is written

        notes = [*self.late, *self.problems]
        return document(checks, self.tally.counts(), partial=self.partial, notes=notes)

    def pytest_terminal_summary(self, terminalreporter: "pytest.TerminalReporter") -> None:
        """Write what was found too late for any test, and the one line."""
        for line in (*self.late, *self.problems):
            terminalreporter.write_line(line, red=True)
        if github.here():
            for line in github.commands(self.notable, self.config.rootpath):
                terminalreporter.write_line(line)
        if self.tally.checked:
            at_times = {f"{name} at times": reason for name, reason in self.lost.items()}
            needed = ["gpu", *self.lost] if not self.tally.told else None
            missing = unavailable(self.limits, needed)
            told = {n: r for n, r in at_times.items() if n.partition(" ")[0] not in missing}
            colour = {"red": bool(self.tally.failing), "green": self.tally.all_clean}
            terminalreporter.write_line(summary(self.tally, {**told, **missing}), **colour)
        elif line := self.idle():
            terminalreporter.write_line(line, yellow=True)

    def idle(self) -> str:
        """Return the line that says what became of options where nothing was checked."""
        off, unwritten = self.config.getoption("ocrleak_off"), self.gate if self.unwritten else None
        quiet = off or self.config.getoption("collectonly") or not options.typed(self.config)
        if quiet and not unwritten:
            return ""
        told = "off" if off else IDLE if self.everything else f"{IDLE}: {SOME}"
        return f"ocrleak: {told}{f'; {unwritten.path.name} was not written' if unwritten else ''}"


def listening(config: pytest.Config, listener: Listener) -> Listener:
    """Have something of ours hear pytest's hooks."""
    config.pluginmanager.register(listener, f"ocrleak-{type(listener).__name__.lower()}")
    return listener


def is_worker(config: pytest.Config) -> bool:
    """Tell whether this is a worker of pytest-xdist."""
    return hasattr(config, "workerinput")


def running() -> str:
    """Return the test that runs, as pytest tells in the environment: ``nodeid (phase)``."""
    return os.environ.get("PYTEST_CURRENT_TEST", "").rpartition(" (")[0]


def unavailable(limits: Limits, names: Iterable[str] | None) -> dict[str, str]:
    """Return those of some meters, or of all, that cannot be read here, with the reasons."""
    readings = read(m for m in limits.meters if names is None or m.name in names).readings
    return {n: r.reason for n, r in readings.items() if isinstance(r, Unavailable)}
