"""Verdicts in JUnit XML, as properties of the test in which a check ended."""

from collections.abc import Iterator, Mapping
from typing import Any

import pytest

NAME = "ocrleak"
WORST = ("leak", "inconclusive", "clean")


class Properties:
    """What the checks of a test said, until the report that pytest takes its properties from."""

    def __init__(self) -> None:
        self.told: dict[str, list[tuple[str, str]]] = {}

    def add(self, report: pytest.TestReport, told: Mapping[str, Any]) -> None:
        """Keep what the checks of one phase said; hand over that of all phases with the last."""
        found = self.told.pop(report.nodeid, []) + list(properties(told))
        if report.when != "teardown":
            self.told[report.nodeid] = found
            return
        verdicts = {value for name, value in found if name == NAME}
        leaks = [(name, value) for name, value in found if name != NAME]
        report.user_properties += [(NAME, each) for each in WORST if each in verdicts][:1] + leaks


def properties(told: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield the verdicts of the checks of a phase, and each leak in a line."""
    if told.get("clean"):
        yield NAME, "clean"
    if not told.get("checks"):
        return
    from pytest_ocrleak.report.text import in_a_line  # noqa: PLC0415 - few come here

    for check in told["checks"]:
        yield NAME, check["verdict"]
        for leak in check["leaks"]:
            yield f"{NAME}.{'known' if leak['known'] else 'leak'}", in_a_line(leak)
