"""The part of `ocrleak run` inside the script's process: run it, end it, tell what it left."""

import itertools
import json
import math
import os
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from pytest_ocrleak import files, findings, meters, onepass, settle
from pytest_ocrleak.causes import objects, origins, replay
from pytest_ocrleak.cli.script.ending import Exits, finish, show, wait_for_threads
from pytest_ocrleak.cli.script.loading import Program
from pytest_ocrleak.findings import Findings
from pytest_ocrleak.limits import Limits
from pytest_ocrleak.meters import reserve
from pytest_ocrleak.outcome import Check
from pytest_ocrleak.pace import Clock, Pace
from pytest_ocrleak.readings import Readings
from pytest_ocrleak.repeat import Run, repeat
from pytest_ocrleak.report import document

INTERRUPTED = 130

meters.load()  # while the folders are known that we are in


class EndedError(Exception):
    """A run did not end well; ``status`` is its exit status."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


def main() -> None:
    """Run what the command line says, and leave with its exit status."""
    settings, kind, name, *arguments = sys.argv[1:]
    given, program, process = json.loads(settings), Program(kind, name, arguments), os.getpid()
    limits = Limits().narrowed(given["track"], given["ignore"], None)
    try:
        status, found = (repeated if given["repeat"] else once)(program, limits, given["repeat"])
    except KeyboardInterrupt:  # once more, while it was judged
        status, found = INTERRUPTED, None
    if found and os.getpid() == process:  # and no child that the script forked off
        check = Check("guard", "", found.runs, found.meters, found.leaks)
        with reserve.lent():  # a script may have left none
            files.write(Path(given["result"]), json.dumps(document.plain(check)))
    sys.exit(status)


def once(program: Program, limits: Limits, _: None = None) -> tuple[int, Findings | None]:
    """Run it once, to its very end, and judge what stays."""
    process = os.getpid()
    settle.settle()
    readings = Readings(limits, warm=True)
    with origins.noted(wanted=limits.origins):
        status = executed(program)
        if os.getpid() != process:
            return status, None
        finish()
    readings.add(1, settle.Patience())
    with reserve.lent():
        return status, onepass.one_pass(readings)


def repeated(program: Program, limits: Limits, runs: int) -> tuple[int, Findings | None]:
    """Run it again and again, and judge its growth per run, unless one of the runs fails."""
    process = os.getpid()

    def run() -> None:
        with Exits() as exits:
            status = executed(program)
            if status or os.getpid() != process:
                raise EndedError(status)
            wait_for_threads()
            exits.call()
        program.forget()

    try:
        found = findings.repeated(repeat(run, limits, Pace(runs, 1, math.inf)))
    except EndedError as error:
        return error.status, None
    with suppress(EndedError):  # then the leaks stay without names
        found = named(found, run, runs)
    return 0, found


def named(found: Findings, run: Run, runs: int) -> Findings:
    """Return findings in which more runs tell what the leaks are and where they come from.

    They are no more than were asked for, unlike those of other code: a script prints, and writes.
    """
    if any(map(findings.of_bytes, found.leaks)):
        kinds = objects.grown(run, at_most(runs))
        found = findings.of_objects(found, objects.told(kinds), objects.kept(run, kinds))
    unknown = {leak.meter for leak in found.leaks if findings.unknown(leak)}
    return findings.replayed(found, replay.places(run, unknown)) if unknown else found


def at_most(runs: int) -> Clock:
    """Return a clock by which so many looks take the time for additional runs, or more."""
    start, looks = time.perf_counter(), itertools.count(0, objects.SECONDS / runs)
    return lambda: max(time.perf_counter() - start, next(looks))


def executed(program: Program) -> int:
    """Run it as ``__main__`` and return its exit status; how it fails is told as ever."""
    try:
        program.run()
    except SystemExit as error:
        return status_of(error.code)
    except BaseException as error:  # noqa: BLE001 - as the interpreter does
        show(error)
        return INTERRUPTED if isinstance(error, KeyboardInterrupt) else 1
    return 0


def status_of(code: Any) -> int:
    """Return the exit status that an argument of ``sys.exit`` stands for; a text is printed."""
    if code is None:
        return 0
    if isinstance(code, int):
        return code & 0xFF
    print(code, file=sys.stderr)  # noqa: T201 - as the interpreter does
    return 1
