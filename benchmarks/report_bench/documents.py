"""Documents of large sessions."""

from collections.abc import Iterator
from importlib.metadata import version
from typing import Any

from pytest_ocrleak.meters import METERS

CHECKS, LEAKS = 5000, 60


def mixture() -> dict[str, Any]:
    """Return a document like that of a large suite with some leaks."""
    every = CHECKS // LEAKS
    return document(
        check(n, leaks=n % every == 0 and n // every < LEAKS, runs=24 if n % 10 == 0 else 1)
        for n in range(CHECKS)
    )


def worst() -> dict[str, Any]:
    """Return a document in which every check was repeated and leaks."""
    return document(check(n, leaks=True, runs=24) for n in range(CHECKS))


def document(checks: Iterator[dict[str, Any]]) -> dict[str, Any]:
    """Return a document on checks."""
    meters = {name: {"available": True, "source": f"/proc/self/{name}"} for name in METERS}
    return {
        "schema_version": 1,
        "tool": {"name": "pytest-ocrleak", "version": version("pytest-ocrleak")},
        "environment": {"python": "3", "platform": "any", "allocator": "glibc", "meters": meters},
        "checks": list(checks),
        "summary": {},
    }


def check(number: int, *, leaks: bool, runs: int) -> dict[str, Any]:
    """Return a check."""
    nodeid = f"tests/package_{number // 100}/test_module_{number // 20}.py::test_case[{number}]"
    undecided = runs > 1 and number % 500 == 0
    verdict = "leak" if leaks else "inconclusive" if undecided else "clean"
    return {
        "nodeid": nodeid,
        "kind": "test",
        "name": nodeid.rpartition("::")[2],
        "verdict": verdict,
        "runs": runs,
        "meters": {name: meter(name, runs, verdict) for name in METERS},
        "leaks": [leak(number)] if leaks else [],
    }


def meter(name: str, runs: int, verdict: str) -> dict[str, Any]:
    """Return what a meter said of some runs; only the heap is not clean."""
    rate = 1000.0 if name == "heap" and verdict != "clean" else 0.0
    batches = [2] * (runs // 2) or [1]
    return {
        "verdict": verdict if rate else "clean" if runs > 1 or METERS[name].exact else "unjudged",
        "per_run": rate,
        "low": rate * 0.9,
        "high": rate * 1.1,
        "resolution": 96.0,
        "one_time": 5000.0,
        "series": [rate * runs + place % 3 for place, runs in enumerate(batches)],
        "batches": batches,
        "unit": METERS[name].unit,
        "parts": {"heap in use": 3e6, "libraries": 2e5} if name == "rss" and rate else {},
        "accepted": 0.0,
    }


def leak(number: int) -> dict[str, Any]:
    """Return a leak with the stack that made it and what keeps it."""
    return {
        "meter": "fds",
        "what": f"/srv/models/model_{number}.onnx",
        "count": 1,
        "per_run": 1.0,
        "opened_at": [f"app/layer_{depth}.py:{number} in Engine.load" for depth in range(6)],
        "kept_by": [f"module app.engine → _cache[{number}] → Session.file"],
        "fingerprint": f"{number:016x}",
    }
