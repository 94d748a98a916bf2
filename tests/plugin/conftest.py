"""Suites of their own, each run in a process of its own, and what their reports say."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

SUITES = Path(__file__).with_name("suites")
Leaking = set[tuple[str, str]]


@pytest.fixture
def suite(pytester: pytest.Pytester) -> Callable[..., pytest.RunResult]:
    """Run one of the suites with a report."""

    def run(name: str, *arguments: str) -> pytest.RunResult:
        pytester.makepyfile(**{f"test_{name}": (SUITES / f"{name}.py").read_text("utf8")})
        always = ("-p", "no:randomly", "-p", "no:cacheprovider", "--ocrleak-report=report.json")
        return pytester.runpytest_subprocess(*always, "--ocrleak", *arguments)

    return run


@pytest.fixture
def checks(pytester: pytest.Pytester) -> Callable[[], list[dict[str, Any]]]:
    """Read the checks that the report holds."""

    def read() -> list[dict[str, Any]]:
        text = (pytester.path / "report.json").read_text("utf8")
        return list(json.loads(text)["checks"])

    return read


@pytest.fixture
def leaking(checks: Callable[[], list[dict[str, Any]]]) -> Callable[[], Leaking]:
    """Return what leaks: its scope or kind, and its name."""

    def read() -> Leaking:
        return {
            (check.get("scope", check["kind"]), check["name"])
            for check in checks()
            if check["verdict"] == "leak"
        }

    return read
