"""The JSON report, as plain data that any JSON writer takes."""

import platform
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from importlib.metadata import version
from typing import Any

from pytest_ocrleak.growth import Growth
from pytest_ocrleak.inventory import Unavailable
from pytest_ocrleak.meters import METERS
from pytest_ocrleak.meters.heap import allocator
from pytest_ocrleak.outcome import Check
from pytest_ocrleak.report.tally import Tally


def document(
    checks: Iterable[Mapping[str, Any]],
    summary: Mapping[str, int] | None = None,
    *,
    partial: str = "",
    notes: Sequence[str] = (),
) -> dict[str, Any]:
    """Return the whole report on checks that `plain` made plain.

    ``summary`` has the counts where not all checks are told in full; ``partial`` says why the run
    did not come to its end, and ``notes`` what the terminal told at its end.
    """
    every = list(checks)
    return {
        "schema_version": 1,
        "tool": {"name": "pytest-ocrleak", "version": version("pytest-ocrleak")},
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        **({"partial": partial} if partial else {}),
        "environment": environment(),
        "checks": every,
        "summary": dict(summary or counted(every)),
        **({"notes": list(notes)} if notes else {}),
    }


def counted(checks: Iterable[Mapping[str, Any]]) -> dict[str, int]:
    """Return the counts of plain checks."""
    tally = Tally()
    for check in checks:
        tally.add(check)
    return tally.counts()


def environment() -> dict[str, Any]:
    """Return what the figures depend on: interpreter, platform, allocator, readable meters."""
    return {
        "python": platform.python_version(),
        "platform": platform.platform(),
        "allocator": allocator(),
        "meters": {name: availability(name) for name in METERS},
    }


def availability(name: str) -> dict[str, Any]:
    """Return whether a meter can be read here: its source, or the reason why not."""
    reading = METERS[name].read()
    if isinstance(reading, Unavailable):
        return {"available": False, "reason": reading.reason}
    return {"available": True, "source": METERS[name].source()}


def plain(check: Check) -> dict[str, Any]:
    """Return a check as plain data."""
    scope = {"scope": check.scope} if check.scope else {}
    return {
        "nodeid": check.nodeid,
        "kind": check.kind,
        **scope,
        "name": check.name,
        "verdict": check.verdict,
        "runs": check.runs,
        "meters": {name: meter(growth) for name, growth in check.meters.items()},
        **({"allocations": dict(check.allocations)} if check.allocations else {}),
        "leaks": [asdict(leak) for leak in check.leaks],
    }


def meter(growth: Growth) -> dict[str, Any]:
    """Return what one meter says as plain data, without the empty reason."""
    told = asdict(growth)
    told.pop("runs")
    return told if growth.reason else {key: told[key] for key in told if key != "reason"}
