"""What a check found, and the error that carries it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from pytest_ocrleak.inventory import Leak
from pytest_ocrleak.verdict import Growth, Verdict

Kind = Literal["test", "fixture", "guard", "growth", "release"]


@dataclass(frozen=True, slots=True)
class Check:
    """One finished check: what was checked, how often it ran, what each meter says.

    ``nodeid`` is the test in which it ran, empty outside pytest; ``scope`` that of a fixture.
    ``allocations`` are by meter the stacks that allocate what leaks, where they were traced.
    """

    kind: Kind
    name: str
    runs: int
    meters: Mapping[str, Growth]
    leaks: tuple[Leak, ...] = ()
    nodeid: str = ""
    scope: str = ""
    allocations: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def verdict(self) -> Verdict:
        """`leak` if anything leaks, else `inconclusive` if any meter is, else `clean`."""
        if self.leaks:
            return "leak"
        open_ones = any(growth.verdict == "inconclusive" for growth in self.meters.values())
        return "inconclusive" if open_ones else "clean"


class LeakError(AssertionError):
    """Something was not given back; the message names it, ``leaks`` holds it, ``check`` all."""

    def __init__(self, message: str, check: Check) -> None:
        super().__init__(message, check)  # both are arguments, so that it can be pickled
        self.check = check

    def __str__(self) -> str:
        return str(self.args[0])

    @property
    def leaks(self) -> tuple[Leak, ...]:
        """What stayed."""
        return self.check.leaks


LeakError.__module__ = "pytest_ocrleak"  # where users import it from: tracebacks say the same
