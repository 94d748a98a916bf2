"""What every subcommand is made of, and the ways in which one ends."""

import argparse
from collections.abc import Callable
from typing import NamedTuple

PROGRAM = "ocrleak"
DONE, FAILED, BAD_USAGE = 0, 1, 2


class Command(NamedTuple):
    """A subcommand: its name, what it is for, its arguments, and what it does with them.

    ``run`` returns the exit code. Its module imports what is slow to load when it runs.
    """

    name: str
    purpose: str
    declare: Callable[[argparse.ArgumentParser], None]
    run: Callable[[argparse.Namespace], int]


class StopError(Exception):
    """A command cannot go on; the text is the one sentence for stderr."""

    code = FAILED


class InputError(StopError):
    """What the user handed over cannot be used."""

    code = BAD_USAGE


def add_json(parser: argparse.ArgumentParser, what: str = "print one JSON document") -> None:
    """Declare the option that programs ask for their output with."""
    parser.add_argument("--json", action="store_true", help=what)


def process_id(text: str) -> int:
    """Return the process id in an argument; ``self`` is 0."""
    if text == "self":
        return 0
    if not (text.isascii() and text.isdigit() and 0 < int(text) < 1 << 31):
        raise argparse.ArgumentTypeError(f"{text!r} is no process id: write a number, or self")
    return int(text)
