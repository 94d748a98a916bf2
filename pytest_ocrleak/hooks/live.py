"""A line in the terminal while a check takes long, behind what pytest has written there."""

import os
import time
from collections.abc import Callable
from typing import Any

import pytest

from pytest_ocrleak.pace import Pace, Progress

AFTER, EVERY = 1.0, 0.2  # seconds of a check before the line is shown, and between two of them
NARROW = 30  # columns, in less there is no line
GAP = "  "


def terminal(config: pytest.Config) -> "Live | None":
    """Return the line, where there is a terminal that shows it and pytest captures the rest."""
    reporter = config.pluginmanager.getplugin("terminalreporter")
    capture = config.pluginmanager.getplugin("capturemanager")
    able = os.environ.get("TERM", "dumb") != "dumb" and config.getoption("capture", "no") != "no"
    if not (able and reporter and capture):
        return None
    told = reporter.isatty  # a property in older versions of pytest
    if not (told() if callable(told) else told):
        return None
    return Live(reporter, capture)


class Live:
    """The line, which is written over by the next one and gone before pytest writes on."""

    def __init__(
        self, reporter: Any, capture: Any, clock: Callable[[], float] = time.perf_counter
    ) -> None:
        self.reporter = reporter
        self.capture = capture
        self.clock = clock
        self.shown = 0.0
        self.columns = 0

    def __call__(self, readings: Progress, pace: Pace, seconds: float) -> None:
        """Show how far a check has come, if it takes long and was not shown just now."""
        if seconds < AFTER or self.clock() - self.shown < EVERY:
            return
        from pytest_ocrleak.report.progress import line  # noqa: PLC0415 - few checks take long

        with self.capture.global_and_fixture_disabled():  # else the width is not the terminal's
            writer = self.reporter._tw  # noqa: SLF001 - there is no other way to its columns
            room = writer.fullwidth - writer.width_of_current_line - 1
            if room >= NARROW:
                self.write(shortened(f"{GAP}ocrleak: {line(readings, pace, seconds)}", room))
                self.shown = self.clock()

    def clear(self) -> None:
        """Take the line away."""
        if self.columns:
            with self.capture.global_and_fixture_disabled():
                self.write("")

    def write(self, text: str) -> None:
        """Write a text over the last one, and go back to where pytest writes on."""
        back = f"\x1b[{len(text)}D" if text else ""
        file = self.reporter._tw._file  # noqa: SLF001 - past what counts the columns of pytest's own
        file.write(f"{text}\x1b[K{back}")
        file.flush()
        self.columns = len(text)


def shortened(text: str, columns: int) -> str:
    """Return a text that fits into so many columns."""
    return text if len(text) <= columns else f"{text[: columns - 1]}…"
