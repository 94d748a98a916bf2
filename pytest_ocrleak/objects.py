"""Which Python objects there are ever more of: the names behind growth of Python's own allocator.

The allocator counts blocks and does not know what is in them. So where blocks leak the code is run
some more, and the objects that the garbage collector knows, and those that they refer to, are
counted by type before and after. What only C code refers to cannot be seen so.
"""

import gc
import itertools
import time
from collections import Counter
from collections.abc import Callable

from pytest_ocrleak import settle
from pytest_ocrleak.pace import Clock

SECONDS = 0.5  # that the additional runs may take
RUNS = 1000  # additional runs at most
SHOWN = 5  # types
SHARE = 0.1  # of an object per run, below which a type is not worth its name


def grown(run: Callable[[], object], clock: Clock = time.perf_counter) -> dict[str, float]:
    """Return the types there are more objects of after each run, with their number per run."""
    run()
    settle.settle()
    before, start, runs = census(), clock(), 0
    while runs < RUNS and (runs == 0 or clock() - start < SECONDS):
        run()
        runs += 1
    settle.settle()
    more = census()
    more.subtract(before)
    rates = {name: count / runs for name, count in more.most_common(SHOWN)}
    return {name: rate for name, rate in rates.items() if rate >= SHARE}


def census() -> Counter[str]:
    """Return how many objects of each type there are, each counted once."""
    known = gc.get_objects()
    inner = list(itertools.filterfalse(gc.is_tracked, gc.get_referents(*known)))
    counts = Counter(map(type, known))
    counts.update(dict(zip(map(id, inner), map(type, inner), strict=True)).values())
    names: Counter[str] = Counter()
    for kind, count in counts.items():
        names[name(kind)] += count
    return names


def name(kind: type) -> str:
    """Return a type's name, with its module unless that is the builtins."""
    module = getattr(kind, "__module__", None)
    return kind.__qualname__ if module == "builtins" else f"{module}.{kind.__qualname__}"


def told(rates: dict[str, float]) -> str:
    """Return types and their numbers in words: ``"1 dict, 2.5 str"``."""
    return ", ".join(f"{rate:.3g} {name}" for name, rate in rates.items())
