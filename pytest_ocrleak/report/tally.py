"""The counts behind the one line at the end of a session."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pytest_ocrleak.sizes import human

VERDICTS = ("clean", "leak", "inconclusive")
REPEATED = 2  # runs from which on a check states a resolution


@dataclass(slots=True)
class Tally:
    """How many checks ended with each verdict, and how fine the coarsest clean heap was.

    ``told`` is whether any of them was told in full, ``known`` how many leaks the baseline knows,
    ``failing`` how many checks leak more than that. It is as large after a million checks as after
    one.
    """

    verdicts: Counter[str] = field(default_factory=Counter)
    known: int = 0
    failing: int = 0
    heap: float | None = None
    told: bool = False

    @property
    def checked(self) -> int:
        """The number of checks."""
        return self.verdicts.total()

    @property
    def all_clean(self) -> bool:
        """Whether nothing else was found."""
        return self.verdicts["clean"] == self.checked

    def counts(self) -> dict[str, int]:
        """Return the counts as a report has them."""
        verdicts = {name: self.verdicts[name] for name in VERDICTS}
        known = {"known": self.known} if self.known else {}
        return {"checked": self.checked, **verdicts, **known}

    def clean(self, checks: int) -> None:
        """Count clean checks of which nothing else is told."""
        if checks:
            self.verdicts["clean"] += checks

    def add(self, check: Mapping[str, Any]) -> None:
        """Count a check, as `document.plain` made it plain."""
        self.told = True
        self.verdicts[check["verdict"]] += 1
        known = sum(leak.get("known", False) for leak in check["leaks"])
        self.known += known
        self.failing += known < len(check["leaks"])
        heap = check["meters"].get("heap", {})
        if check["runs"] >= REPEATED and heap.get("verdict") == "clean":
            self.heap = max(self.heap or 1.0, heap["resolution"])


def summary(tally: Tally, unavailable: Mapping[str, str]) -> str:
    """Return the line at the end of a session: counts, the heap's resolution, what is missing."""
    told = ", ".join(f"{n} {verdict}" for verdict, n in sorted(tally.verdicts.items()))
    parts = [f"{tally.checked} checked, {told}"]
    if tally.known:
        parts.append(f"{tally.known} known leak{'s' * (tally.known > 1)}")
    if tally.heap is not None:
        parts.append(f"heap ±{human(tally.heap)}/run")
    parts += [f"{name} unavailable ({reason})" for name, reason in unavailable.items()]
    return f"ocrleak: {' · '.join(parts)}"
