"""Whose things come while a guard stands: other fixtures that are set up within it may live on.

What these opened, and what they hold, is nobody's leak until they end. Where every fixture is
watched, it is known of more things whose they are, and who was told of them.
"""

from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import pytest

from pytest_ocrleak import meters
from pytest_ocrleak.causes import holders, owners
from pytest_ocrleak.difference import lingering
from pytest_ocrleak.hooks import lives
from pytest_ocrleak.hooks.lives import Fixture
from pytest_ocrleak.inventory import Item, Items, MappedFile, Snapshot, Thread
from pytest_ocrleak.ledger import Name, Owner
from pytest_ocrleak.limits import Limits
from pytest_ocrleak.readings import Readings

PLUGIN, WATCHING = "ocrleak-beside", "ocrleak-watching"
Things = dict[Name, Item]
Living = dict[Fixture, tuple[pytest.Item | pytest.Collector, Things]]  # what came in its set-up


@dataclass(slots=True, eq=False)
class Guarded:
    """A guard that stands: the fixture and the watched activity in which it began, if any.

    ``came`` are the fixtures that were set up since, with what came in it.
    """

    limits: Limits
    home: Fixture | None
    owner: Owner | None
    came: Living = field(default_factory=dict)

    def living(self) -> Living:
        """Return those of the fixtures that have not ended."""
        return {each: came for each, came in self.came.items() if each.cached_result is not None}


class Beside:
    """The guards that stand, and what comes in the set-ups of fixtures within them."""

    def __init__(self, config: pytest.Config) -> None:
        self.manager = config.pluginmanager
        self.standing: list[Guarded] = []
        self.setting_up: list[Fixture] = []

    @contextmanager
    def guarded(self, limits: Limits) -> Generator[Callable[[Readings], None]]:
        """Let a guard stand; give what leaves out of its readings what is others'."""
        home = self.setting_up[-1] if self.setting_up else None
        running = self.watching.watch.running if self.watching else ()
        guard = Guarded(limits, home, running[-1] if running else None)
        self.standing.append(guard)
        try:
            yield partial(self.leave_out, guard)
        finally:
            self.standing.remove(guard)

    @property
    def watching(self) -> Any:
        """What watches every fixture, if anything does."""
        found = self.manager.get_plugin(WATCHING)
        return found if found and not found.broken else None

    @pytest.hookimpl(wrapper=True)
    def pytest_fixture_setup(
        self, fixturedef: Fixture, request: pytest.FixtureRequest
    ) -> Generator[None, object, object]:
        """Note for the guards that stand what comes while a fixture is set up."""
        around = [guard for guard in self.standing if outlives(fixturedef, guard)]
        before = [meters.read(guard.limits.exact) for guard in around]
        self.setting_up.append(fixturedef)
        try:
            return (yield)
        finally:
            self.setting_up.pop()
            for guard, start in zip(around, before, strict=True):
                now = meters.read(guard.limits.exact)
                guard.came[fixturedef] = request.node, new(start, now, guard.limits)

    def leave_out(self, guard: Guarded, readings: Readings) -> None:
        """Have readings begin with what is others', as if it had been there before."""
        living = guard.living()
        if not (living or self.watching):
            return
        now = meters.read(guard.limits.exact)
        things = new(readings.baseline, now, guard.limits)
        theirs = {**self.watched(guard, things), **opened(living)}
        spared = {name: theirs[name] for name in things if name in theirs}
        rest = {name: item for name, item in things.items() if name not in spared}
        if living and rest:
            spared |= held(living, rest, now)
        if spared:
            readings.baseline = readings.latest = beside(readings.baseline, spared)

    def watched(self, guard: Guarded, things: Things) -> Things:
        """Return the things that are known as another's, who lives or is told of them."""
        if not self.watching:
            return {}
        watch, living = self.watching.watch, list(self.watching.living.values())
        known = {name: watch.owned[name] for name in things if name in watch.owned}
        return {
            name: owner.things[name].item
            for name, owner in known.items()
            if owner is not guard.owner and (owner in living or name in watch.remaining(owner))
        }


def started(config: pytest.Config) -> Beside:
    """Return what knows the guards of a session, which hears of fixtures from now on."""
    found = config.pluginmanager.get_plugin(PLUGIN)
    if found is None:
        found = Beside(config)
        config.pluginmanager.register(found, PLUGIN)
    return found


def outlives(fixturedef: Fixture, guard: Guarded) -> bool:
    """Tell whether a fixture that is set up now may live on when a guard ends.

    One of a single test does not, unless the guard stands in that test.
    """
    own = lives.built_in(fixturedef)
    return not own and (fixturedef.scope != "function" or guard.home is None)


def new(before: Snapshot, now: Snapshot, limits: Limits) -> Things:
    """Return the things that are there now and were not before."""
    return {
        Name(meter, item.key): item
        for meter in now.readings
        for item in lingering(before, now, meter, limits.rules)
    }


def opened(living: Living) -> Things:
    """Return what came in the set-ups of living fixtures."""
    return {name: item for _, came in living.values() for name, item in came.items()}


def held(living: Living, things: Things, now: Snapshot) -> Things:
    """Return those of some things that living fixtures hold, by an object or a number.

    That a native object may hide one is not enough: it may be the guarded engine's.
    """
    found: Things = {}
    of_python, more = owners.found(things.values()), True
    while more:
        reach = reached(living, found, now)
        came = {
            name: item
            for name, item in things.items()
            if name not in found
            and reach.holds(item, of_python, owners.ancestors(item, now.items("processes")))
        }
        found |= came
        more = any(isinstance(item, Thread) for item in came.values())  # who may hold more
    return found


def reached(living: Living, found: Things, now: Snapshot) -> holders.Reach:
    """Return what is reached from living fixtures, and from the threads that are theirs."""
    values = [value for each, (node, _) in living.items() for value in lives.values(each, node)]
    threads = owners.working({**opened(living), **found}.values())
    reach = holders.reach([*values, *threads], owners.numbers(now.items("fds")))
    reach.opaque = False
    return reach


def beside(before: Snapshot, things: Things) -> Snapshot:
    """Return a snapshot in which some things are there, too; mapped files with more bytes."""
    readings = dict(before.readings)
    for (meter, key), item in things.items():
        reading = readings[meter]
        if isinstance(reading, Items):
            old = next((each for each in reading.items if each.key == key), None)
            readings[meter] = Items((*reading.items, larger(item, old)))
    return Snapshot(readings)


def larger(item: Item, old: Item | None) -> Item:
    """Return a mapped file with the bytes of an older one on top, other things as they are."""
    if isinstance(item, MappedFile) and isinstance(old, MappedFile):
        return item._replace(size=item.size + old.size)
    return item
