"""The quick look between tests: figures that change whenever a thing comes or goes.

A full reading names each thing and costs half a millisecond; a look costs some ten microseconds and
tells which meters are worth one. Descriptors are told by number, device and inode where there are
few. Where there are many it is by their count, the lowest free number and how often Python opened
one: whoever opens one gets the lowest, so that what native code opens in another's place shows
unless it has the very same number.
"""

import mmap
import os
import sys
import threading
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from functools import cache

import psutil

from pytest_ocrleak.inventory import Amount, Unavailable
from pytest_ocrleak.meters import fds, gpu, heap, procfs, reserve, tempfiles

PAGE = mmap.PAGESIZE
MANY = 64  # descriptors, above which they are not asked one by one
_opened = [0]  # how often Python opened a file or a socket


def descriptors() -> object:
    """Return what changes with the open descriptors.

    Linux tells their count as the size of the folder from version 6.2 on; before, it says 0.
    """
    count = os.stat(fds.FOLDER).st_size  # noqa: PTH116 - asked at each look
    if procfs.LINUX and count > MANY:
        watch()
        return count, lowest(), _opened[0]
    return tuple(map(identity, os.listdir(fds.FOLDER)))  # noqa: PTH208 - names, fast


def lowest() -> int:
    """Return the lowest number that no descriptor has, -1 where there is none."""
    with suppress(OSError):
        os.close(free := os.dup(reserve.number()))
        return free
    return -1


@cache
def watch() -> None:
    """Begin to count what Python opens; a hook cannot be taken away, so it is added once."""

    def note(event: str, arguments: tuple[object, ...]) -> None:
        if event == "socket.__new__" or (
            event == "open" and not str(arguments[0]).startswith("/proc/")
        ):
            _opened[0] += 1

    sys.addaudithook(note)


def identity(number: str) -> object:
    """Return number, device and inode of a descriptor, nothing where it is closed by now."""
    with suppress(OSError):
        status = os.fstat(int(number))
        return number, status.st_dev, status.st_ino
    return None


def address_space() -> object:
    """Return the size of all that is mapped."""
    return statm()[0] if procfs.LINUX else None


def statm() -> list[bytes]:
    """Return the pages of address space, the resident ones and more (proc(5))."""
    descriptor = os.open("/proc/self/statm", os.O_RDONLY)
    try:
        return os.read(descriptor, 256).split()
    finally:
        os.close(descriptor)


def threads() -> object:
    """Return the ids of the threads."""
    if procfs.LINUX:
        return tuple(os.listdir("/proc/self/task"))  # noqa: PTH208 - names, fast
    return threading.active_count(), psutil.Process().num_threads()


def children() -> object:
    """Return what changes when a child or a grandchild comes.

    Without children none can come unseen: one that ended and was waited for has left its page
    faults in the sum of them. With children any new process on the system may be a grandchild.
    """
    if not procfs.LINUX:
        return tuple(child.pid for child in psutil.Process().children(recursive=True))
    import resource  # noqa: PLC0415 - not on Windows

    reaped = resource.getrusage(resource.RUSAGE_CHILDREN).ru_minflt
    try:
        os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    except ChildProcessError:
        return reaped
    return reaped, procfs.text("/proc/loadavg").split()[-1]


def resident() -> int:
    """Return the resident bytes."""
    if procfs.LINUX:
        return int(statm()[1]) * PAGE
    return int(psutil.Process().memory_info().rss)


def in_use() -> int:
    """Return the bytes that the C allocator has handed out, 0 where it does not tell."""
    reading = heap.read()
    return reading.value if isinstance(reading, Amount) else 0


LOOKS: Mapping[str, Callable[[], object]] = {
    "fds": descriptors,
    "maps": address_space,
    "threads": threads,
    "processes": children,
    "tempfiles": tempfiles.made,
    "heap": in_use,
    "pyblocks": sys.getallocatedblocks,
    "rss": resident,
    "gpu": gpu.read,
}


def take(names: Iterable[str]) -> dict[str, object]:
    """Look at some meters; one that fails is unavailable, with the reason."""
    return {name: look(name) for name in names}


def look(name: str) -> object:
    """Look at one meter."""
    try:
        return LOOKS[name]()
    except Exception as error:  # noqa: BLE001 - measuring must not break a test run
        return Unavailable(f"{type(error).__name__}: {error}")
