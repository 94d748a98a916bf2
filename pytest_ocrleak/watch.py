"""Whose is what comes while tests run: each thing belongs to the activity in which it came.

Activities are a fixture's set-up, a test's call, a fixture's finalizer. A quick look stands at both
ends of each; between two looks one activity ran, the innermost, so what came is its owner's. When
an owner has ended, what it left is handed to the living that hold it, and the rest has leaked.
"""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from functools import partial

from pytest_ocrleak import ignore, settle
from pytest_ocrleak.causes import origins
from pytest_ocrleak.device import PATIENCE
from pytest_ocrleak.difference import lingering
from pytest_ocrleak.inventory import (
    Descriptor,
    Item,
    Items,
    MappedFile,
    Reading,
    Snapshot,
    Thread,
    Unavailable,
)
from pytest_ocrleak.ledger import (
    AMOUNTS,
    BLOCK,
    DEVICE,
    STREAMS,
    Held,
    Name,
    Owner,
    change,
    size,
    weighs,
)
from pytest_ocrleak.limits import Limits
from pytest_ocrleak.meters import METERS, events, maps, pulse

ROUNDS = 3  # of waiting, each for what came during the one before


class Watch:
    """The looks, what is there, and whose it is."""

    def __init__(self, limits: Limits, *, amounts: bool = False) -> None:
        self.settled = weighs(limits)
        self.amounts = self.settled or amounts
        wanted = (m.name for m in limits.meters if self.amounts or m.name not in AMOUNTS)
        self.names = tuple(wanted)
        self.things = tuple(name for name in self.names if name not in AMOUNTS)
        self.patience = settle.Patience()
        self.running: list[Owner | None] = []
        self.owned: dict[Name, Owner] = {}
        self.there: dict[str, Reading] = {}
        self.last: Mapping[str, object] = {}
        self.traces = pulse.Traces(self.things)
        self.lost = unreadable(self.names)
        self.paused = False
        self.device_patience = PATIENCE
        if limits.origins:
            origins.begin()
            events.want()
        self.look()

    def look(self, late: Owner | None = None) -> None:
        """Find what came and what went since the last look.

        ``late`` is who is waited for while nothing runs: things that come are that one's.
        """
        if self.settled:
            settle.settle()
        now = pulse.take(self.names)
        owner = self.running[-1] if self.running else None
        for name, value in now.items():
            if value != self.last.get(name):
                self._moved(name, value, owner, owner or late)
        self.last = now
        self.traces.note()

    def glance(self, owner: Owner | None = None) -> None:
        """Look, if there is a trace of anything that came or went since the last look.

        At both ends of one whose bytes are judged garbage is collected first.
        """
        if owner is not None and owner.weighed and not self.settled:
            settle.settle()
        if self.amounts or not self.traces.same():
            self.look()

    def _moved(self, name: str, value: object, owner: Owner | None, opener: Owner | None) -> None:
        """Note what changed on a meter: things that came are the opener's, bytes the owner's."""
        if isinstance(value, Unavailable):
            self.lost.setdefault(name, value.reason)
        elif METERS[name].exact:
            self._read(name, opener)
        elif owner is not None:
            owner.bytes[name] += change(self.last.get(name), value)

    def _read(self, name: str, owner: Owner | None) -> None:
        """Read the things of a meter: what came is the owner's, what went is nobody's any more."""
        old, new = self.there.get(name), things(name)
        self.there[name] = new
        if not isinstance(new, Items):
            self.lost.setdefault(name, getattr(new, "reason", ""))
            return
        if isinstance(old, Items) and owner is not None:
            sizes = {item.key: size(item) for item in old.items}
            for item in lingering(Snapshot({name: old}), Snapshot({name: new}), name):
                self._came(Name(name, item.key), Held(name, item, sizes.get(item.key, 0)), owner)
        now = {item.key: item for item in new.items}
        for thing in [thing for thing in self.owned if thing.meter == name]:
            self._still(thing, now.get(thing.key))

    def _still(self, thing: Name, item: Item | None) -> None:
        """Note what a thing is like now: a child has another command once it runs its program."""
        things = self.owned[thing].things
        if item is None or 0 < size(item) <= things[thing].before:
            self._went(thing)
        elif not size(item):
            things[thing] = replace(things[thing], item=item)

    def _came(self, thing: Name, held: Held, owner: Owner) -> None:
        """Note a thing as an owner's, unless it is somebody's already.

        The standard streams are nobody's: who captures output puts other files in their places.
        """
        stream = isinstance(held.item, Descriptor) and held.item.number in STREAMS
        if thing not in self.owned and not stream:
            self.owned[thing] = owner
            owner.things[thing] = held

    def _went(self, thing: Name) -> None:
        del self.owned.pop(thing).things[thing]

    @contextmanager
    def pause(self) -> Iterator[None]:
        """Look away: what comes meanwhile is nobody's."""
        self.look()
        self.paused = True
        try:
            yield
        finally:
            self.paused = False
            self.running.append(None)
            self.end()

    def begin(self, owner: Owner | None) -> None:
        """Begin an activity: what came so far is of the one around it."""
        if not self.paused:
            self.glance(owner)
            self.running.append(owner)

    def end(self) -> None:
        """End the innermost activity."""
        if not self.paused:
            self.glance(self.running[-1])
            self.running.pop()

    def left(self, owner: Owner, living: Iterable[Owner]) -> dict[Name, Held]:
        """Return what has leaked of an owner's things: held by none of the living, and not closing.

        What one of the living holds, the innermost first, is from now on its own. What comes while
        this is found out, as from a thread that is still at work, is the owner's.
        """
        living = list(living)
        self._settle_device(owner, living)
        if self.remaining(owner):
            self.look()
            settle.settle()
            self._go_on(owner, living)
            self._look_again(owner)
        if self.remaining(owner):
            self._hand_over(owner, living)
        if self.remaining(owner) and not self._closes(owner, living):
            self.patience.seconds = max(self.patience.least, self.patience.seconds / 2)
        return self.remaining(owner)

    def _look_again(self, owner: Owner) -> None:
        """Read what an owner's things are like now, also where none came or went."""
        for name in {thing.meter for thing in owner.things}:
            self._read(name, owner)

    def disown(self, owner: Owner) -> None:
        """Let an owner's things be nobody's."""
        for thing in list(owner.things):
            self._went(thing)

    def _closes(self, owner: Owner, living: list[Owner]) -> bool:
        """Wait for what is still closing; tell whether nothing of it stayed.

        What comes meanwhile is waited for in its turn, but not without an end: what comes last is
        nobody's.
        """
        for _ in range(ROUNDS):
            awaited = set(self.remaining(owner))
            gone = partial(self._gone, owner, awaited, living)
            closed = settle.until(gone, self.patience.seconds)
            if self.remaining(owner).keys() - awaited:
                self._hand_over(owner, living)
            if not closed or not self.remaining(owner):
                return closed
        self.disown(owner)
        return True

    def _gone(self, owner: Owner, things: Iterable[Name], living: Iterable[Owner]) -> bool:
        """Tell whether none of some things remains."""
        self._go_on(owner, living)
        return self.remaining(owner).keys().isdisjoint(things)

    def _go_on(self, owner: Owner, living: Iterable[Owner]) -> None:
        """Have what is still at work go on, also in the event loops of the living, and look."""
        from pytest_ocrleak.causes import loops  # noqa: PLC0415 - only where something stays

        loops.turn([each for one in living for each in one.holds()])
        self.look(owner)

    def remaining(self, owner: Owner) -> dict[Name, Held]:
        """Return an owner's things that no rule lets linger and that are judged in one pass."""
        return {
            thing: held
            for thing, held in owner.things.items()
            if thing.meter in self._judged(owner)
            and not (isinstance(held.item, MappedFile) and held.item.kind == "anonymous")
            and ignore.keep(thing.meter, (held.item,), owner.limits.rules)
        }

    def _judged(self, owner: Owner) -> frozenset[str]:
        return frozenset(meter.name for meter in owner.limits.meters)

    def _hand_over(self, owner: Owner, living: Iterable[Owner]) -> None:
        """Give the things that a living one holds to that one."""
        from pytest_ocrleak.causes import holders, owners  # noqa: PLC0415 - only where something stays

        now = Snapshot(self.there)
        numbers, processes = owners.numbers(now.items("fds")), now.items("processes")
        of_python = owners.found([held.item for held in self.remaining(owner).values()])
        for one in living:
            given = True
            while given and (things := self.remaining(owner)):
                found = holders.reach(self._roots(one), numbers)
                given = False
                for thing, held in things.items():
                    if found.holds(held.item, of_python, owners.ancestors(held.item, processes)):
                        self._give(thing, held, one)
                        given = given or isinstance(held.item, Thread)  # who may hold more

    def _settle_device(self, owner: Owner, living: list[Owner]) -> None:
        """Give device memory to the living that may hold it; wait for the rest to come back.

        It has no object of Python, so any native object may be what holds it. Memory of a wider
        owner that was freed meanwhile is that one's again.
        """
        from pytest_ocrleak.causes import holders  # noqa: PLC0415 - only where something stays

        if abs(owner.bytes[DEVICE]) <= BLOCK:
            return
        for one in living:
            if holders.reach(self._roots(one)).opaque:
                one.bytes[DEVICE] += owner.bytes.pop(DEVICE)
                one.took_over.append(owner.name)
                return
        self.running.append(owner)
        if not settle.until(lambda: not self._holds_device(owner), self.device_patience):
            self.device_patience /= 4
        self.running.pop()

    def _holds_device(self, owner: Owner) -> bool:
        self.look()
        return owner.bytes[DEVICE] > BLOCK

    def _roots(self, owner: Owner) -> Iterator[object]:
        """Yield what an owner holds: its value, and what its tasks and threads work on."""
        from pytest_ocrleak.causes import loops, owners  # noqa: PLC0415 - only where something stays

        yield from owner.holds()
        yield from loops.tasks(owner.holds())
        yield from owners.working(held.item for held in owner.things.values())

    def hand(self, owner: Owner, to: Owner) -> None:
        """Give all that one has to another."""
        for thing, held in list(owner.things.items()):
            self._give(thing, held, to)

    def _give(self, thing: Name, held: Held, to: Owner) -> None:
        del self.owned[thing].things[thing]
        opened_in = held.opened_in or self.owned[thing].name
        self.owned[thing] = to
        to.things[thing] = replace(held, opened_in=opened_in)


def unreadable(names: Iterable[str]) -> dict[str, str]:
    """Return the amounts among some meters that cannot be read here, whose looks say 0."""
    readings = {name: METERS[name].read() for name in names if name in AMOUNTS}
    return {n: r.reason for n, r in readings.items() if isinstance(r, Unavailable)}


def things(name: str) -> Reading:
    """Read the things of a meter; of mappings the files, since the rest has no owner."""
    meter = METERS[name]
    return replace(meter, take=maps.files).read() if name == "maps" else meter.read()
