"""`ocrleak merge`: one report of several, of shards, reruns or machines; and a gate over them.

Everything is read, checked and rendered before anything is written.
"""

import argparse
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from pytest_ocrleak.cli.command import DONE, FAILED, Command, InputError, StopError, add_json
from pytest_ocrleak.cli.documents.inputs import load_report
from pytest_ocrleak.cli.pages import joined, screen
from pytest_ocrleak.cli.pages.words import plural
from pytest_ocrleak.files import write
from pytest_ocrleak.report.formats import SUFFIXES, missing, rendered
from pytest_ocrleak.report.merged import Given, fails, merge


def declare(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument(
        "reports", nargs="+", metavar="A.json", help="a report of the plugin, or a merged one"
    )
    parser.add_argument(
        "-o",
        "--output",
        action="append",
        default=[],
        type=Path,
        metavar="ALL.json",
        help="where to write the merged report, by suffix: .json, .html, .md; may be given "
        "several times",
    )
    parser.add_argument(
        "--strict", action="store_true", help="inconclusive checks fail, too, and so do none at all"
    )
    add_json(parser, "print the merged report instead of its summary")


def run(arguments: argparse.Namespace) -> int:
    """Merge reports, write what was asked for, and fail where a test run would have."""
    check_formats(arguments.output)
    given = [Given(path, load_report(path)) for path in arguments.reports]
    found = merge(given, tool())
    reasons = list(failures(found.report, strict=arguments.strict))
    unwritten = list(written(arguments.output, found.report))
    if arguments.json:
        screen.write_json(found.report)
    else:
        screen.show(joined.page(given, found, reasons))
    if unwritten:
        raise StopError("; ".join(unwritten))
    return FAILED if reasons else DONE


def check_formats(outputs: Sequence[Path]) -> None:
    """Make sure that each output can be rendered, before anything is read."""
    for path in outputs:
        if path.suffix not in SUFFIXES:
            raise InputError(f"{path} has none of the suffixes {', '.join(SUFFIXES)}")
        if reason := missing(path.suffix):
            raise InputError(f"{path}: {reason}")


def tool() -> dict[str, str]:
    """Return who merges."""
    from importlib.metadata import version  # noqa: PLC0415 - slow to load

    return {"name": "pytest-ocrleak", "version": version("pytest-ocrleak")}


def failures(report: Mapping[str, Any], *, strict: bool) -> Iterator[str]:
    """Yield why a merged report fails."""
    if leaking := sum(map(fails, report["checks"])):
        yield f"{plural(leaking, 'check')} {'leaks' if leaking == 1 else 'leak'}"
    open_ones = report["summary"]["inconclusive"]
    if strict and open_ones:
        yield f"{plural(open_ones, 'check')} {'is' if open_ones == 1 else 'are'} inconclusive"
    if strict and not report["checks"]:
        yield "no check was made, so nothing was proven"
    if "partial" in report:
        yield "a report is partial: what was not run is not proven"


def written(outputs: Sequence[Path], report: Mapping[str, Any]) -> Iterator[str]:
    """Write a report to files, and yield the sentences that say which ones could not be."""
    texts = {suffix: rendered(suffix, report) for suffix in {path.suffix for path in outputs}}
    for path in outputs:
        try:
            write(path, texts[path.suffix])
        except OSError as error:
            yield f"{path} cannot be written ({error.strerror})"


COMMAND = Command("merge", "join reports of shards and reruns, and fail for leaks", declare, run)
