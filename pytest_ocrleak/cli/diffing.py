"""`ocrleak diff`: two reports of the plugin, or two outputs of `ocrleak inspect --json`."""

import argparse

from pytest_ocrleak.cli.command import DONE, FAILED, Command, InputError, add_json
from pytest_ocrleak.cli.documents.inputs import load
from pytest_ocrleak.cli.documents.reports import Report, compare
from pytest_ocrleak.cli.pages import changes, reported, screen
from pytest_ocrleak.cli.process.history import begun
from pytest_ocrleak.cli.process.holdings import Holdings


def declare(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("older", metavar="A.json", help="a report, or an output of inspect --json")
    parser.add_argument("newer", metavar="B.json", help="a later one of the same kind")
    add_json(parser)


def run(arguments: argparse.Namespace) -> int:
    """Compare two files of one kind."""
    older, newer = load(arguments.older), load(arguments.newer)
    if isinstance(older, Holdings) and isinstance(newer, Holdings):
        return processes(older, newer, as_json=arguments.json)
    if isinstance(older, Holdings) or isinstance(newer, Holdings):
        which = arguments.older if isinstance(older, Holdings) else arguments.newer
        raise InputError(f"{which} is a process and the other one a report: give two of one kind")
    return reports(older, newer, as_json=arguments.json)


def reports(older: Report, newer: Report, *, as_json: bool) -> int:
    """Show what two reports differ in; new leaks are a failure."""
    found = compare(older, newer)
    if as_json:
        screen.write_json(reported.as_data(found))
    else:
        screen.show(reported.page(found))
    return FAILED if found.new else DONE


def processes(older: Holdings, newer: Holdings, *, as_json: bool) -> int:
    """Show what came and went between two looks at a process, or at two processes."""
    history = begun(older).then(newer)
    if as_json:
        screen.write_json({"compared": "processes", **changes.compared(history, older)})
    else:
        screen.show(changes.two(history))
    return DONE


COMMAND = Command("diff", "tell what is new, gone and still there in the second file", declare, run)
