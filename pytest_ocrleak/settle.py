"""Bringing a process to rest before a reading that is judged.

Garbage in cycles, pages that the allocator keeps and things that are still closing are not leaks,
and each ends within a bounded time.
"""

import gc
import subprocess
import sys
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager

from pytest_ocrleak.difference import anything_new, common
from pytest_ocrleak.inventory import Snapshot, Unavailable, Undecidable
from pytest_ocrleak.limits import Limits
from pytest_ocrleak.meters import events, read, tempfiles

PATIENCE = 1.0  # seconds that something may take to close after its owner let go
FIRST_WAIT = 0.01
AT_START = 1000  # objects that an interpreter may freeze by itself (CPython 3.12: 375)
YOUNGER, OLDEST = 1, 2  # generations of the collector: what is new, and everything
LONG = 0.1  # seconds of a pause that is worth a whole collection: what was old may have closed
LOOKS, TURN = 20, 0.001  # more looks at what seems to stay, and the seconds between them


def settle(generation: int = OLDEST) -> None:
    """Collect garbage until none is found (finalizers may leave more), and trim the heap.

    Children that ended after their owner dropped them are waited for, as the next
    `subprocess.Popen` or `multiprocessing.Process` would do. Temp files that are gone are
    forgotten.
    """
    for _ in range(3):
        if not gc.collect(generation):
            break
    subprocess._cleanup()  # type: ignore[attr-defined]  # noqa: SLF001
    if "multiprocessing" in sys.modules:  # else it has no children
        sys.modules["multiprocessing"].active_children()
    tempfiles.forget()
    events.forget()
    from pytest_ocrleak.meters import heap  # noqa: PLC0415 - a session may never settle

    heap.trim()


@contextmanager
def frozen() -> Generator[None]:
    """Leave out of each collection what is there now, which a large process pays dearly for.

    What the code makes is collected as ever; garbage that is there already stays until the end.
    Where the user has frozen objects (gc.freeze) that is left as it is, for thawing knows no
    difference.
    """
    if gc.get_freeze_count() > AT_START:
        yield
        return
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()


@contextmanager
def thawed() -> Generator[None]:
    """Have the collector see everything for a while: it knows no referrers of what is frozen."""
    count = gc.get_freeze_count()
    if count <= AT_START:
        yield
        return
    gc.unfreeze()
    try:
        yield
    finally:
        gc.freeze()


def waits(patience: float) -> Iterator[float]:
    """Return pauses that double from 10 ms on and add up to ``patience`` seconds."""
    pause = FIRST_WAIT
    while patience > 0:
        yield min(pause, patience)
        patience -= pause
        pause *= 2


def until(
    at_rest: Callable[[], bool],
    patience: float = PATIENCE,
    sleep: Callable[[float], None] = time.sleep,
) -> bool:
    """Settle, and go on settling until ``at_rest`` holds or patience ends; tell which.

    The path of something that is clean at once costs one collection and no pause. After a
    short pause only what is young is collected, which a large process hardly feels.
    """
    settle()
    for pause in waits(patience):
        if at_rest():
            return True
        sleep(pause)
        settle(OLDEST if pause >= LONG else YOUNGER)
    settle()
    return at_rest()


def closing(before: Snapshot, seen: Snapshot, limits: Limits) -> bool:
    """Tell whether something is there that may still be closing.

    A thing that is new; or a thread that was gone before it could be seen, while which a meter
    could not decide: an allocator may tell of a single thread only.
    """
    return anything_new(before, seen, limits.rules) or not undecided(seen) <= undecided(before)


def undecided(snapshot: Snapshot) -> set[str]:
    """Return the meters that cannot be read now, or whose figures say nothing of this process."""
    return {
        name for name, r in snapshot.readings.items() if isinstance(r, Unavailable | Undecidable)
    }


class Patience:
    """Time that closing may take, halved down to ``least`` seconds each time it was in vain."""

    def __init__(self, seconds: float = PATIENCE, least: float = PATIENCE / 4) -> None:
        self.seconds = seconds
        self.least = least

    def rest(self, before: Snapshot, limits: Limits) -> Snapshot:
        """Return a reading of what stays: the things that are there at every look while time lasts.

        The first look at which nothing is new ends it. After a short pause only what is young is
        collected, which a large process hardly feels. Each reading that counts follows a whole
        settling at once: what is freed in between fills free lists, which count as in use.
        """
        settle()
        seen = read(limits.resting)
        if not self.seconds or not closing(before, seen, limits):
            return seen
        lost = undecided(seen) - undecided(before)  # a check without a meter is worth little
        for pause in waits(PATIENCE if lost else self.seconds):
            time.sleep(pause)
            settle(OLDEST if pause >= LONG else YOUNGER)
            seen = common(seen, read(limits.resting))
            if not closing(before, seen, limits):
                break
        settle()
        seen = common(seen, read(limits.resting))
        if anything_new(before, seen, limits.rules):
            seen = self.confirmed(before, seen, limits)
            self.seconds = max(self.least, self.seconds / 2)
        return seen

    def confirmed(self, before: Snapshot, seen: Snapshot, limits: Limits) -> Snapshot:
        """Return what of it is there at a burst of looks, too, where there is patience for them.

        A file that another thread opens again and again has the same identity each time. Its
        thread stands still while this one looks, so it is given turns between.
        """
        for _ in range(int(LOOKS * self.seconds / PATIENCE)):
            time.sleep(TURN)
            things = common(seen, read(limits.exact))
            seen = Snapshot({**seen.readings, **things.readings})
            if not anything_new(before, seen, limits.rules):
                break
        return seen
