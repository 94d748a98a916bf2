"""What the heap meter says of leaks and of their freed twins, under whatever allocator runs this.

It is started in a process of its own, with an allocator preloaded, and prints JSON.
"""

import ctypes
import itertools
import json
import sys
import threading
from collections.abc import Callable
from functools import partial

import pytest_ocrleak
from pytest_ocrleak import LeakError, settle
from pytest_ocrleak.inventory import Amount, Reading
from pytest_ocrleak.meters import heap, threads

RUNS = 2400
LARGE = 3 << 20

process = ctypes.CDLL(None)
process.malloc.restype = ctypes.c_void_p
process.malloc.argtypes = (ctypes.c_size_t,)
process.free.argtypes = (ctypes.c_void_p,)
LATE, DELAYS = ctypes.c_uint(), itertools.cycle(range(1, 1000, 37))  # microseconds
process.pthread_key_create(ctypes.byref(LATE), ctypes.cast(process.usleep, ctypes.c_void_p))


def taken(size: int) -> None:
    """Take a block and lose it."""
    process.malloc(size)


def freed(size: int) -> None:
    """Take a block and free it."""
    process.free(process.malloc(size))


def in_a_thread(scene: Callable[[int], object], size: int) -> None:
    """Do it in a thread that ends."""
    thread = threading.Thread(target=scene, args=(size,))
    thread.start()
    thread.join()


def in_a_late_thread(scene: Callable[[int], None], size: int) -> None:
    """Do it in a thread that the system ends up to a millisecond after Python has joined it.

    A destructor of the thread's own data takes that time: it is `usleep`, the data its argument.
    """

    def work() -> None:
        scene(size)
        process.pthread_setspecific(LATE, ctypes.c_void_p(next(DELAYS)))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()


def judged(run: Callable[[], None], runs: int = RUNS) -> tuple[str, float]:
    """Return the heap's verdict on a run, and its growth per run."""
    try:
        meters = pytest_ocrleak.assert_no_growth(run, runs=runs, track="heap")
    except LeakError as error:
        meters = error.check.meters
    return meters["heap"].verdict, meters["heap"].per_run


def while_threads_hold(each: int) -> Reading:
    """Return the heap while four threads, all still there, hold so many bytes each."""
    taken_all, over = threading.Barrier(5), threading.Event()

    def hold() -> None:
        blocks = [process.malloc(64) for _ in range(each // 64)]
        taken_all.wait()
        over.wait()
        for block in blocks:
            process.free(block)

    holders = [threading.Thread(target=hold) for _ in range(4)]
    for thread in holders:
        thread.start()
    taken_all.wait()
    reading = heap.read()
    over.set()
    for thread in holders:
        thread.join()
    return reading


def left_by_a_thread(blocks: int) -> int:
    """Return the growth that the next reading shows when a thread lost so many blocks of 64 bytes.

    Nothing settles once it has ended.
    """
    until_alone()
    settle.settle()
    before = heap.read()
    in_a_thread(lambda size: [process.malloc(size) for _ in range(blocks)], 64)
    until_alone()
    return difference(before, heap.read())


def until_alone() -> None:
    """Wait for the threads that were joined: the system ends them a moment later."""
    while len(threads.identifiers()) > 1:
        pass


def difference(before: Reading, after: Reading) -> int:
    """Return by how much an amount has grown."""
    assert isinstance(before, Amount)
    assert isinstance(after, Amount)
    return after.value - before.value


def value(reading: Reading) -> int | str:
    """Return an amount, or why there is none."""
    return reading.value if isinstance(reading, Amount) else getattr(reading, "reason", "")


def moved_by_reading(times: int) -> int:
    """Return by how much the heap moves while it is read again and again."""
    heap.read()
    settle.settle()
    before = heap.read()
    for _ in range(times):
        heap.read()
    return difference(before, heap.read())


LEAKS_AND_TWINS: dict[str, Callable[[], tuple[str, float]]] = {
    "64 B": partial(judged, partial(taken, 64)),
    "64 B freed": partial(judged, partial(freed, 64)),
    "4 KiB": partial(judged, partial(taken, 4096)),
    "4 KiB freed": partial(judged, partial(freed, 4096)),
    "3 MiB": partial(judged, partial(taken, LARGE), runs=24),
    "3 MiB freed": partial(judged, partial(freed, LARGE)),
    "64 B in threads": partial(judged, partial(in_a_thread, taken, 64)),
    "64 B in threads freed": partial(judged, partial(in_a_thread, freed, 64)),
    "64 B in late threads freed": partial(judged, partial(in_a_late_thread, freed, 64), runs=100),
}


def main(readings: str, *wanted: str) -> None:
    """Read so many times, play the leaks and twins that are wanted, or all; print what was seen."""
    seen = {
        "allocator": heap.allocator(),
        "source": heap.source(),
        "reading": moved_by_reading(int(readings)),
        "held": value(while_threads_hold(1 << 20)),
        "let go": value(heap.read()),
        "left": left_by_a_thread(10_000),
    }
    seen.update((name, LEAKS_AND_TWINS[name]()) for name in wanted or LEAKS_AND_TWINS)
    json.dump(seen, sys.stdout)


if __name__ == "__main__":
    main(*sys.argv[1:])
