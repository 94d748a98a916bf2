"""Suites of their own, each run in a process of its own, and what their reports say."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from reports import valid_report

SUITES = Path(__file__).with_name("suites")
Leaking = set[tuple[str, str]]


PLUGINS = {  # of others, loaded where an argument or a suite needs them
    "-n": "xdist.plugin",
    "--reruns": "pytest_rerunfailures",
    "--cov=.": "pytest_cov.plugin",
    "asyncio": "pytest_asyncio.plugin",
    "anyio": "anyio.pytest_plugin",
    "timeout": "pytest_timeout",
    "randomly": "pytest_randomly",
    "hypothesis": "_hypothesis_pytestplugin",
}


def needed(*names: str) -> list[str]:
    """Return the arguments that load the plugins which some arguments or suites need."""
    return [part for name in names if name in PLUGINS for part in ("-p", PLUGINS[name])]


@pytest.fixture
def run(pytester: pytest.Pytester) -> Callable[..., pytest.RunResult]:
    """Run pytest with the plugins that its arguments need, and those that are named."""

    def run(*arguments: str, plugins: tuple[str, ...] = ()) -> pytest.RunResult:
        return pytester.runpytest_subprocess(*needed(*arguments, *plugins), *arguments)

    return run


@pytest.fixture
def suite(pytester: pytest.Pytester) -> Callable[..., pytest.RunResult]:
    """Run one of the suites with a report."""

    def run(name: str, *arguments: str) -> pytest.RunResult:
        pytester.makepyfile(**{f"test_{name}": (SUITES / f"{name}.py").read_text("utf8")})
        always = (*needed(*arguments), "--ocrleak-report=report.json", "--ocrleak")
        return pytester.runpytest_subprocess(*always, *arguments)

    return run


@pytest.fixture
def checks(pytester: pytest.Pytester) -> Callable[[], list[dict[str, Any]]]:
    """Read the checks that the report holds."""

    def read() -> list[dict[str, Any]]:
        return list(valid_report(pytester.path / "report.json")["checks"])

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
