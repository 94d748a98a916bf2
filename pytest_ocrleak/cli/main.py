"""The entry of `ocrleak`: parse, run one command, and end with one sentence where it cannot.

Results go to stdout, what went wrong to stderr, never a traceback. Exit codes: 0 done, 1 it cannot
be done (or leaks were found), 2 bad usage or input, 130 interrupted.
"""

import argparse
import os
import sys
from collections.abc import Sequence
from typing import NoReturn

from pytest_ocrleak.cli import diffing, doctor, inspecting, merging, running, watching
from pytest_ocrleak.cli.command import FAILED, PROGRAM, Command, StopError
from pytest_ocrleak.cli.pages.safe import one_line

COMMANDS: tuple[Command, ...] = (
    running.COMMAND,
    doctor.COMMAND,
    inspecting.COMMAND,
    watching.COMMAND,
    diffing.COMMAND,
    merging.COMMAND,
)
INTERRUPTED = 130
PURPOSE = "Tell what a process holds, how that changes, and what leaks anew."


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    arguments = parser().parse_args(argv)
    if sys.stdout is None:
        complain("stdout is closed: there is nowhere to print to")
        return FAILED
    try:
        code = int(arguments.run(arguments))
        sys.stdout.flush()
    except StopError as error:
        complain(str(error))
        return error.code
    except KeyboardInterrupt:
        return INTERRUPTED
    except OSError as error:
        drop_output()
        if not isinstance(error, BrokenPipeError):  # then the reader, `head` say, has seen enough
            complain(f"stopped: {error}")
        return FAILED
    return code


class Version(argparse.Action):
    """Print which version this is: read when it is asked for, as that is slow."""

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> NoReturn:
        """Print it to stdout, and end."""
        from importlib.metadata import version  # noqa: PLC0415 - slow to load

        print(f"{PROGRAM} {version('pytest-ocrleak')}")  # noqa: T201
        parser.exit()


def parser() -> argparse.ArgumentParser:
    """Return the parser of all commands."""
    whole = argparse.ArgumentParser(PROGRAM, description=PURPOSE)
    whole.add_argument("--version", action=Version, nargs=0, help="print the version and exit")
    commands = whole.add_subparsers(metavar="COMMAND", required=True)
    for command in COMMANDS:
        one = commands.add_parser(command.name, help=command.purpose, description=command.purpose)
        command.declare(one)
        one.set_defaults(run=command.run)
    return whole


def complain(sentence: str) -> None:
    """Print one sentence to stderr."""
    print(f"{PROGRAM}: {one_line(sentence)}", file=sys.stderr)  # noqa: T201


def drop_output() -> None:
    """Send what is still buffered nowhere, else the interpreter's own flush fails at exit."""
    with open(os.devnull, "wb") as nowhere:  # noqa: PTH123 - a device, not a path
        os.dup2(nowhere.fileno(), sys.stdout.fileno())
