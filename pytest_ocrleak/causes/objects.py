"""Which Python objects there are ever more of, and what keeps them: names for bytes that grow.

An allocator counts blocks or bytes and does not know what is in them. So where they leak the code
is run some more, and the objects that the garbage collector knows, and those that they refer to,
are counted by type before and after. What only C code refers to cannot be seen so.
"""

import gc
import itertools
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator

from pytest_ocrleak import settle
from pytest_ocrleak.causes import keepers
from pytest_ocrleak.pace import Clock

SECONDS = 0.5  # that the additional runs may take
RUNS = 1000  # additional runs at most
SHOWN = 5  # types
SHARE = 0.1  # of an object per run, below which a type is not worth its name
SEARCH = 3.0  # seconds for each keeper: the larger a process, the slower is the look
TRIED = 3  # objects of a type whose keeper may be asked for, the newest first
OWN = "module pytest_ocrleak."
KEPT = 2  # types of which it is told what keeps one: those of the user's or a library's first


def grown(run: Callable[[], object], clock: Clock = time.perf_counter) -> dict[type, float]:
    """Return the types there are more objects of after each run, with their number per run."""
    run()
    census()  # the first leaves objects of its own
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
    known = gc.get_objects()
    inner = list(itertools.filterfalse(gc.is_tracked, gc.get_referents(*known)))
    counts = Counter(map(type, known))
    counts.update(dict(zip(map(id, inner), map(type, inner), strict=True)).values())
    return counts


def kept(run: Callable[[], object], kinds: Iterable[type]) -> tuple[str, ...]:
    """Return what keeps objects of some types that one more run leaves, one of each type."""
    wanted = sorted(kinds, key=lambda kind: kind.__module__ == "builtins")[:KEPT]
    before = {id(each) for each in of(wanted)}
    run()
    settle.settle()
    new: dict[type, list[object]] = {kind: [] for kind in wanted}
    for each in of(wanted):
        if id(each) not in before:
            new[type(each)].append(each)
    chains = ((kind, users(new.pop(kind))) for kind in wanted)
    return tuple(f"{chain} → {name(kind)}" for kind, chain in chains if chain)


def users(objects: list[object]) -> str:
    """Return what keeps one of some objects, and is not a record of ours."""
    for place in range(len(objects))[: -TRIED - 1 : -1]:
        chain = keepers.chain(objects[place], SEARCH)
        if chain and not chain.startswith(OWN):
            return chain
    return ""


def of(kinds: Iterable[type]) -> Iterator[object]:
    """Yield the objects of some types, those that the collector does not track after the others."""
    wanted, known = set(kinds), gc.get_objects()
    yield from (each for each in known if type(each) in wanted)
    inner = itertools.filterfalse(gc.is_tracked, gc.get_referents(*known))
    yield from (each for each in inner if type(each) in wanted)


def name(kind: type) -> str:
    """Return a type's name, with its module unless that is the builtins."""
    module = getattr(kind, "__module__", None)
    return kind.__qualname__ if module == "builtins" else f"{module}.{kind.__qualname__}"


def told(rates: dict[type, float]) -> str:
    """Return types and their numbers in words: ``"1 dict, 2.5 str"``."""
    return ", ".join(f"{rate:.3g} {name(kind)}" for kind, rate in rates.items())
