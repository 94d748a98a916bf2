"""Resident memory: what the process has in RAM, and what it is made of.

Alone it is no evidence of a leak, since an allocator keeps what was freed; the parts tell which.
"""

import re
from collections import Counter
from collections.abc import Iterable, Mapping

from pytest_ocrleak.inventory import Amount, Reading
from pytest_ocrleak.meters import allocated, procfs
from pytest_ocrleak.meters.areas import Area, Kind, kinds, parse
from pytest_ocrleak.meters.maps import stack_size

RESIDENT = re.compile(r"^Rss(?:Anon|File|Shmem):\s+(\d{1,20}) kB$", re.MULTILINE)
NAMES: dict[Kind, str] = {
    "stack": "thread stacks",
    "library": "libraries",
    "file": "mapped files",
    "shared": "shared memory",
    "kernel": "kernel pages",
    "reserved": "reserved",
}


def source() -> str:
    """Return where the figure is read from."""
    return "/proc/self/status" if procfs.LINUX else "psutil.Process.memory_info"


def read() -> Reading:
    """Return the resident bytes."""
    if not procfs.LINUX:
        import psutil  # noqa: PLC0415 - takes its time, and few ask for it

        return Amount(psutil.Process().memory_info().rss, source())
    return Amount(resident(procfs.text("/proc/self/status")), source())


def resident(status: str) -> int:
    """Return the resident bytes in ``/proc/self/status`` (proc(5)): private, of files, shared."""
    return sum(map(int, RESIDENT.findall(status))) * 1024


def explain() -> Mapping[str, int]:
    """Return resident memory by what it is made of, in bytes; empty where the system can't tell.

    This walks the page tables (``/proc/self/smaps``) and costs milliseconds: it is for the start
    and the end of a check, not for each reading.
    """
    info = allocated.mallinfo() if procfs.LINUX else None
    if info is None:
        return {}
    areas = list(kinds(parse(procfs.text("/proc/self/smaps")), stack_size()))
    return shares(areas, info.uordblks, info.hblkhd, allocated.python_arenas() or 0)


def shares(
    areas: Iterable[tuple[Kind, Area]], in_use: int, large: int, arenas: int
) -> Mapping[str, int]:
    """Return resident bytes by what they are, given the allocators' own accounts.

    Parameters
    ----------
    areas
        The address space with resident bytes.
    in_use, large
        Bytes that glibc handed out of its heaps, and in mappings of their own.
    arenas
        Bytes that Python's own allocator mapped.

    """
    parts: Counter[str] = Counter()
    heaps = private = 0
    for kind, area in areas:
        if kind == "heap" or (kind == "private" and allocated.thread_heaps(area)):
            heaps += area.resident
        elif kind == "private":
            private += area.resident
        else:
            parts[NAMES[kind]] += area.resident
    parts["heap in use"] = in_use + large
    parts["heap free but retained"] = heaps - in_use
    parts["Python's arenas"] = arenas
    parts["mapped without a file"] = private - large - arenas
    return parts
