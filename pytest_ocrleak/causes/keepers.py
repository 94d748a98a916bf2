"""What keeps an object alive: the shortest chain of references to it, in words.

References are followed backwards, level by level: the garbage collector is asked who refers to the
objects of a level, until one of those lives by itself: a module, a thread, a frame that runs. What
the collector does not know, since only C code refers to it, cannot be found so, and that is said.
"""

import contextvars
import gc
import sys
import threading
import time
import types
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import filterfalse
from typing import Any

from pytest_ocrleak import settle
from pytest_ocrleak.causes.bare import (
    attributes,
    noun,
    of_types,
    own_name,
    shown,
    variables,
    within,
)
from pytest_ocrleak.causes.chains import CONTAINERS, Path, outermost, told
from pytest_ocrleak.pace import Clock

MOST = 100  # holders of a level that are followed: each makes the look at the heap slower
OWN = "pytest_ocrleak."
MACHINERY = ("_pytest.", "pluggy.")
LOT = 1000  # objects that are asked at once whom they refer to
CARRIERS = (dict, tuple)  # that the collector leaves out where what they hold cannot refer back
NATIVE = "nothing that Python's collector knows: native code, or an expression that runs, keeps it"
UNSEEN = "something that Python's collector does not know"


def chain(
    target: object,
    seconds: float = 1.0,
    clock: Clock = time.perf_counter,
    *,
    owner: object = None,
) -> str:
    """Return the shortest chain of references that keeps an object, or nothing where none does.

    The variables of this plugin's running code count for nothing, nor what pytest hands from one
    function to the next; so give it from a variable, or from a plain container in one, and not
    from an iteration or ``*arguments``, whose tuples are nobody's. The heap must not be frozen
    (``gc.freeze``): the collector does not look at what is. After ``seconds``, asked between two
    levels, what is known is told. ``owner`` is an object that the caller keeps alive, and that
    counts as living by itself.
    """
    if target is None:  # of a dead weak reference
        return ""
    search, start = Search([target], owner), clock()
    del target
    try:
        while search.level:
            if keeper := search.keeper():
                return told(*keeper)
            if clock() - start >= seconds:
                return search.cut_short(f"after {seconds:g} s")
            search.further()
        return search.cut_short(f"at {MOST} holders") if search.cut else search.unseen()
    finally:
        search.found.clear()


@dataclass(slots=True)
class Search:
    """All objects that were found, the target first, and nothing else that refers to them.

    ``led`` has for each of them the place of the object that it leads to, ``level`` are the places
    of those that were found last, ``unasked`` those of objects that may have holders of which the
    collector does not know; ``cut`` tells that there were too many.
    """

    found: list[Any]
    owner: Any = None
    led: list[int] = field(default_factory=lambda: [0])
    level: range = range(1)
    unasked: list[int] = field(default_factory=list)
    cut: bool = False

    def path(self, place: int) -> Path:
        """Return the way from one of the objects to the target."""
        way = [place]
        while way[-1]:
            way.append(self.led[way[-1]])
        return outermost([self.found[each] for each in way])

    def roots(self) -> dict[int, Any]:
        """Return what lives by itself, by identity."""
        own = {} if self.owner is None else {id(self.owner): self.owner}
        return {**living(), **own}

    def keeper(self) -> tuple[Path, str] | None:
        """Return how the target is kept by something that lives by itself, if this level knows."""
        known, tests = self.roots(), of_pytest()
        for place in self.level:
            each = self.found[place]
            root = each if within(each, tests) else known.get(id(each))
            if root is not None:
                way = [*([] if root is each else [root]), *self.path(place)]
                return way, "" if way[1:] else noun(root)
        places = {id(self.found[place]): place for place in self.level}
        for start, value, passing in held_by_threads():
            if id(value) in places:
                path = self.path(places[id(value)])
                if not (passing and (len(path) == 1 or type(value) in CONTAINERS)):
                    return path, start
        return None

    def further(self) -> None:
        """Find who refers to the objects of this level.

        Holders that the collector does not know are looked for when no others are left: that is a
        look at everything there is.
        """
        self.unasked += [at for at in self.level if not gc.is_tracked(self.found[at])]
        self.follow(self.level)
        if self.unasked and not self.level:
            late, self.unasked = self.unasked, []
            self.follow(late, everywhere=True)

    def follow(self, places: Sequence[int], *, everywhere: bool = False) -> None:
        """Find who refers to some of the objects, as the collector knows, or looking everywhere."""
        objects = tuple(self.found[at] for at in places)
        holders = untracked(objects) if everywhere else gc.get_referrers(*objects)
        known = {id(each) for each in self.found} | handed_on()[0]
        known |= {id(self.found), id(objects)}
        fresh = [each for each in holders if id(each) not in known]
        roots = self.roots()
        fresh.sort(key=lambda each: id(each) not in roots)
        self.cut = self.cut or len(fresh) > MOST
        place_of, end = dict(zip(map(id, objects), places, strict=True)), len(self.found)
        for each in fresh[:MOST]:
            known_here = filter(place_of.__contains__, map(id, gc.get_referents(each)))
            led: Iterator[int] = map(place_of.__getitem__, known_here)
            if each is self.owner:  # whose class is kept by others
                led = (at for at in led if not within(self.found[at], type))
            if (place := next(led, None)) is not None:
                self.found.append(each)
                self.led.append(place)
        self.level = range(end, len(self.found))

    def cut_short(self, reason: str) -> str:
        """Tell what is known where nothing that lives by itself was found in time."""
        path = self.path(self.level.start if self.level else len(self.found) - 1)
        return f"{' → '.join(filter(None, ('…', told(path))))} (search cut {reason})"

    def unseen(self) -> str:
        """Tell what is known where all holders were found, and none of them lives by itself."""
        place = self.outside()
        if place is None:
            return ""
        known = told(self.path(place))
        frozen = gc.get_freeze_count() > settle.AT_START
        return f"{UNSEEN} → {known}" if known else UNSEEN if frozen else NATIVE

    def outside(self) -> int | None:
        """Return the nearest object that has more references than can be told, by its place."""
        known = handed_on()[1] + Counter(map(id, gc.get_referents(*self.found)))
        self.found.append(object())  # which only this list refers to
        *counts, ours = [sys.getrefcount(each) for each in self.found]
        self.found.pop()
        spare = (count - ours - known[id(self.found[at])] for at, count in enumerate(counts))
        return next((at for at, count in enumerate(spare) if count > 0), None)


def of_pytest() -> tuple[type, ...]:
    """Return the types of pytest's tests and fixtures: nobody asks who keeps those."""
    names = (("_pytest.python", "Function"), ("_pytest.fixtures", "FixtureDef"))
    found = (getattr(sys.modules.get(module), name, None) for module, name in names)
    return tuple(filter(None, found))


def living() -> dict[int, Any]:
    """Return the modules, by their own identity and that of their dict, and the running threads."""
    modules = [each for each in list(sys.modules.values()) if within(each, types.ModuleType)]
    return {
        **{id(attributes(each)): each for each in modules},
        **{id(each): each for each in [*modules, *threading.enumerate()]},
    }


def threads() -> dict[int, str]:
    """Return the names of the running threads, by their identifiers."""
    return {
        ident: f"thread {own_name(each)}"
        for each in threading.enumerate()
        if type(ident := attributes(each).get("_ident")) is int
    }


def running() -> Iterator[tuple[types.FrameType, str]]:
    """Yield all frames that run now, with the name of their thread."""
    names, tops = threads(), sys._current_frames()  # noqa: SLF001 - made for debuggers
    tops[threading.get_ident()] = caller()
    for ident, top in tops.items():
        frame: types.FrameType | None = top
        while frame:
            yield frame, names.get(ident, f"thread {ident}")
            frame = frame.f_back


def caller() -> types.FrameType:
    """Return the frame that asked; a frame of this module must not get to hold itself."""
    frame = sys._getframe(1)  # noqa: SLF001 - made for debuggers
    while frame.f_globals is globals() and frame.f_back:
        frame = frame.f_back
    return frame


def runs_in(frame: types.FrameType, *modules: str) -> bool:
    """Tell whether a frame runs code of some modules."""
    return f"{dict.get(frame.f_globals, '__name__')}.".startswith(modules)


def of_module(frame: types.FrameType) -> bool:
    """Tell whether a frame runs a module itself, whose globals tell more."""
    return frame.f_code.co_name == "<module>" and frame.f_locals is frame.f_globals


def held_by_threads() -> Iterator[tuple[str, Any, bool]]:
    """Yield where threads hold what, and whether it may be only handed on there."""
    for frame, thread in running():
        if not runs_in(frame, OWN) and not of_module(frame):
            passing = runs_in(frame, *MACHINERY)
            for name, value in variables(frame).items():
                yield f"{noun(frame)}, {thread} → local {shown(name)}", value, passing
    for variable, value in contextvars.copy_context().items():
        yield f"context variable {shown(variable.name)}", value, False
    names = threads()
    for ident, error in sys._current_exceptions().items():  # noqa: SLF001 - made for debuggers
        value = error[1] if type(error) is tuple else error  # until Python 3.11
        yield f"handled in {names.get(ident, f'thread {ident}')}", value, False


def handed_on() -> tuple[set[int], Counter[int]]:
    """Return what running code of this plugin and of pytest refers to, by identity.

    The first are plain containers in local variables; the second counts all references, from
    variables and from those containers.
    """
    frames = [frame for frame, _ in running() if runs_in(frame, OWN, *MACHINERY)]
    values = [value for frame in frames for value in variables(frame).values()]
    plain = [value for value in values if type(value) in CONTAINERS]
    return set(map(id, plain)), Counter(map(id, [*values, *gc.get_referents(*plain)]))


def untracked(objects: tuple[Any, ...]) -> list[Any]:
    """Return the dicts and tuples that refer to some objects without the collector's knowing.

    It does not know those that hold nothing but what it does not know itself, such as bytes or a
    native object; they are found from what refers to them.
    """
    wanted, seen, found = set(map(id, objects)), set[int](), list[Any]()
    pool = gc.get_objects()  # itself not among them
    pool += [variables(frame) for frame, _ in running()]
    while pool:
        plain = [*filterfalse(gc.is_tracked, of_types(gc.get_referents(*pool), CARRIERS))]
        inner = dict(zip(map(id, plain), plain, strict=True))
        for known in seen & inner.keys():
            del inner[known]
        seen |= inner.keys()
        pool = list(inner.values())
        found += referring(pool, wanted)
    return found


def referring(objects: list[Any], wanted: set[int]) -> Iterator[Any]:
    """Yield those of many objects that refer to some by identity, asking for a lot at a time."""
    for start in range(0, len(objects), LOT):
        lot = objects[start : start + LOT]
        if not wanted.isdisjoint(map(id, gc.get_referents(*lot))):
            yield from (
                each for each in lot if not wanted.isdisjoint(map(id, gc.get_referents(each)))
            )
