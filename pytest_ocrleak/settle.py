"""Bringing a process to rest before a reading that is judged.

Garbage in cycles, pages that the allocator keeps and things that are still closing are not leaks,
and each ends within a bounded time.
"""

import gc
import time
from collections.abc import Callable, Iterator

from pytest_ocrleak.meters import heap

PATIENCE = 1.0  # seconds that something may take to close after its owner let go
FIRST_WAIT = 0.005


def settle() -> None:
    """Collect garbage until none is found (finalizers may leave more), and trim the heap."""
    for _ in range(3):
        if not gc.collect():
            break
    heap.trim()


def waits(patience: float) -> Iterator[float]:
    """Return pauses that double from 5 ms on and add up to ``patience`` seconds."""
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

    The path of something that is clean at once costs one collection and no pause.
    """
    settle()
    for pause in waits(patience):
        if at_rest():
            return True
        sleep(pause)
        settle()
    return at_rest()
