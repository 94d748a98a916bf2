"""Checks as lines of text, for a failed test, a terminal and the one-line summary."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pytest_ocrleak.growth import Growth
from pytest_ocrleak.inventory import Leak
from pytest_ocrleak.meters import METERS
from pytest_ocrleak.outcome import Check
from pytest_ocrleak.sizes import human

SHOWN = 10
WORTH = 100_000  # bytes of resident memory below which a part is not worth its words
FINEST = {"B": 1.0, "blocks": 0.01}
HEADINGS = ("meter", "one-time", "growth per run", "resolution", "verdict")
REPEATED = ("growth", "release")


def failure(check: Check) -> str:
    """Return the message of a failed check: what leaks first, then the table of all meters."""
    return "\n".join((*problem(check), "", *table(check.meters), *resident(check.meters)))


def problem(check: Check) -> Iterator[str]:
    """Return what leaks: the count and the check, then each leak, the first ten of them."""
    name, runs = check.name or check.kind, f" after {check.runs} runs" if check.runs > 1 else ""
    if not check.leaks:
        yield f"{name}: inconclusive{runs}"
        return
    meters = ", ".join(dict.fromkeys(leak.meter for leak in check.leaks))
    yield f"{name} leaks ({meters}){runs}:"
    for leak in check.leaks[:SHOWN]:
        yield from described(leak)
    if len(check.leaks) > SHOWN:
        yield f"  … and {len(check.leaks) - SHOWN} more"


def described(leak: Leak) -> Iterator[str]:
    """Return one leak: what and how often, the line that opened it, what keeps it."""
    often = f" ×{leak.count}" if leak.count > 1 else ""
    yield f"  {leak.meter}: {leak.what}{often}"
    yield from (f"      opened at {place}" for place in leak.opened_at)
    yield from (f"      kept by {keeper}" for keeper in leak.kept_by)


def table(meters: Mapping[str, Growth]) -> Iterator[str]:
    """Return a table with one row a meter, its columns aligned."""
    rows = [HEADINGS, *(row(name, growth) for name, growth in meters.items())]
    widths = [max(len(line[column]) for line in rows) for column in range(len(HEADINGS))]
    for name, *cells, verdict in rows:
        aligned = (cell.rjust(width) for cell, width in zip(cells, widths[1:-1], strict=True))
        yield "  ".join((name.ljust(widths[0]), *aligned, verdict))


def row(name: str, growth: Growth) -> tuple[str, str, str, str, str]:
    """Return one meter's cells."""
    verdict = f"{growth.verdict} ({growth.reason})" if growth.reason else growth.verdict
    if not growth.series:
        return name, "-", "-", "-", verdict
    return (
        name,
        human(growth.one_time, growth.unit),
        human(growth.per_run, growth.unit),
        fineness(growth, exact=METERS[name].exact),
        verdict,
    )


def resident(meters: Mapping[str, Growth]) -> Iterator[str]:
    """Return what resident memory grew by and what that is made of, where it is worth a line."""
    parts = meters["rss"].parts if "rss" in meters else {}
    told = sorted(
        ((size, name) for name, size in parts.items() if abs(size) >= WORTH), reverse=True
    )
    total = sum(parts.values())
    if abs(total) >= WORTH:
        made_of = ", ".join(f"{name} {human(part)}" for part, name in told)
        yield f"rss grew by {human(total)}: {made_of}"


def fineness(growth: Growth, *, exact: bool) -> str:
    """Return the smallest growth that would have been caught, no finer than matters."""
    if exact:
        return "exact"
    resolution = max(FINEST.get(growth.unit, 0.0), growth.resolution)
    return "-" if growth.verdict == "unjudged" else f"±{human(resolution, growth.unit)}"


def summary(checks: Sequence[Mapping[str, Any]], unavailable: Mapping[str, str]) -> str:
    """Return the line at the end of a session: counts, the heap's resolution, what is missing.

    The checks are plain data, as `document.plain` makes them and other processes hand them over.
    """
    counts = Counter(check["verdict"] for check in checks)
    told = ", ".join(f"{n} {verdict}" for verdict, n in sorted(counts.items()))
    parts = [f"{len(checks)} checked, {told}", *resolution(checks)]
    parts += [f"{name} unavailable ({reason})" for name, reason in unavailable.items()]
    return f"ocrleak: {' · '.join(parts)}"


def resolution(checks: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """Return the coarsest resolution of a clean heap, where any check repeated its code."""
    heaps = [check["meters"].get("heap", {}) for check in checks if check["kind"] in REPEATED]
    sizes = [heap["resolution"] for heap in heaps if heap.get("verdict") == "clean"]
    if sizes:
        yield f"heap ±{human(max(1.0, *sizes))}/run"
