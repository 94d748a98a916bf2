"""What two reports differ in, as tables and as plain data."""

from collections.abc import Iterable
from typing import Any

from pytest_ocrleak.cli.documents.record import plain
from pytest_ocrleak.cli.documents.reports import Comparison, Found, Pair, is_thing
from pytest_ocrleak.cli.pages.tables import Column, Page, Row, Table, Tone, lines
from pytest_ocrleak.cli.pages.words import plural
from pytest_ocrleak.meters import METERS
from pytest_ocrleak.sizes import human

LEAKS = (
    Column("meter"),
    Column("was", "right"),
    Column("now", "right"),
    Column("leak", elastic=True),
    Column("check", elastic=True),
    Column("why"),
)
VERDICTS = (Column("was"), Column("now"), Column("check", elastic=True))


def page(found: Comparison) -> Page:
    """Return the summary, then what is new first."""
    tables: tuple[tuple[str, tuple[Pair, ...], Tone], ...] = (
        ("New leaks", found.new, "odd"),
        ("Still leaking", found.still, ""),
        ("Gone", found.gone, "good"),
        ("In the first only, but not proven gone", found.unproven, ""),
    )
    leaks = (leak_table(title, pairs, tone) for title, pairs, tone in tables if pairs)
    verdicts = Table(
        f"Verdicts that changed: {len(found.verdicts):,}",
        VERDICTS,
        tuple(Row((each.older, each.newer, each.check)) for each in found.verdicts),
    )
    return (summary(found), *leaks, *([verdicts] if found.verdicts else []))


def summary(found: Comparison) -> Any:
    """Return the counts, and what the figures depend on that is not the same."""
    counts = (
        plural(len(found.new), "new leak"),
        f"{len(found.still):,} still there",
        f"{len(found.gone):,} gone",
        f"{len(found.unproven):,} not proven gone",
    )
    told = " · ".join(counts if found.unproven else counts[:-1])
    return lines("Second report against the first", told, *found.surroundings)


def leak_table(title: str, pairs: Iterable[Pair], tone: Tone) -> Table:
    """Return a table of leaks."""
    rows = tuple(Row(leak_cells(pair), "odd" if grew(pair) else tone) for pair in pairs)
    return Table(f"{title}: {len(rows):,}", LEAKS, rows)


def grew(pair: Pair) -> bool:
    """Tell whether a leak that was there before is more than it was."""
    if not (pair.older and pair.newer):
        return False
    return (pair.newer.count, pair.newer.per_run) > (pair.older.count, pair.older.per_run)


def leak_cells(pair: Pair) -> tuple[str, ...]:
    """Return a leak's cells."""
    leak = pair.newer or pair.older
    if leak is None:
        raise ValueError("a leak is in one of the reports")
    return leak.meter, size(pair.older), size(pair.newer), leak.what, pair.check, pair.remark


def size(leak: Found | None) -> str:
    """Return how many things a leak is, or how much it grows by a run."""
    if leak is None:
        return ""
    if is_thing(leak.meter):
        return f"×{leak.count:,}"
    return human(leak.per_run, METERS[leak.meter].unit)


def as_data(found: Comparison) -> dict[str, Any]:
    """Return the comparison as plain data."""
    return {"compared": "reports", **plain(found)}
