"""The numbers of a soak as a page."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from pytest_ocrleak.growth import Growth
from pytest_ocrleak.report.text import HEADINGS, resident, row

from .lives import CUT, PAGES, POOLED, STEPS, Tally

ENOUGH = 16  # readings that show whether engines leak: by then each thread has its arena
SHARES = {"p50": 0.5, "p90": 0.9, "p99": 0.99, "max": 1.0}
_INTRODUCTION = f"""\
Written by `python benchmarks/soak.py`; not to be edited. Threads of one process make, use and free
engines side by side, each for itself, without a pause. An engine reads {PAGES} pages, cuts of
{CUT[0]} × {CUT[1]} pixels of the images in `examples/images`, whose text must be the one that an
engine alone reads; every other engine has a pool of {POOLED} threads, every third is given bytes
that are no image, and each must refuse to work once it is freed. At the end of each wave all
threads rest, and every meter is read; growth is per engine, judged over all readings as the plugin
judges lives, the first wave as warm-up. Fewer than {ENOUGH} readings show growth and fail nothing,
since an arena of the allocator may still come. Latencies are those of a machine that has more to do
than it has CPUs for: they tell that nothing waits for ever, and no speed."""


@dataclass(frozen=True)
class Results:
    """What a soak found: by meter what it did, the lives in threads, and lives one by one."""

    about: Mapping[str, str]
    meters: Mapping[str, Growth]
    tally: Tally
    alone: Tally


def markdown(found: Results) -> str:
    """Return the page."""
    return "\n".join((
        "# Soak benchmark", "", _INTRODUCTION, "",
        *(f"- {name}: {told}" for name, told in found.about.items()),
        f"- Engines: {found.tally.lives} lived in the threads, {found.alone.lives} alone before",
        "", "## Errors", "", *errors(found.tally),
        "", "## Growth per engine", "", *growth(found.meters),
        "", "## Latencies", "", *latencies(found),
        "",
    ))  # fmt: skip


def failed(found: Results) -> bool:
    """Tell whether anything went wrong, or leaks."""
    judged = (one for one in found.meters.values() if len(one.series) >= ENOUGH)
    leaks = any(growth.verdict == "leak" for growth in judged)
    return bool(found.tally.errors or found.alone.errors or leaks)


def errors(tally: Tally) -> Iterator[str]:
    """Return what went wrong, and how often."""
    yield f"{sum(tally.errors.values())} in {tally.lives} lives."
    for name, count in sorted(tally.errors.items()):
        yield f"- {count} × `{name}`"


def growth(meters: Mapping[str, Growth]) -> Iterator[str]:
    """Return a table with a row a meter, and what resident memory is made of."""
    yield f"| {' | '.join(HEADINGS)} |".replace("per run", "per engine")
    yield "| --- | --: | --: | --: | --- |"
    for name, each in meters.items():
        yield f"| {' | '.join(row(name, each))} |"
    told = list(resident(meters))
    yield from ["", *told] if told else []


def latencies(found: Results) -> Iterator[str]:
    """Return a table of seconds: by step, in the threads and alone."""
    yield f"| milliseconds | times | {' | '.join(SHARES)} |"
    yield "| --- | --: | --: | --: | --: | --: |"
    for where, tally in (("in the threads", found.tally), ("alone", found.alone)):
        for step in STEPS:
            times = tally.times[step].sorted()
            cells = (f"{1000 * percentile(times, share):.1f}" for share in SHARES.values())
            yield f"| {step}, {where} | {len(times)} | {' | '.join(cells)} |"


def percentile(times: Sequence[float], share: float) -> float:
    """Return the time that a share of the sorted times does not exceed, by nearest rank."""
    return times[max(0, math.ceil(share * len(times)) - 1)] if times else math.nan
