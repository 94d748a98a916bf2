"""`ocrleak inspect`: what a process holds, once."""

import argparse

from pytest_ocrleak.cli.command import DONE, Command, add_json, process_id
from pytest_ocrleak.cli.documents import record
from pytest_ocrleak.cli.pages import overview, screen
from pytest_ocrleak.cli.process import reading


def declare(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("pid", type=process_id, metavar="PID|self", help="the process")
    add_json(parser)


def run(arguments: argparse.Namespace) -> int:
    """Read the process and show it."""
    held = reading.read(arguments.pid)
    if arguments.json:
        screen.write_json(record.document(held))
    else:
        screen.show(overview.page(held))
    return DONE


COMMAND = Command("inspect", "show what a process holds, and what of it looks odd", declare, run)
