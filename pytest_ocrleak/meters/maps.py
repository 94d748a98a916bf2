"""Files and shared memory in the address space, told by device, inode and path.

Libraries that ``dlopen`` brought in stay mapped for good and are told apart by an executable
part. Private memory without a file is the allocator's business and is not listed here.
"""

from collections.abc import Iterator
from dataclasses import replace
from typing import NamedTuple

from pytest_ocrleak.meters import procfs
from pytest_ocrleak.snapshot import Items, MappedFile, Reading, Unavailable


class Area(NamedTuple):
    """One line of ``/proc/self/maps``."""

    size: int
    access: str
    device: str
    inode: int
    path: str


def source() -> str:
    """Return where the mappings are read from."""
    return "/proc/self/maps"


def read() -> Reading:
    """Return every mapped file of this process as `MappedFile`, its areas added up."""
    if not procfs.LINUX:
        return Unavailable("mappings are read from /proc/self/maps, which only Linux has")
    return Items(tuple(by_file(areas(procfs.text("/proc/self/maps")))))


def areas(text: str) -> Iterator[Area]:
    """Parse ``/proc/self/maps`` (proc(5)): addresses, access, offset, device, inode, path."""
    for line in text.splitlines():
        addresses, access, _, device, inode, *path = line.split(maxsplit=5)
        low, _, high = addresses.partition("-")
        yield Area(int(high, 16) - int(low, 16), access, device, int(inode), "".join(path))


def by_file(found: Iterator[Area]) -> Iterator[MappedFile]:
    """Add up the areas of each file; an executable part makes it a library."""
    files: dict[tuple[str, int, str], MappedFile] = {}
    for area in found:
        if not area.inode:
            continue
        key = area.device, area.inode, area.path
        file = files.get(key) or MappedFile(*key, kind="file", size=0)
        kind = "library" if "x" in area.access else file.kind
        files[key] = replace(file, kind=kind, size=file.size + area.size)
    yield from files.values()
