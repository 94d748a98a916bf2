"""The address space, area by area, and what each of them is for.

Pure functions over the text of ``/proc/self/maps`` or ``smaps`` (proc(5)). Memory without a file
cannot be told apart by area: neighbours of different owners merge into one.
"""

import re
from collections.abc import Iterable, Iterator
from typing import Literal, NamedTuple

Kind = Literal["heap", "stack", "library", "file", "shared", "private", "reserved", "kernel"]

AREA = re.compile(  # smaps has figures below each line of maps
    r"^([0-9a-f]+)-([0-9a-f]+) (\S+) \S+ (\S+) (\d{1,20})(?!\d) *(.*)\n?"
    r"(?:(?:[A-QS-Z].*\n)*Rss: +(\d{1,20}) kB\n(?:[A-Z].*\n)*)?",
    re.MULTILINE,
)
GUARD = 64 << 10  # a thread's stack stands on an inaccessible area up to this large
HEAP = 64 << 20  # bytes to which glibc aligns the heaps of its arenas (HEAP_MAX_SIZE, 64 bits)
NAMELESS = ("/dev/zero", "/memfd:", "/SYSV", "/dev/shm/")  # noqa: S108 - shared memory, no file
NAMED: dict[str, Kind] = {"[heap]": "heap", "[stack]": "stack", "[anon": "private"}


class Area(NamedTuple):
    """One area: addresses, access (``rw-p``), the file behind it, and its resident bytes."""

    start: int
    end: int
    access: str
    device: str
    inode: int
    path: str
    resident: int = 0

    @property
    def size(self) -> int:
        """Bytes of address space."""
        return self.end - self.start


def parse(text: str) -> Iterator[Area]:
    """Yield the areas of ``maps``, or of ``smaps`` with their resident bytes."""
    for start, end, access, device, inode, path, kib in AREA.findall(text):
        first, last = int(start, 16), int(end, 16)
        if first <= last:
            yield Area(first, last, access, device, int(inode), path, int(kib or 0) * 1024)


def kinds(areas: Iterable[Area], stack: int) -> Iterator[tuple[Kind, Area]]:
    """Yield each area with what it is for; ``stack`` is the size of a thread's stack in bytes.

    A stack stands on a small inaccessible area, its guard; the rest of a heap that is almost full
    is as small, and so is what the next heap stands on. What lies above the stack's size is
    another's memory that the kernel merged with it, and is yielded as an area of its own.
    """
    every = list(areas)
    libraries = {area.path for area in every if area.inode and "x" in area.access}
    guard = -1
    for area in every:
        kind = backed(area, libraries) if area.inode else nameless(area)
        if kind == "private" and area.start == guard and area.start % HEAP:
            top = min(area.end, area.start + stack)
            yield "stack", area._replace(end=top)
            kind, area = "private", area._replace(start=top, resident=0)  # noqa: PLW2901
        if area.size:
            yield kind, area
        guard = area.end if kind == "reserved" and area.size <= GUARD else -1


def backed(area: Area, libraries: set[str]) -> Kind:
    """Return what an area with an inode is: a library, shared memory without a file, or a file."""
    if area.path in libraries:
        return "library"
    return "shared" if area.path.startswith(NAMELESS) else "file"


def nameless(area: Area) -> Kind:
    """Return what an area without an inode is."""
    if area.path:
        return next((kind for name, kind in NAMED.items() if area.path.startswith(name)), "kernel")
    return "reserved" if area.access.startswith("---") else "private"
