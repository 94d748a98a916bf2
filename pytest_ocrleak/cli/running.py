"""`ocrleak run`: what a script leaves behind at its end, or how it grows when it is repeated.

Our lines go to stderr, so that whoever reads the script's stdout reads nothing else. With --json
stdout is the document's, and what the script prints there goes to stderr.
"""

import argparse
import json
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pytest_ocrleak.cli.command import DONE, FAILED, Command, InputError, add_json
from pytest_ocrleak.cli.pages import screen
from pytest_ocrleak.cli.pages.safe import one_line
from pytest_ocrleak.cli.script import target
from pytest_ocrleak.cli.script.passing import passed_on
from pytest_ocrleak.cli.script.target import Target

KILLED = 128  # and the signal's number, as shells have it
START = """import sys
path = sys.path[:]
sys.path[:] = [*path[not sys.flags.safe_path:], *{own!r}]
from pytest_ocrleak.cli.script import within
sys.path[:] = path[not sys.flags.safe_path:]
within.main()"""


def declare(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument(
        "--repeat",
        type=count,
        metavar="N",
        help="run it N times in one process, after one more, and judge growth per run; where it "
        "leaks it runs some more, to tell what",
    )
    parser.add_argument("--track", metavar="NAMES", help="meters to judge: fds,threads (all)")
    parser.add_argument(
        "--ignore",
        action="append",
        default=[],
        metavar="RULE",
        help="what may stay, 'meter:glob  # reason'; may be given several times",
    )
    add_json(parser, "print one JSON document; what the script prints goes to stderr")
    parser.add_argument(
        "words",
        nargs=argparse.REMAINDER,
        metavar="-- python script.py ARGS",
        help="the command: a script, -m module, -c code, or a console script",
    )


def count(text: str) -> int:
    """Return the number of runs in an argument."""
    if not (text.isascii() and text.isdigit() and 0 < int(text) < 10**6):
        raise argparse.ArgumentTypeError(f"{text!r} is no number of runs: write 1 or more")
    return int(text)


def run(arguments: argparse.Namespace) -> int:
    """Run the script to its end, and tell what it left; its own exit status goes first."""
    check_limits(arguments)
    found = target.parsed(arguments.words)
    with tempfile.TemporaryDirectory(prefix="ocrleak-run-") as folder:
        result = Path(folder, "findings.json")
        settings = {
            "result": str(result),
            "repeat": arguments.repeat,
            "track": arguments.track,
            "ignore": arguments.ignore,
        }
        status = ended(command(found, settings), as_json=arguments.json)
        known = json.loads(result.read_bytes()) if result.exists() else {}
    check = {**known, "name": found.label} if known else {}
    for line in lines(found.label, status, check):
        print(one_line(line), file=sys.stderr)  # noqa: T201 - stdout is the script's
    if check and arguments.json:
        from pytest_ocrleak.report.document import document  # noqa: PLC0415 - slow to load

        screen.write_json({**document([check]), "exit_status": status})
    return status or (FAILED if check.get("leaks") else DONE)


def check_limits(arguments: argparse.Namespace) -> None:
    """Make sure that the meters and rules can be understood, before anything runs."""
    from pytest_ocrleak.limits import Limits  # noqa: PLC0415 - slow to load

    try:
        Limits().narrowed(arguments.track, arguments.ignore, None)
    except ValueError as error:
        raise InputError(str(error)) from None


def command(found: Target, settings: Mapping[str, Any]) -> list[str]:
    """Return the command that runs a target under our eyes, by the same interpreter.

    Where its flags hide the folders that we are in, it is told them.
    """
    import psutil  # noqa: PLC0415 - slow to load

    own = [str(Path(str(file)).parents[1]) for file in (__file__, psutil.__file__)]
    own[0] = str(Path(own[0]).parent)
    start = START.format(own=own)
    words = (json.dumps(settings), found.kind, found.name, *found.arguments)
    return [sys.executable, *found.flags, "-c", start, *words]


def ended(command: list[str], *, as_json: bool) -> int:
    """Run a command and return its exit status; Ctrl-C is for it to answer, not for us."""
    process = subprocess.Popen(command, stdout=sys.stderr if as_json else None)  # noqa: S603
    with passed_on(process):
        while True:
            try:
                code = process.wait()
            except KeyboardInterrupt:
                continue
            return code if code >= 0 else KILLED - code


def lines(label: str, status: int, check: Mapping[str, Any]) -> Iterator[str]:
    """Yield what there is to say of a script that ended."""
    if not check:
        yield f"ocrleak: {label} {without(status)}"
        return
    from pytest_ocrleak.cli.script.left import in_one_line, told  # noqa: PLC0415 - slow to load

    yield from (in_one_line(check, status),) if status else told(check)


def without(status: int) -> str:
    """Tell how a script ended that left no findings."""
    early = "before anything could be judged"
    if status > KILLED and status - KILLED in set(signal.Signals):
        return f"was ended by {signal.Signals(status - KILLED).name} {early}"
    if status:
        return f"ended with exit status {status} {early}"
    return f"was gone {early} (os._exit, or another program in its place)"


COMMAND = Command("run", "tell what a Python script leaves behind at its end", declare, run)
