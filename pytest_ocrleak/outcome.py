"""What a check found, and the error that carries it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from pytest_ocrleak.inventory import Leak
from pytest_ocrleak.verdict import Growth, Verdict

Kind = Literal["test", "fixture", "guard", "growth", "release"]
SCOPES: Mapping[str, Callable[[str], str]] = {
    "class": lambda nodeid: nodeid.rpartition("::")[0],
    "module": lambda nodeid: nodeid.partition("::")[0],
    "package": lambda _: "",
    "session": lambda _: "",
}


def place(nodeid: str, scope: str) -> str:
    """Return the test of a check, or the class or module of a fixture that is wider than a test.

    Such a fixture ends in the last test of its scope, which may be another one in another run.
    """
    return SCOPES.get(scope, str)(nodeid)


def label(kind: str, name: str, nodeid: str, scope: str) -> str:
    """Return a check's name for people, the same in every run: where, and what of it was checked.

    ``tests/test_x.py::test_y``, ``tests/test_x.py · fixture engine (module)``.
    """
    where = place(nodeid, scope)
    whole = kind == "test" and where
    part = "" if whole else f"{kind} {name}{f' ({scope})' if scope else ''}"
    return " · ".join(filter(None, (where, part.strip())))


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
    def label(self) -> str:
        """The check's name for people, the same in every run."""
        return label(self.kind, self.name, self.nodeid, self.scope)

    def fails(self, *, strict: bool) -> bool:
        """Tell whether what was checked fails: by a leak that is not known; if strict, undecided.

        What is undecided beside known leaks may be their doing.
        """
        undecided = strict and self.verdict == "inconclusive"
        return undecided or not all(leak.known for leak in self.leaks)

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
