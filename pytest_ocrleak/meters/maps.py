"""What is mapped beside the allocators' memory: files, shared memory, and memory without either.

Files are told by device, inode and path, and counted in bytes, since neighbours merge into one
area. Memory without a file has no identity: from the sum of it what the allocators, the threads'
stacks and the libraries' variables account for is subtracted, and the rest was mapped by somebody
directly. Libraries stay mapped for good by design.
"""

import functools
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from pytest_ocrleak.inventory import Items, MappedFile, Reading, Unavailable
from pytest_ocrleak.meters import procfs
from pytest_ocrleak.meters.areas import Area, Kind, kinds, parse

TRIES = 3  # readings while other threads map and unmap
NOBODY = "memory mapped without a file"


def source() -> str:
    """Return where the mappings are read from."""
    return "/proc/self/maps"


def read() -> Reading:
    """Return every mapped file of this process as `MappedFile`, and one for what has no file.

    It is read again where the address space moved meanwhile: an arena that an allocator maps after
    the areas were listed and before it is asked would be missing from what has no owner.
    """
    if not procfs.LINUX:
        return Unavailable("mappings are read from /proc/self/maps, which only Linux has")
    text = listed()
    for _ in range(TRIES):
        seen, found = text, mapped(text)
        text = listed()
        if text == seen:
            break
    return found


def listed() -> str:
    """Return the areas of the address space, without the main heap."""
    return without_heap(procfs.text("/proc/self/maps"))


def files() -> Reading:
    """Return the mapped files alone, which needs no account of what the allocators mapped."""
    if not procfs.LINUX:
        return read()
    lines = procfs.text("/proc/self/maps").splitlines()
    named = "\n".join(line for line in lines if "/" in line)
    return Items(tuple(by_file(kinds(parse(named), stack_size()))))


def without_heap(text: str) -> str:
    """Return the address space without the main heap, which moves all the time and is no mapping.

    A file may have its name; it has an inode, too.
    """
    before, name, after = text.partition(" [heap]\n")
    start = before.rfind("\n") + 1
    return before[:start] + after if name and before[start:].split()[4:5] == ["0"] else text


@functools.lru_cache(maxsize=1)
def mapped(text: str) -> Items:
    """Return what a reading of the address space shows.

    Kept for the next reading: while the text is the same, so is what the allocators mapped. Lines
    with a path seldom change and are kept on their own.
    """
    lines = text.splitlines()
    named = of_files("\n".join(line for line in lines if "/" in line))
    areas = tuple(kinds(parse("\n".join(line for line in lines if "/" not in line)), stack_size()))
    rest = unaccounted((*named.private, *areas), named.zeroed)
    return Items((*named.files, *by_file(areas), *rest))


class Named(NamedTuple):
    """What lines with a path show: the files, private memory, and what libraries zeroed."""

    files: tuple[MappedFile, ...]
    private: tuple[tuple[Kind, Area], ...]
    zeroed: int


@functools.lru_cache(maxsize=1)
def of_files(text: str) -> Named:
    """Return what those lines of ``/proc/self/maps`` show that have a path."""
    from pytest_ocrleak.meters import elf  # noqa: PLC0415 - the files alone need none of it

    areas = list(kinds(parse(text), stack_size()))
    libraries = {area.path for kind, area in areas if kind == "library"}
    private = tuple((kind, area) for kind, area in areas if kind == "private")
    return Named(tuple(by_file(areas)), private, sum(map(elf.zeroed, libraries)))


@functools.cache
def stack_size() -> int:
    """Return the size of a thread's stack: the soft limit (pthread_create(3)), else 2 MiB."""
    import resource  # noqa: PLC0415 - Windows has none

    soft, _ = resource.getrlimit(resource.RLIMIT_STACK)
    return soft if soft != resource.RLIM_INFINITY else 2 << 20


def by_file(areas: Iterable[tuple[Kind, Area]]) -> Iterator[MappedFile]:
    """Add up the areas of each file."""
    sizes: Counter[tuple[str, int, str, str]] = Counter()
    for kind, area in areas:
        if area.inode:
            sizes[area.device, area.inode, area.path, kind] += area.size
    for key, size in sizes.items():
        yield MappedFile(*key, size)


def unaccounted(areas: Iterable[tuple[Kind, Area]], zeroed: int) -> Iterator[MappedFile]:
    """Yield what is mapped without a file beyond what is accounted for.

    Nothing where the allocators do not say what they mapped: then no memory can be told from
    theirs. ``zeroed`` are the bytes that libraries have beyond their files.
    """
    from pytest_ocrleak.meters import allocated  # noqa: PLC0415 - the files alone need none of it

    private = [area for kind, area in areas if kind == "private"]
    accounted = allocated.mapped(private)
    if accounted is not None:
        size = sum(area.size for area in private) - accounted - zeroed
        yield MappedFile("", 0, NOBODY, kind="anonymous", size=size)
