"""A report as Markdown, for a file, GitHub's summary of a job and a comment on a pull request.

What comes from elsewhere (names, paths, reasons) stands in code spans, in which neither HTML nor
``@name`` nor a link means anything. The whole is shorter than the 65,536 characters that a comment
may have.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain, islice
from typing import Any, TypeVar

from pytest_ocrleak.inventory import Leak
from pytest_ocrleak.report import text
from pytest_ocrleak.report.page.overview import Overview, coarsest, overview
from pytest_ocrleak.report.page.reading import (
    Check,
    Environment,
    Report,
    leaking,
    report,
    shortened,
)
from pytest_ocrleak.report.page.words import UNDECIDED, amount, cells, plural, title, where
from pytest_ocrleak.report.tally import REPEATED
from pytest_ocrleak.sizes import human

SIGNS = {"leak": "❌", "open": "⚠️", "clean": "✅"}
NAME = 240  # characters of a name
LINES = 6  # of a stack, or of what keeps a thing
METERS_TOLD = 9  # in the line of counts
ROOM = {  # characters
    "leaks": 24_000, "known": 6000, "growth": 10_000, "open": 8000, "notes": 6000,
    "environments": 4000,
}  # fmt: skip
LEAKS = ("check", "leak", "how much", "made", "kept by")
GROWTH = ("check", "runs", "meter", "one-time", "growth per run", "resolution", "verdict")
RANK = ("leak", "inconclusive", "clean")
NOTHING = "–"
T = TypeVar("T")


def markdown(document: Mapping[str, Any]) -> str:
    """Return a report's document as Markdown."""
    told = report(document)
    parts = chain(
        glance(overview(told), told),
        leaks(told),
        undecided(told),
        known(told),
        growth(told),
        notes(told),
        environments(told),
    )
    return "\n".join(parts).rstrip() + "\n"


def glance(seen: Overview, told: Report) -> Iterator[str]:
    """Yield the verdict in a sentence, and the counts."""
    yield from (f"## {SIGNS[seen.tone]} ocrleak: {seen.sentence}", "")
    if told.partial:
        yield from (f"> **This report is partial**: {code(told.partial)}", "")
    counts = [f"{seen.checked:,} checked", f"{seen.clean:,} clean"]
    saw = (f"{code(name)} in {count:,}" for name, count in first(seen.meters))
    counts += [f"**{seen.leaking:,} leak** ({', '.join(saw)})"] if seen.leaking else []
    counts += [plural(seen.known, "known leak")] if seen.known else []
    counts += [f"{seen.inconclusive:,} inconclusive"] if seen.inconclusive else []
    counts += [f"heap ±{human(max(1.0, seen.heap))}/run"] if seen.heap is not None else []
    missing = (f"{code(n)} unavailable ({code(why)})" for n, why in first(seen.unavailable))
    yield from (" · ".join((*counts, *missing)), "")


def first(meters: Mapping[str, T]) -> Iterable[tuple[str, T]]:
    """Return the first of some meters with what is told of each."""
    return islice(meters.items(), METERS_TOLD)


def leaks(told: Report) -> Iterator[str]:
    """Yield what leaks and is not known, fixtures first."""
    checks = sorted(leaking(told), key=lambda check: check.kind != "fixture")
    found = [(check, leak) for check in checks for leak in check.leaks if not leak.known]
    if found:
        rows = (leak_row(*each) for each in found)
        yield from ("### Leaks", "", *table(LEAKS, rows, ROOM["leaks"], " leaks"), "")


def leak_row(check: Check, leak: Leak) -> Sequence[str]:
    """Return a leak's cells."""
    return (
        named(check),
        lines(
            (f"{code(leak.meter)} {code(leak.what)}", *([code(leak.remark)] * bool(leak.remark)))
        ),
        amount(check, leak),
        lines(map(code, text.origin(leak))),
        lines(map(code, leak.kept_by)),
    )


def known(told: Report) -> Iterator[str]:
    """Yield the leaks that the baseline accepts, folded."""
    found = [(check, leak) for check in told.checks for leak in check.leaks if leak.known]
    rows = (
        (
            named(check),
            f"{code(leak.meter)} {code(leak.what)}",
            amount(check, leak),
            code(leak.remark),
        )
        for check, leak in found
    )
    if found:
        head = (*LEAKS[:3], "accepted")
        told_of = table(head, rows, ROOM["known"], " known leaks")
        yield from folded(plural(len(found), "known leak"), told_of)


def undecided(told: Report) -> Iterator[str]:
    """Yield the meters that cannot tell, in checks that leak, too, with the reasons."""
    found = [
        (named(check), code(name), code(growth.reason))
        for check in told.checks
        for name, growth in check.meters.items()
        if growth.verdict == "inconclusive"
    ]
    if found:
        rows = table(("check", "meter", "why"), found, ROOM["open"])
        yield from ("### Undecided meters", "", UNDECIDED, "", *rows, "")


def growth(told: Report) -> Iterator[str]:
    """Yield growth per run of repeated checks, folded: leaks first, last the clean heaps."""
    repeated = (check for check in told.checks if check.runs >= REPEATED)
    checks = sorted(repeated, key=lambda check: -(coarsest([check], "heap") or 0.0))
    found = [row for verdict in RANK for check in checks for row in growth_rows(check, verdict)]
    if found:
        rows = table(GROWTH, found, ROOM["growth"])
        yield from folded(f"Growth per run of {plural(len(checks), 'repeated check')}", rows)


def growth_rows(check: Check, verdict: str) -> Iterator[Sequence[str]]:
    """Yield the meters of a check with one verdict; of clean ones only the heap."""
    for name, grown in check.meters.items():
        if grown.verdict == verdict and (verdict != "clean" or name == "heap"):
            runs = f"{check.runs:,}"
            yield (named(check), runs, code(name), *cells(name, grown), code(grown.verdict))


def notes(told: Report) -> Iterator[str]:
    """Yield what the terminal told at the end."""
    if told.notes:
        kept, left = fitting(told.notes, ROOM["notes"])
        fence = "`" * max(3, ticks("\n".join(kept)) + 1)
        more = [f"… and {left:,} more lines"] if left else []
        yield from ("### Notes", "", f"{fence}text", *kept, fence, "", *more, "")


def environments(told: Report) -> Iterator[str]:
    """Yield what the figures depend on, folded."""
    rows = [row for each in told.environments for row in environment_rows(each)]
    rows += [("merged from", " ".join(map(code, told.reports[:LINES])))] if told.reports else []
    made = f"Made {code(told.created)} by {code(told.tool)}" if told.created else code(told.tool)
    body = table(("", "environment"), rows, ROOM["environments"])
    yield from folded("Environment", (*body, "", made))


def environment_rows(told: Environment) -> Iterator[Sequence[str]]:
    """Yield one environment's rows."""
    yield "Python", code(told.python)
    yield "platform", code(told.platform)
    yield "allocator", code(told.allocator)
    yield "meters", " ".join(map(code, told.sources))
    for name, reason in told.unavailable.items():
        yield f"{code(name)} unavailable", code(reason)


def named(check: Check) -> str:
    """Return a check's name, and where it was checked."""
    place = where(check)
    return lines((code(title(check)), *([f"in {code(place)}"] * bool(place))))


def lines(texts: Iterable[str]) -> str:
    """Return texts as the lines of a cell, the middle left out where they are many."""
    every = list(texts)
    if len(every) > LINES:
        every = [*every[: LINES - 1], f"… and {len(every) - LINES + 1:,} more"]
    return "<br>".join(every) or NOTHING


def table(
    head: Sequence[str], rows: Iterable[Sequence[str]], room: int, what: str = ""
) -> Iterator[str]:
    """Yield a table of as many rows as there is room for, and how many are left out."""
    kept, left = fitting(map(row, rows), room)
    yield from (row(head), row(["---"] * len(head)), *kept)
    if left:
        yield from ("", f"… and {left:,} more{what}")


def row(row_cells: Iterable[str]) -> str:
    """Return a row of a table."""
    told = (cell.replace("|", "\\|") for cell in row_cells)
    return f"| {' | '.join(told)} |"


def fitting(texts: Iterable[str], room: int) -> tuple[list[str], int]:
    """Return the first lines that there is room for, and the number of the others."""
    kept: list[str] = []
    left = 0
    for each in texts:
        room -= len(each) + 1
        if left or room < 0:
            left += 1
        else:
            kept.append(each)
    return kept, left


def folded(summary: str, body: Iterable[str]) -> Iterator[str]:
    """Yield lines under a summary that shows them."""
    yield from (f"<details><summary>{summary}</summary>", "", *body, "", "</details>", "")


def code(name: str) -> str:
    """Return a text as a code span, in which nothing has a meaning; its middle may be left out."""
    told = shortened(name, NAME)
    if not told.strip():
        return NOTHING
    fence = "`" * (ticks(told) + 1)
    pad = " " if told[0] in "` " or told[-1] in "` " else ""
    return f"{fence}{pad}{told}{pad}{fence}"


def ticks(told: str) -> int:
    """Return the length of the longest run of backticks."""
    return max(map(len, re.findall("`+", told)), default=0)
