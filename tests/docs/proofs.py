"""Outputs that stand by themselves on a page: each is what the code makes of what it tells."""

import errno
import os
import re
from collections.abc import Callable
from datetime import date
from pathlib import Path
from xml.etree import ElementTree as ET

from blocks import ROOT, Block

from pytest_ocrleak import sizes
from pytest_ocrleak.baseline import Baseline, Entry
from pytest_ocrleak.causes import allocations
from pytest_ocrleak.hooks.gate import Gate
from pytest_ocrleak.hooks.junit import properties
from pytest_ocrleak.hooks.writing import Reports
from pytest_ocrleak.report.tally import Tally, summary

SUMMARY = re.compile(
    r"ocrleak: \d+ checked, (?P<told>.*?)(?: · (?P<known>\d+) known leaks?)?"
    r"(?: · heap ±(?P<heap>.*)/run)?(?: · gpu unavailable \((?P<reason>.*)\))?"
)
GONE = re.compile(
    r"ocrleak: 1 of (?P<all>\d+) known leaks are gone, .* out of (?P<file>\S+): "
    r"(?P<meter>\w+): (?P<what>\S+) \((?P<where>.*)\)"
)


def prove(block: Block) -> None:
    """Prove an output, by how it begins; one that begins otherwise needs a proof first."""
    for begins, proof in PROOFS.items():
        if block.text.startswith(begins):
            proof(block.text.rstrip("\n"))
            return
    raise AssertionError(f"line {block.line}: nothing proves this output:\n{block.text}")


def is_a_summary(line: str) -> None:
    """A line at the end of a session is what `summary` makes of its counts."""
    told = SUMMARY.fullmatch(line)
    assert told, line
    heap = sizes.parse(told["heap"]) if told["heap"] else None
    tally = Tally(heap=heap, known=int(told["known"] or 0))
    for count, verdict in re.findall(r"(\d+) (\w+)", told["told"]):
        tally.verdicts[verdict] = int(count)
    assert summary(tally, {"gpu": told["reason"]} if told["reason"] else {}) == line


def tells_of_a_gone_entry(line: str) -> None:
    """A baseline of so many entries, the first of which was looked for and not found."""
    told = GONE.fullmatch(line)
    assert told, line
    first = Entry(told["where"], told["meter"], told["what"], "0")
    others = (Entry(f"tests/test_{n}.py", "fds", "x", str(n)) for n in range(1, int(told["all"])))
    gate = Gate(
        Path(told["file"]), Baseline((first, *others)), update=False, today=date(2026, 1, 1)
    )
    gate.facts.looks.exact.add(0)
    assert list(gate.finish()) == [line]


def tells_of_an_unwritten_report(line: str) -> None:
    """The sentence of a report that had no room, by the system's own word for that."""
    place, _, _ = line.removeprefix("ocrleak: the report ").partition(" was not written: ")
    reports = Reports([Path(place)])
    reports.lost = os.strerror(errno.ENOSPC)
    told = list(reports.write(lambda checks: {"checks": list(checks)}))
    reports.spool.close()
    assert told == [line]


def is_in_the_readme(text: str) -> None:
    """A part of the proof's output, which test_readme.py compares with a real one."""
    lines = (ROOT / "README.md").read_text("utf8").splitlines()
    readme = re.sub(r"\d+", "N", "\n".join(map(str.strip, lines)))
    assert re.sub(r"\d+", "N", "\n".join(map(str.strip, text.splitlines()))) in readme


def is_in_the_tutorial(text: str) -> None:
    """What the home page shows is what the tutorial's command prints."""
    assert text in (ROOT / "docs/tutorial.md").read_text("utf8")


def are_chains(text: str) -> None:
    """Each chain is one that test_keepers.py gets from code."""
    known = (ROOT / "tests/unit/test_keepers.py").read_text("utf8")
    assert not [line for line in text.splitlines() if line not in known]


def are_stacks(text: str) -> None:
    """What memray told is shown as `told` shows it."""
    native = ("default_calloc (native)", "PyArray_Zeros_int (native)")
    lines = ("test_app.py:3 in grab", "test_app.py:6 in test_np")
    stack = allocations.Stack((*native, *lines), bytes=400_000, blocks=1)
    told = allocations.told(allocations.Allocations((stack,), runs=100))
    assert text.splitlines()[1:] == [f"  {line}" for line in told]


def are_properties(text: str) -> None:
    """In JUnit's XML they are those of a check with that leak."""
    root = ET.fromstring(f"<x>{text}</x>")  # noqa: S314 - our own page
    shown = [(each.get("name"), each.get("value")) for each in root]
    (_, verdict), (_, leak) = shown
    meter, what, place = re.findall(r"(\w+): (.*), opened at (.*)", leak or "")[0]
    found = {"meter": meter, "what": what, "count": 1, "opened_at": [place], "known": False}
    check = {"verdict": verdict, "leaks": [{**found, "kept_by": [], "remark": ""}]}
    assert list(properties({"checks": [check]})) == shown


PROOFS: dict[str, Callable[[str], None]] = {
    "E   pytest_ocrleak.LeakError: fixture engine (function) leaks": is_in_the_tutorial,
    "ocrleak: the report ": tells_of_an_unwritten_report,
    "ocrleak: 1 of ": tells_of_a_gone_entry,
    "ocrleak: ": is_a_summary,
    "threads: native thread without a name": is_in_the_readme,
    "module app → ": are_chains,
    "heap, by the stacks that allocate it:": are_stacks,
    "<property ": are_properties,
}
