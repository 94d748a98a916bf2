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
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from itertools import filterfalse

from pytest_ocrleak.inventory import Amount, Unavailable
from pytest_ocrleak.meters import METERS, fds, processes, procfs, reserve, tempfiles
from pytest_ocrleak.meters.threads import identifiers

PAGE = mmap.PAGESIZE
BEGUN = ("threads", "processes")
MANY = 64  # descriptors, above which they are not asked one by one


def descriptors() -> object:
    """Return what changes with the open descriptors."""
    few = handed_out()
    if few and few[0] > MANY:
        return few
    return tuple(map(identity, os.listdir(fds.FOLDER)))  # noqa: PTH208 - names, fast


def handed_out() -> tuple[int, int, int] | None:
    """Return count and lowest free number of the descriptors, and how often Python opened one.

    Linux tells the count as the size of the folder, from version 6.2 on. Nothing where the system
    does not tell.
    """
    count = os.fstat(reserve.number(reserve.FOLDER)).st_size if procfs.LINUX else 0
    return (count, lowest(), tempfiles.opened()) if count else None


def lowest() -> int:
    """Return the lowest number that no descriptor has, -1 where there is none."""
    try:  # in one call: the handler of a signal that came in between might raise
        return next(filterfalse(os.close, map(os.dup, (reserve.number(reserve.PATHS[0]),))))
    except OSError as error:
        if error.errno is None:  # of such a handler
            raise
        return -1


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
    return os.pread(reserve.number(reserve.SIZE), 256, 0).split()


def threads() -> object:
    """Return the ids of the threads."""
    return tuple(identifiers())


def newest() -> bytes:
    """Return the id of the newest thread or process on the system.

    While it stays the same, none has begun, neither of ours nor of another's.
    """
    return os.pread(reserve.number(reserve.NEWEST), 256, 0).split()[-1]


def children() -> object:
    """Return what changes when a child or a grandchild comes.

    Without children none can come unseen: one that ended and was waited for has left its page
    faults in the sum of them. With children any new process on the system may be a grandchild.
    """
    if not procfs.LINUX:
        return tuple(child.pid for child in processes.portable())
    import resource  # noqa: PLC0415 - Windows has none

    reaped = resource.getrusage(resource.RUSAGE_CHILDREN).ru_minflt
    try:
        os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    except ChildProcessError:
        return reaped
    return reaped, newest()


def device() -> object:
    """Read the memory on devices; a process in which nothing can hold any has none."""
    return METERS["gpu"].read()


def resident() -> int:
    """Return the resident bytes."""
    if procfs.LINUX:
        return int(statm()[1]) * PAGE
    return getattr(METERS["rss"].read(), "value", 0)


def in_use() -> int:
    """Return the bytes that the C allocator has handed out, 0 where it does not tell."""
    reading = METERS["heap"].read()
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
    "gpu": device,
}


def take(names: Iterable[str]) -> dict[str, object]:
    """Look at some meters; one that fails is unavailable, with the reason."""
    return {name: look(name) for name in names}


class Traces:
    """The quickest look: whether there is a trace of anything that came since the last whole one.

    Descriptors are looked at by their traces alone, threads and processes only where one began
    anywhere on the system. What went without a trace is found when somebody is judged.
    """

    def __init__(self, names: Iterable[str]) -> None:
        looks = {**LOOKS, "fds": handed_out}
        quick = [looks[name] for name in names if name not in BEGUN]
        self.quick = quick if procfs.LINUX and handed_out() else []
        self.begun = [looks[name] for name in names if name in BEGUN]
        self.seen: list[object] = []
        self.newest = b""
        self.there: list[object] = []

    def note(self) -> None:
        """Note what there is, as part of a whole look."""
        self.newest = newest() if self.quick else b""
        self.seen, self.there = self._look(self.quick), self._look(self.begun)

    def same(self) -> bool:
        """Tell whether nothing has left a trace."""
        if not self.seen or self._look(self.quick) != self.seen:
            return False
        now = newest()
        if now != self.newest and self._look(self.begun) != self.there:
            return False
        self.newest = now
        return True

    def _look(self, looks: list[Callable[[], object]]) -> list[object]:
        try:
            return [look() for look in looks]
        except Exception:  # noqa: BLE001 - a whole look tells which meter failed
            return []


def look(name: str) -> object:
    """Look at one meter."""
    try:
        return LOOKS[name]()
    except Exception as error:  # noqa: BLE001 - measuring must not break a test run
        return Unavailable(f"{type(error).__name__}: {error}")
