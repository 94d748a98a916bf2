"""The line that says how far a check has come, on literals."""

from dataclasses import dataclass, field

import pytest

from pytest_ocrleak.pace import Pace
from pytest_ocrleak.report.progress import line


@dataclass
class Come:
    """How far a check has come."""

    runs: int
    grown: dict[str, float] = field(default_factory=dict)
    full: bool = False
    excessive: bool = False

    def rising(self) -> dict[str, float]:
        """Return what has grown."""
        return self.grown

    def decided(self, spent: float) -> bool:
        """Tell that nothing is known yet."""
        return spent < 0


@pytest.mark.parametrize(
    ("come", "pace", "told"),
    [
        (Come(12), Pace(), "run 12 · at most 7 s left · nothing grows"),
        (Come(5), Pace(20), "run 5 of 21 · 7 s left · nothing grows"),
        (Come(15), Pace(20), "run 15 of 21 · 1 s left · nothing grows"),
        (Come(0), Pace(20), "run 0 of 21 · at most 7 s left · nothing grows"),
        (
            Come(3, {"fds": 1.0, "heap": 13.4e6, "pyblocks": 62.7, "rss": 1.0, "maps": 1.0}),
            Pace(time_limit=2),
            "run 3 · at most 0 s left · growing per run: "  # noqa: ISC004
            "fds 1, heap 13.4 MB, pyblocks 62.7 blocks and 2 more",
        ),
    ],
)
def test_run_time_left_and_what_grows(come: Come, pace: Pace, told: str) -> None:
    """Three seconds after the beginning."""
    assert line(come, pace, 3.0) == told
