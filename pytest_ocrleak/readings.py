"""The readings of one check, run after run, kept so that keeping them moves no meter."""

import math
from array import array
from collections.abc import Mapping, Sequence
from dataclasses import replace

from pytest_ocrleak.device import Return, above
from pytest_ocrleak.difference import lingering
from pytest_ocrleak.growth import FEW, Growth, Scale, Series, Verdict, due, judge, practise, settled
from pytest_ocrleak.inventory import (
    Amount,
    Item,
    MappedFile,
    Reading,
    Snapshot,
    Unavailable,
    Undecidable,
)
from pytest_ocrleak.limits import Limits
from pytest_ocrleak.meters import METERS, read, rss
from pytest_ocrleak.settle import Patience, settle
from pytest_ocrleak.sizes import human
from pytest_ocrleak.trend import trend

ROOM = 4096  # readings, more than a check takes
BUDGET = {"B": 256e6, "blocks": 1e6}  # growth at which a check stops repeating
EARLY = 8  # times that growth, until a verdict is possible
WORTH = 100_000  # bytes of resident memory whose change is worth the time to explain it
EXACT = Scale(exact=True)
THINGS = 400.0  # lingering things at which it stops: many systems allow 1024 descriptors


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
        self._others = array("d", bytes(8 * ROOM))
        self._things = array("d", bytes(8 * ROOM))
        self._sources = {meter.name: "" for meter in limits.meters}
        self._hindrances = dict(self._sources)
        self._length = self._looked = 0
        practise()
        self.memory = Return()
        self.latest = Snapshot({})
        settle()  # the first time costs memory that is not the user's
        self._begin(read(limits.resting))
        self._made_of = self._explain()
        self._begin(self.resting(self.latest, Patience(0.0)))

    def _begin(self, baseline: Snapshot) -> None:
        """Forget what was noted, and begin with a baseline."""
        self.baseline = baseline
        self._hindrances = dict.fromkeys(self._sources, "")
        self._length = 0
        self.keep(baseline, 0)

    def _explain(self) -> Mapping[str, int]:
        """Return what resident memory is made of now, if it is judged."""
        try:
            return rss.explain() if "rss" in self._values else {}
        except OSError:  # the figure stands without it
            return {}

    def explained(self) -> Mapping[str, int]:
        """Return what a change of resident memory that is worth it is made of, in bytes."""
        start, end = self.baseline.readings.get("rss"), self.latest.readings.get("rss")
        if not isinstance(start, Amount) or not isinstance(end, Amount):
            return {}
        change = end.value - start.value
        now = self._explain() if abs(change) >= WORTH else {}
        if not now:
            return {}
        parts = {name: now[name] - self._made_of.get(name, 0) for name in now}
        return {**parts, "unexplained": change - sum(parts.values())}

    @property
    def runs(self) -> int:
        """The runs made until the latest reading."""
        return self._runs[self._length - 1]

    def rising(self) -> dict[str, float]:
        """Return by meter what has visibly grown since the warm-up, per run."""
        last = self._length - 1
        runs = self._runs[last] - self._runs[min(1, last)]
        grown = {n: v[last] - v[min(1, last)] for n, v in self._values.items()} if runs else {}
        shown = {n: rise for n, rise in grown.items() if rise > METERS[n].scale.hidden}
        return {name: rise / runs for name, rise in shown.items()}

    @property
    def few(self) -> bool:
        """Whether there are too few readings to judge bytes: baseline, warm-up, and FEW more."""
        return self._length < FEW + 2

    @property
    def full(self) -> bool:
        """Whether no reading fits any more."""
        return self._length == ROOM

    def add(self, runs: int, patience: Patience) -> None:
        """Note a reading after ``runs`` runs, once nothing is closing that came since the last."""
        self.keep(self.resting(self.latest, patience), runs)

    def resting(self, before: Snapshot, patience: Patience) -> Snapshot:
        """Read all meters, once nothing is closing that came since a reading."""
        self.memory.until(before)
        return patience.rest(before, self.limits)

    def keep(self, snapshot: Snapshot, runs: int) -> None:
        """Note a snapshot as the reading after ``runs`` runs."""
        for name, values in self._values.items():
            reading = snapshot[name]
            things = weight(self.lingering(snapshot, name))
            values[self._length] = reading.value if isinstance(reading, Amount) else things
            self._note(name, reading)
        self._things[self._length] = held(snapshot)
        self._runs[self._length] = runs
        self._length += 1
        self.latest = snapshot

    def _note(self, name: str, reading: Reading) -> None:
        """Note the second meter's figure, and why a reading cannot be set against the others."""
        if name == "gpu":
            other = reading.other if isinstance(reading, Amount) else None
            self._others[self._length] = math.nan if other is None else other
        hindrance = changed(self._sources[name], reading)
        self._hindrances[name] = self._hindrances[name] or hindrance
        if isinstance(reading, Amount) and not self._sources[name]:
            self._sources[name] = reading.source

    def retake(self, patience: Patience) -> None:
        """Read again in place of the latest reading, what closed since the baseline left out."""
        self._length -= 1
        self.keep(self.resting(self.baseline, patience), self._runs[self._length])

    def warmed(self, runs: int) -> None:
        """Note more runs as part of the warm-up, which is one step."""
        self._length = 1
        self._hindrances = dict.fromkeys(self._sources, "")
        self.add(runs, Patience(0.0))

    def came_now(self) -> int:
        """Return how many things have come by now, those that may linger included.

        Mapped ones count by their bytes; nothing is noted.
        """
        return self._came(read(self.limits.exact))

    @property
    def came(self) -> int:
        """How many things had come at the latest reading, those that may linger included."""
        return self._came(self.latest)

    def _came(self, snapshot: Snapshot) -> int:
        mapped = weight(self.lingering(snapshot, "maps")) if "maps" in self._values else 0
        return mapped + held(snapshot) - held(self.baseline)

    @property
    def coming(self) -> float:
        """How many things come per run, those that may linger included; not what comes once."""
        counts = Series(self._runs[: self._length], self._things[: self._length], EXACT, self.warm)
        return max(0.0, trend(counts.judged).low)

    @property
    def takes_memory(self) -> bool:
        """Whether more device memory is held than at the latest reading."""
        return above(self.latest)

    @property
    def lingers(self) -> int:
        """How many things lingered at the latest reading, mapped ones by their bytes."""
        return self._count(self.latest)

    def _count(self, snapshot: Snapshot) -> int:
        return sum(
            weight(self.lingering(snapshot, name))
            for name in self._values
            if name in snapshot.readings
        )

    def decided(self, spent: float) -> bool:
        """Tell whether every meter has its verdict, or things leak: bytes then follow from them.

        Looked at when there are some more readings than the last time, which bounds its cost.
        """
        if not due(self._length, self._looked):
            return False
        self._looked = self._length
        verdicts = {name: self.verdict(name, spent) for name in self._values}
        leaking = (METERS[n].exact and verdict == "leak" for n, verdict in verdicts.items())
        return all(verdicts.values()) or any(leaking)

    def verdict(self, name: str, spent: float) -> Verdict | None:
        """Return the verdict on one meter, ``None`` while more runs would help.

        ``spent`` is the share of the time that has passed.
        """
        if self._hindrances[name] or isinstance(self.baseline[name], Unavailable):
            return "inconclusive"
        known = settled(self.series(name), self.limits.tolerance.get(name), spent)
        if known is None or (known[0] == "leak" and self.contradiction(name)):
            return None
        return known[0]

    def lingering(self, snapshot: Snapshot, name: str) -> tuple[Item, ...]:
        """Return what of one meter came since the baseline and that no rule lets linger."""
        return lingering(self.baseline, snapshot, name, self.limits.rules)

    def growth(self, name: str) -> Growth | None:
        """Return what one meter did when no more runs will come."""
        start, unit = self.baseline[name], METERS[name].unit
        if isinstance(start, Unavailable):
            return Growth("unavailable", unit=unit, reason=start.reason)
        if hindrance := self._hindrances[name]:
            return Growth("inconclusive", unit=unit, reason=hindrance)
        growth = judge(self.series(name), self.limits.tolerance.get(name))
        if growth and growth.verdict == "leak" and (reason := self.contradiction(name)):
            return replace(growth, verdict="inconclusive", reason=reason)
        return growth

    def contradiction(self, name: str) -> str:
        """Return how a second meter contradicts growth, or nothing.

        It is heard where it has counted since the first reading that held anything.
        """
        values, others = self._values[name], self._others
        start = next((i for i in range(self._length) if values[i]), 0)
        known = others[start : self._length]
        if name != "gpu" or any(map(math.isnan, known)):
            return ""
        grown = values[self._length - 1] - values[start]
        if known[-1] - known[0] >= grown / 2:
            return ""
        return f"{self._sources[name]} grew by {human(grown)}, the CUDA driver's own figure did not"

    def series(self, name: str) -> Series:
        """Return one meter's readings so far."""
        meter = METERS[name]
        runs: Sequence[int] = self._runs[: self._length]
        values: Sequence[float] = self._values[name][: self._length]
        scale = replace(meter.scale, floor=self.limits.floor.get(name, 0.0))
        return Series(runs, values, scale, self.warm)

    @property
    def excessive(self) -> bool:
        """Whether so much has grown that going on would harm the machine."""
        first = min(1, self._length - 1)
        grown = {n: v[self._length - 1] - v[first] for n, v in self._values.items()}
        came = self._things[self._length - 1] - self._things[first]
        return came > THINGS or any(rise > self._budget(name) for name, rise in grown.items())

    def _budget(self, name: str) -> float:
        """Return the growth at which to stop.

        It is higher until bytes can be judged, or a large leak would end its own check untold. On a
        device it is then the device's own limit, which harms nobody else.
        """
        meter = METERS[name]
        if self.few and name == "gpu":
            return math.inf
        return BUDGET.get(meter.unit, THINGS) * (EARLY if self.few and not meter.exact else 1)


def held(snapshot: Snapshot) -> int:
    """Return how many things a snapshot has, but for what is mapped."""
    names = (name for name in snapshot.readings if METERS[name].exact and name != "maps")
    return sum(len(snapshot.items(name)) for name in names)


def weight(items: Sequence[Item]) -> int:
    """Return how many things these are; mapped ones count by their bytes."""
    return sum(item.size if isinstance(item, MappedFile) else 1 for item in items)


def changed(source: str, reading: Reading) -> str:
    """Return why a reading must not be set against those from a source, or nothing."""
    if isinstance(reading, Unavailable | Undecidable):
        return reading.reason
    other = reading.source if isinstance(reading, Amount) else ""
    if source and other and source != other:
        return f"read from {source} first and from {other} later"
    return ""
