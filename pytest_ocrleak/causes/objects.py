"""Which Python objects there are ever more of, and what keeps them: names for bytes that grow.

An allocator counts blocks or bytes and does not know what is in them. So where they leak the code
is run some more, and the objects that the garbage collector knows, and those that they refer to,
are counted by type before and after. What only C code refers to cannot be seen so.
"""

import gc
import itertools
import operator
import sys
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterable

from pytest_ocrleak import settle
from pytest_ocrleak.causes import keepers
from pytest_ocrleak.causes.bare import is_collected, is_hidden, of_types
from pytest_ocrleak.pace import Clock

SECONDS = 0.5  # that the additional runs may take
RUNS = 1000  # additional runs at most
SHOWN = 5  # types
SHARE = 0.1  # of an object per run, below which a type is not worth its name
SEARCH = 3.0  # seconds for each keeper: the larger a process, the slower is the look
TRIED = 3  # objects of a type whose keeper may be asked for
OWN = "module pytest_ocrleak."
KEPT = 2  # types of which it is told what keeps one: those of the user's or a library's first


def grown(run: Callable[[], object], clock: Clock = time.perf_counter) -> dict[type, float]:
    """Return the types there are more objects of after each run, with their number per run."""
    run()
    counted([])  # the first leaves objects of its own
    settle.settle()
    before, start, runs = census(), clock(), 0
    while runs < RUNS and (runs == 0 or clock() - start < SECONDS):
        run()
        runs += 1
    settle.settle()
    more = census()
    more.subtract(before)
    rates = {kind: count / runs for kind, count in more.most_common(SHOWN)}
    return {kind: rate for kind, rate in rates.items() if rate >= SHARE}


def census() -> Counter[type]:
    """Return how many objects of each type there are, each counted once."""
    return counted(gc.get_objects())


def counted(known: list[object]) -> Counter[type]:
    """Return how many of some objects there are of each type, and of those they alone refer to.

    That is what the collector does not track: it knows all others by itself.
    """
    inner = list(itertools.filterfalse(gc.is_tracked, gc.get_referents(*known)))
    counts = Counter(map(type, known))
    counts.update(dict(zip(map(id, inner), map(type, inner), strict=True)).values())
    return counts


def kept(run: Callable[[], object], kinds: Iterable[type]) -> tuple[str, ...]:
    """Return what keeps objects of some types that one more run leaves, one of each type."""
    wanted = sorted(kinds, key=lambda kind: kind.__module__ == "builtins")[:KEPT]
    new = newest(run, wanted)
    chains = ((kind, users(new.pop(kind))) for kind in wanted)
    return tuple(f"{chain} → {name(kind)}" for kind, chain in chains if chain)


def newest(run: Callable[[], object], kinds: Iterable[type]) -> dict[type, list[object]]:
    """Return the last few objects of each type that one more run leaves, and another one keeps.

    What a run puts in the place of what the last one left, as pytest does with its records, is no
    growth: it is gone after the other. Whoever looks for keepers must not hold all others
    meanwhile: each reference of the variables of running code is counted then.
    """
    new: dict[type, list[object]] = {kind: [] for kind in kinds}
    before = set(map(id, of(new)))
    run()
    settle.settle()
    sort(others(of(new), before), new)
    run()
    settle.settle()
    while any(drop_unheld(objects) for objects in new.values()):
        pass  # what those held that were dropped may be held by nobody now
    return {kind: objects[-TRIED:] for kind, objects in new.items()}


def sort(objects: Iterable[object], by_type: dict[type, list[object]]) -> None:
    """Add objects to those of their types, and hold none of them on."""
    for each in objects:
        by_type[type(each)].append(each)


def drop_unheld(objects: list[object]) -> bool:
    """Drop the objects that nothing but this list holds, and tell whether there were any."""
    objects.append(object())
    counts = [sys.getrefcount(each) for each in objects]
    least = counts.pop()
    del objects[-1]
    held = [each for each, count in zip(objects, counts, strict=True) if count > least]
    dropped = len(held) < len(objects)
    objects[:] = held
    return dropped


def users(objects: list[object]) -> str:
    """Return what keeps one of some objects, and is not a record of ours; the last one first."""
    for place in reversed(range(len(objects))):
        chain = keepers.chain(objects[place], SEARCH)
        if chain and not chain.startswith(OWN):
            return chain
    return ""


def of(kinds: Collection[type]) -> list[object]:
    """Return the objects of some types, those that the collector does not know after the others.

    These come as often as they are referred to, by objects that it knows.
    """
    every = gc.get_objects()
    known, hidden = [*filter(is_collected, kinds)], [*filter(is_hidden, kinds)]
    found = [*of_types(every, known)] if known else []
    inner = of_types(gc.get_referents(*every), hidden) if hidden else ()
    return [*found, *itertools.filterfalse(gc.is_tracked, inner)]


def others(objects: list[object], known: Collection[int]) -> Collection[object]:
    """Return those of some objects whose id is not known, each once; millions are few."""
    new = map(operator.not_, map(known.__contains__, map(id, objects)))
    return {id(each): each for each in itertools.compress(objects, new)}.values()


def name(kind: type) -> str:
    """Return a type's name, with its module unless that is the builtins."""
    module = getattr(kind, "__module__", None)
    return kind.__qualname__ if module == "builtins" else f"{module}.{kind.__qualname__}"


def told(rates: dict[type, float]) -> str:
    """Return types and their numbers in words: ``"1 dict, 2.5 str"``."""
    return ", ".join(f"{rate:.3g} {name(kind)}" for kind, rate in rates.items())
