"""The counts behind the one line at the end of a session."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

REPEATED = 2  # runs from which on a check states a resolution


@dataclass(slots=True)
class Tally:
    """How many checks ended with each verdict, and how fine the coarsest clean heap was.

    It is as large after a million checks as after one.
    """

    verdicts: Counter[str] = field(default_factory=Counter)
    heap: float | None = None

    @property
    def checked(self) -> int:
        """The number of checks."""
        return self.verdicts.total()

    def clean(self, checks: int) -> None:
        """Count clean checks of which nothing else is told."""
        if checks:
            self.verdicts["clean"] += checks

    def add(self, check: Mapping[str, Any]) -> None:
        """Count a check, as `document.plain` made it plain."""
        self.verdicts[check["verdict"]] += 1
        heap = check["meters"].get("heap", {})
        if check["runs"] >= REPEATED and heap.get("verdict") == "clean":
            self.heap = max(self.heap or 1.0, heap["resolution"])
