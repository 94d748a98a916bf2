"""Life after life of an object: made, used, freed, and what each of them leaves behind."""

import itertools
import sys
import time
from array import array
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Any, NamedTuple

from pytest_ocrleak import settle
from pytest_ocrleak.causes import attribution, origins
from pytest_ocrleak.difference import alike, lingering, outermost
from pytest_ocrleak.growth import FEW
from pytest_ocrleak.inventory import Amount, Cause, Item, Snapshot
from pytest_ocrleak.limits import Limits
from pytest_ocrleak.meters import read
from pytest_ocrleak.pace import OVERTIME, Clock, Pace, called
from pytest_ocrleak.readings import Readings, weight

HELD = 64 << 10  # bytes that a freed object holds, from which on it is worth knowing in what
DROPPING = 0.1  # seconds that closing may take when a freed object is dropped


def counters() -> defaultdict[str, Counter[str]]:
    """Return a counter by name for each meter."""
    return defaultdict(Counter)


class Owned(NamedTuple):
    """What the factory made, and the object to use: another one if entering it gave another."""

    made: Any
    used: Any


def figures() -> defaultdict[str, "array[float]"]:
    """Return figures by name, which as an array's take no block of Python's allocator each."""
    return defaultdict(lambda: array("d"))


@dataclass(frozen=True, slots=True)
class Life:
    """How an object is made, used and freed.

    ``free`` is a method's name, or a callable that is given the object; with ``"__exit__"`` the
    object is entered as a context manager first.
    """

    factory: Callable[[], Any]
    use: Callable[[Any], object] | None
    free: str | Callable[[Any], object]

    def __post_init__(self) -> None:
        if not (isinstance(self.free, str) or callable(self.free)):
            raise TypeError(
                f"free={self.free!r}: write a method's name, or a function of the object"
            )

    @property
    def freeing(self) -> str:
        """How the object is freed, in words."""
        name = self.free if isinstance(self.free, str) else getattr(self.free, "__name__", "")
        return f"{name}()" if name.isidentifier() else "freeing it"

    def live(self) -> Owned:
        """Make, use and free one object and return it: its owner still holds it."""
        made = self.factory()
        owned = Owned(made, made.__enter__() if self.free == "__exit__" else made)
        try:
            if self.use is not None:
                called(self.use, owned.used)
        finally:
            called(self.method(made))
        return owned

    def method(self, made: Any) -> Callable[[], object]:
        """Return the call that frees an object.

        Raises
        ------
        TypeError
            It has no such method.

        """
        if callable(self.free):
            return partial(self.free, made)
        method = getattr(made, self.free, None)
        if method is None:
            name = type(made).__name__
            raise TypeError(
                f"{name} object has no method {self.free!r}: name the one that frees it, free=…"
            )
        return partial(method, None, None, None) if self.free == "__exit__" else partial(method)

    def usable_when_freed(self) -> bool:
        """Tell whether a freed object can still be used, instead of raising."""
        if self.use is None:
            return False
        owned = self.live()
        try:
            self.use(owned.used)
        except Exception:  # noqa: BLE001 - whatever it raises, it refuses
            return False
        with suppress(Exception):
            self.method(owned.made)()
        return True


def named(items: Iterable[Item]) -> Counter[str]:
    """Return the things by name, without what lies in a folder that is among them."""
    return Counter(item.what for item in outermost(items))


@dataclass(slots=True)
class Lives:
    """What the judged lives left behind.

    ``readings`` has one reading a life, taken while the freed object was still held. By meter:
    ``affected`` counts the lives that left more than is accepted, ``lingering`` the things by name,
    ``until_dropped`` those of them that went with the object, and ``held`` lists the bytes that
    went with it, one figure a life. ``causes`` tells why things of a name stayed, ``inside``
    by what the freed object holds memory, ``imported`` whether the lives before them imported
    modules, which stay for good.
    """

    readings: Readings
    patience: settle.Patience = field(default_factory=settle.Patience)
    imported: bool = False
    judged: int = 0
    affected: Counter[str] = field(default_factory=Counter)
    lingering: defaultdict[str, Counter[str]] = field(default_factory=counters)
    until_dropped: defaultdict[str, Counter[str]] = field(default_factory=counters)
    held: defaultdict[str, "array[float]"] = field(default_factory=figures)
    causes: dict[tuple[str, str], Cause] = field(default_factory=dict)
    inside: tuple[str, ...] = ()

    def note(self, before: Snapshot, freed: Snapshot, dropped: Snapshot) -> None:
        """Note one life: what came between ``before`` and ``freed``, what went with the object."""
        self.judged += 1
        for name in (meter.name for meter in self.readings.limits.meters):
            reading = freed[name]
            if isinstance(reading, Amount) and isinstance(after := dropped[name], Amount):
                self.held[name].append(reading.value - after.value)
            rules = self.readings.limits.rules
            came = lingering(before, freed, name, rules)
            left = named(came)
            stayed = named(lingering(before, dropped, name, rules))
            self.affected[name] += weight(came) > self.readings.limits.tolerance.get(name, 0)
            self.lingering[name] += left
            self.until_dropped[name] += left - stayed

    def explain(self, before: Snapshot, now: Snapshot, owner: object) -> None:
        """Note why the things of a name are there, the first time that some are.

        ``owner`` is the freed object. Once it was seen to hold bytes, it is noted in what.
        """
        if not self.inside and any(figures[-1] > HELD for figures in self.held.values() if figures):
            with settle.thawed():
                self.inside = attribution.natives(owner)
        for name in (meter.name for meter in self.readings.limits.meters):
            things = lingering(before, now, name, self.readings.limits.rules)
            new = [each for each in things if (name, alike(each.what)) not in self.causes]
            if new:
                with settle.thawed():
                    found = attribution.causes(new, owner)
                for item, cause in found.items():
                    self.causes[name, alike(item.what)] = cause


def relive(life: Life, limits: Limits, pace: Pace, clock: Clock = time.perf_counter) -> Lives:
    """Make lives until every meter is decided, or as many as asked for; return what they left."""
    with settle.frozen(), origins.noted(wanted=limits.origins):
        lives = Lives(Readings(limits, warm=pace.first == 0))
        start, modules = clock(), len(sys.modules)
        for number in itertools.count(1) if pace.runs == "auto" else range(1, pace.last + 1):
            one(life, lives, number, judged=number > pace.first)
            if number <= pace.first:
                lives.imported = len(sys.modules) > modules
            pace.told(lives.readings, clock() - start)
            if lives.judged and over(lives, pace, clock() - start):
                break
    return lives


def over(lives: Lives, pace: Pace, seconds: float) -> bool:
    """Tell whether to stop: what single lives left must be seen again, as long as time lasts."""
    readings, spent = lives.readings, seconds / pace.time_limit
    enough = lives.judged >= FEW or spent >= OVERTIME
    affected = max(lives.affected.values(), default=0)
    if pace.runs == "auto" and affected:
        ended = enough and (spent >= 1 or readings.full or readings.excessive)
        return ended or affected >= FEW
    return enough and pace.over(readings, seconds)


def one(life: Life, lives: Lives, number: int, *, judged: bool) -> None:
    """Make one life, and read while the freed object is held and again once it is not."""
    readings = lives.readings
    before = read(readings.limits.resting)
    owned = life.live()
    freed = readings.resting(before, lives.patience if judged else settle.Patience())
    readings.keep(freed, number)
    if judged:
        lives.explain(before, freed, owned.made)
    del owned
    dropped = readings.resting(before, settle.Patience(DROPPING))
    if judged:
        lives.note(before, freed, dropped)
