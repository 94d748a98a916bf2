"""Checks as lines of the table of all, and meters as lines of that of the undecided."""

from collections.abc import Iterator
from typing import NamedTuple

from pytest_ocrleak.report.page.reading import Check, shortened
from pytest_ocrleak.report.page.words import beside, listed, title, where
from pytest_ocrleak.report.tally import REPEATED
from pytest_ocrleak.sizes import human

NAMED = 3  # leaks in a line
NAME = 60  # characters of their names


class Line(NamedTuple):
    """A check in the table of all."""

    verdict: str
    anchor: str
    name: str
    where: str
    runs: str
    found: str


class Undecided(NamedTuple):
    """A meter of a check that is inconclusive."""

    name: str
    where: str
    meter: str
    per_run: str
    reason: str


def line(check: Check, anchor: str) -> Line:
    """Return a check's line, and the place where its leaks are told."""
    known = bool(check.leaks) and all(leak.known for leak in check.leaks)
    verdict = "known" if known else check.verdict
    return Line(verdict, anchor, title(check), where(check), f"{check.runs:,}", found(check))


def found(check: Check) -> str:
    """Return what leaks, else what is open, else how fine the clean heap is."""
    if check.leaks:
        told = [
            f"{leak.meter} {shortened(leak.what, NAME)} {beside(check, leak)}".rstrip()
            for leak in check.leaks[:NAMED]
        ]
        more = len(check.leaks) - NAMED
        return "; ".join(told) + (f" … and {more:,} more" if more > 0 else "")
    if check.verdict == "inconclusive":
        return listed(name for name, each in check.meters.items() if each.verdict == "inconclusive")
    heap = check.meters.get("heap")
    if check.runs < REPEATED or heap is None or heap.verdict != "clean":
        return ""
    return f"heap ±{human(max(1.0, heap.resolution), heap.unit)}/run"


def undecided(check: Check) -> Iterator[Undecided]:
    """Yield the meters of a check that are inconclusive."""
    for name, growth in check.meters.items():
        if growth.verdict == "inconclusive":
            per_run = human(growth.per_run, growth.unit) if growth.series else "–"
            yield Undecided(title(check), where(check), name, per_run, growth.reason)
