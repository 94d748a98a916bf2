"""Checks as lines of text, for a failed test, a terminal and the one-line summary."""

from collections.abc import Iterator, Mapping
from typing import Any

from pytest_ocrleak.growth import Growth
from pytest_ocrleak.inventory import Leak
from pytest_ocrleak.meters import METERS
from pytest_ocrleak.outcome import Check
from pytest_ocrleak.report.hints import hints
from pytest_ocrleak.sizes import human

SHOWN = 10
WORTH = 100_000  # bytes of resident memory below which a part is not worth its words
FINEST = {"B": 1.0, "blocks": 0.01}
MADE = {
    "fds": "opened", "maps": "mapped", "threads": "started", "processes": "started",
    "tempfiles": "made",
}  # fmt: skip
OTHER_THAN_PLACES = ("inside ", "during ", "either ", "or ")
HEADINGS = ("meter", "one-time", "growth per run", "resolution", "verdict")


def failure(check: Check) -> str:
    """Return the message of a failed check: what leaks, what to try, and what each meter says.

    One pass says little of bytes, and is told without a table.
    """
    lines = [*problem(check), *hints(check)]
    if check.runs > 1:
        lines += ["", *table(check.meters)]
    return "\n".join((*lines, *resident(check.meters), *allocated(check)))


def allocated(check: Check) -> Iterator[str]:
    """Return the stacks that allocate what leaks, or why they are not known."""
    for meter, lines in check.allocations.items():
        yield from ("", f"{meter}, by the stacks that allocate it:")
        yield from (f"  {line}" for line in lines)


def problem(check: Check) -> Iterator[str]:
    """Return what leaks: the check with actual against allowed, then the first ten leaks."""
    runs = f" after {check.runs} runs" if check.runs > 1 else ""
    leaks = failing(check)
    if leaks:
        meters = dict.fromkeys(leak.meter for leak in leaks)
        yield f"{label(check)} leaks ({'; '.join(actual(check, meter) for meter in meters)}){runs}:"
    else:
        yield f"{label(check)}: inconclusive{runs}"
    for leak in leaks[:SHOWN]:
        yield from described(leak)
    if len(leaks) > SHOWN:
        yield f"  … and {len(leaks) - SHOWN} more"
    if known := len(check.leaks) - len(leaks):
        yield f"  and {known} that the baseline knows"


def failing(check: Check) -> list[Leak]:
    """Return the leaks that no baseline knows."""
    return [leak for leak in check.leaks if not leak.known]


def label(check: Check) -> str:
    """Return the name of what was checked; that of a fixture with its scope."""
    if check.kind == "fixture":
        return f"fixture {check.name} ({check.scope})"
    return check.name or check.kind


def actual(check: Check, meter: str) -> str:
    """Return what a meter saw against what is allowed; what is held without growth, by its name."""
    leaks = [leak for leak in failing(check) if leak.meter == meter]
    growth = check.meters.get(meter)
    if growth is None or not any(leak.per_run for leak in leaks):
        return meter
    if not METERS[meter].exact and leaks[0].per_run > growth.per_run:
        return f"{meter}: {leaks[0].what}"
    each, seen = (" per run", growth.per_run) if check.runs > 1 else ("", total(leaks, growth))
    told, allowed = human(seen, growth.unit), human(growth.accepted, growth.unit)
    more = "more than " if told == allowed else ""  # by less than the figures have digits
    return f"{meter} {more}{told}{each}, {allowed} allowed"


def total(leaks: list[Leak], growth: Growth) -> float:
    """Return how much stayed after one pass: bytes, or the number of things."""
    return growth.per_run if growth.unit in FINEST else sum(leak.count for leak in leaks)


def described(leak: Leak) -> Iterator[str]:
    """Return one leak: what and how often, the line that opened it, what keeps it."""
    yield f"  {leak.meter}: {leak.what}{often(leak.count)}"
    if leak.remark:
        yield f"      {leak.remark}"
    yield from (f"      {line}" for line in origin(leak))
    yield from (f"      kept by {keeper}" for keeper in leak.kept_by)


def often(count: int) -> str:
    """Return how many things of a name there are, nothing where it is one."""
    return f" ×{count}" if count > 1 else ""


def in_a_line(leak: Mapping[str, Any]) -> str:
    """Return a plain leak in one line: meter, what, how often, where it was opened."""
    place = next(iter(leak["opened_at"]), "")
    made = MADE.get(leak["meter"], "allocated")
    at = "" if place.startswith(OTHER_THAN_PLACES) else "at "
    opened = f", {made} {at}{place}" if place else ""
    return f"{leak['meter']}: {leak['what']}{often(leak['count'])}{opened}"


def origin(leak: Leak) -> Iterator[str]:
    """Return the stack that made what leaks: the place, who called it, and what was inside."""
    made = MADE.get(leak.meter, "allocated")
    for place in leak.opened_at:
        if place.startswith(OTHER_THAN_PLACES):
            yield f"{made} {place}".strip()
        else:
            yield f"{made} at {place}" if made else f"called from {place}"
        made = ""


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


def grows(check: Mapping[str, Any]) -> bool:
    """Tell whether a plain check was repeated and leaks."""
    return bool(check["leaks"]) and check["runs"] > 1


def strip(check: Mapping[str, Any]) -> tuple[str, str]:
    """Return a section of a report: growth per run of each meter that leaks, reading by reading.

    As CPython's own leak tests print it: a leak is the same all along, a first use comes once.
    """
    leaking = {n: meter for n, meter in check["meters"].items() if meter["verdict"] == "leak"}
    lines = (f"{name}: {' '.join(rates(meter))}" for name, meter in leaking.items())
    return f"{check['name']}: growth per run, reading by reading", "\n".join(lines)


def rates(meter: Mapping[str, Any]) -> Iterator[str]:
    """Return growth per run, reading by reading."""
    for step, runs in zip(meter["series"], meter["batches"], strict=True):
        yield human(step / max(1, runs), meter["unit"])
