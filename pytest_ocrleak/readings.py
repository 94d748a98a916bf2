"""The readings of one check, run after run, kept so that keeping them moves no meter."""

from array import array
from collections.abc import Sequence

from pytest_ocrleak.compare import lingering
from pytest_ocrleak.growth import Growth, Series, judge
from pytest_ocrleak.limits import Limits
from pytest_ocrleak.meters import METERS, read
from pytest_ocrleak.snapshot import Amount, Item, Snapshot, Unavailable

ROOM = 4096  # readings, more than a check takes
QUANTUM = {"heap": 16.0, "rss": 4096.0, "gpu": 4096.0}


class Readings:
    """Series of readings since one baseline: bytes as they are, things as how many linger.

    Storage is set aside before the first reading. A first version that appended to lists saw its
    own lists grow.
    """

    def __init__(self, limits: Limits, *, warm: bool = False) -> None:
        self.limits = limits
        self.warm = warm
        self._runs = array("q", bytes(8 * ROOM))
        self._values = {meter.name: array("d", bytes(8 * ROOM)) for meter in limits.meters}
        self._length = 0
        self.baseline = self.latest = read(limits.meters)
        self.keep(self.baseline, 0)

    @property
    def runs(self) -> int:
        """The runs made until the latest reading."""
        return self._runs[self._length - 1]

    @property
    def full(self) -> bool:
        """Whether no reading fits any more."""
        return self._length == ROOM

    def add(self, runs: int) -> None:
        """Read all meters and note that ``runs`` runs have been made by now."""
        self.keep(read(self.limits.meters), runs)

    def keep(self, snapshot: Snapshot, runs: int) -> None:
        """Note a snapshot as the reading after ``runs`` runs."""
        for name, values in self._values.items():
            reading = snapshot[name]
            things = len(self.lingering(snapshot, name))
            values[self._length] = reading.value if isinstance(reading, Amount) else things
        self._runs[self._length] = runs
        self._length += 1
        self.latest = snapshot

    def retake(self) -> None:
        """Read again in place of the latest reading."""
        self._length -= 1
        self.add(self._runs[self._length])

    def warmed(self, runs: int) -> None:
        """Note more runs as part of the warm-up, which is one step."""
        self._length = 1
        self.add(runs)

    def lingering_now(self) -> int:
        """Return how many things linger now, without noting it."""
        return self._count(read(self.limits.exact))

    @property
    def lingers(self) -> int:
        """How many things lingered at the latest reading."""
        return self._count(self.latest)

    def holds_no_more(self) -> bool:
        """Tell whether no more things linger now than at the latest reading."""
        return self.lingering_now() <= self.lingers

    def _count(self, snapshot: Snapshot) -> int:
        return sum(len(self.lingering(snapshot, name)) for name in snapshot.readings)

    @property
    def decided(self) -> bool:
        """Whether every meter has its verdict, or things leak: bytes then follow from them."""
        verdicts = {name: self.growth(name, last=False) for name in self._values}
        leaking = (METERS[n].exact and g and g.verdict == "leak" for n, g in verdicts.items())
        return all(verdicts.values()) or any(leaking)

    def lingering(self, snapshot: Snapshot, name: str) -> tuple[Item, ...]:
        """Return what of one meter came since the baseline and that no rule lets linger."""
        return lingering(self.baseline, snapshot, name, self.limits.rules)

    def growth(self, name: str, *, last: bool) -> Growth | None:
        """Return the verdict on one meter, ``None`` while more runs would help."""
        start, end = self.baseline[name], self.latest[name]
        if isinstance(start, Unavailable):
            return Growth("unavailable", unit=METERS[name].unit, reason=start.reason)
        if hindrance := changed(start, end):
            return Growth("inconclusive", unit=METERS[name].unit, reason=hindrance)
        return judge(self.series(name), self.limits.tolerance.get(name), last=last)

    def series(self, name: str) -> Series:
        """Return one meter's readings so far."""
        meter = METERS[name]
        runs: Sequence[int] = self._runs[: self._length]
        values: Sequence[float] = self._values[name][: self._length]
        floor = self.limits.floor.get(name, 0.0)
        quantum = QUANTUM.get(name, 1.0)
        return Series(runs, values, meter.unit, quantum, floor, meter.exact, self.warm)


def changed(start: object, end: object) -> str:
    """Return why two readings of a meter must not be subtracted, or nothing."""
    if isinstance(end, Unavailable):
        return end.reason
    if isinstance(start, Amount) and isinstance(end, Amount) and start.source != end.source:
        return f"read from {start.source} first and from {end.source} at the end"
    return ""
