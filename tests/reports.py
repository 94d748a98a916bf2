"""Reports for tests: one as a literal, and whether one keeps to the published schema."""

import json
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator

from pytest_ocrleak.report import schema

VALIDATOR = Draft202012Validator(schema.schema())
ENVIRONMENT = {
    "python": "3.11.7",
    "platform": "Linux-6.18-x86_64-with-glibc2.36",
    "allocator": "glibc 2.36",
    "meters": {
        "fds": {"available": True, "source": "/proc/self/fd"},
        "gpu": {"available": False, "reason": "no NVIDIA driver"},
    },
}
LEAK = {
    "meter": "fds",
    "what": "/models/ocr.onnx",
    "count": 4,
    "per_run": 1.0,
    "opened_at": ["app/engine.py:31 in Engine.load"],
    "kept_by": ["module app.engine → _cache['ocr']"],
    "fingerprint": "0123456789abcdef",
    "known": False,
    "remark": "",
}
METER = {
    "verdict": "leak",
    "per_run": 1.0,
    "low": 1.0,
    "high": 1.0,
    "resolution": 0.0,
    "one_time": 2,
    "series": [2, 1, 1, 1],
    "unit": "descriptors",
    "parts": {},
    "accepted": 0.0,
    "batches": [1, 1, 1, 1],
}
MISSING = {**METER, "verdict": "unavailable", "series": [], "batches": [], "reason": "no driver"}


def check(name: str = "test_y", *leaks: dict[str, Any], **fields: Any) -> dict[str, Any]:
    """Return the check of a test with its leaks."""
    verdict = "leak" if leaks else "clean"
    return {
        "nodeid": f"tests/test_x.py::{name}",
        "kind": "test",
        "name": name,
        "verdict": verdict,
        "runs": 5,
        "meters": {"fds": {**METER, "verdict": verdict}, "gpu": MISSING},
        "leaks": list(leaks),
        **fields,
    }


def open_check(name: str) -> dict[str, Any]:
    """Return a check that cannot tell."""
    meter = {**METER, "verdict": "inconclusive", "unit": "B", "reason": "more time would tell"}
    return check(name, verdict="inconclusive", meters={"heap": meter})


def report(*checks: dict[str, Any], **fields: Any) -> dict[str, Any]:
    """Return a report of checks."""
    verdicts = [each["verdict"] for each in checks]
    known = sum(leak["known"] for each in checks for leak in each["leaks"])
    return {
        "schema_version": 1,
        "tool": {"name": "pytest-ocrleak", "version": "0.1.0"},
        "created": "2026-11-21T12:00:00+00:00",
        "environment": ENVIRONMENT,
        "checks": list(checks),
        "summary": {
            "checked": len(checks),
            **{name: verdicts.count(name) for name in ("clean", "leak", "inconclusive")},
            **({"known": known} if known else {}),
        },
        **fields,
    }


def valid_report(path: Path | str) -> dict[str, Any]:
    """Return the report in a file, once it was seen to keep to the published schema."""
    found = json.loads(Path(path).read_text("utf8"))
    assert_valid(found)
    return dict(found)


def assert_valid(found: Any) -> None:
    """Make sure that a document keeps to the published schema."""
    wrong = [f"{error.json_path}: {error.message}" for error in VALIDATOR.iter_errors(found)]
    assert not wrong
    assert not schema.violation(found)


def places(data: Any) -> list[tuple[Any, Any]]:
    """Return each container in plain data with each of its keys."""
    if not isinstance(data, (dict, list)):
        return []
    keys = data if isinstance(data, dict) else range(len(data))
    return [place for key in keys for place in ((data, key), *places(data[key]))]
