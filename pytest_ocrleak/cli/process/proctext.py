"""Parsers of the kernel's text about any process (proc(5)): pure, and any text may come in."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping

from pytest_ocrleak.cli.process.holdings import Limit, Mapped
from pytest_ocrleak.meters.areas import Area, Kind, kinds, parse
from pytest_ocrleak.meters.rss import NAMES

STATUS = re.compile(r"^(\w+):\s+(\d{1,20})(?: kB)?$", re.MULTILINE)
ROW = re.compile(r"^(Max [a-z ]+?) {2,}(\d{1,20}|unlimited) +(\d{1,20}|unlimited)\b", re.MULTILINE)
DELETED = " (deleted)"
NO_FILES = ("/memfd:", "/dev/zero", "/SYSV", "/[", "/anon_hugepage")  # they never had a name
STACK = 8 << 20  # bytes of a thread's stack where the limit does not say
HEAP = 64 << 20  # bytes to which glibc aligns the heaps that it makes for threads
PARTS: dict[str, str] = {
    **{str(kind): name for kind, name in NAMES.items()},
    "heap": "heap",
    "thread heap": "heaps of threads",
    "private": "mapped without a file",
}


def figures(status: str) -> Mapping[str, int]:
    """Return the numbers of ``/proc/PID/status`` by name, those in kB as they stand."""
    return {name: int(number) for name, number in STATUS.findall(status)}


def limits(text: str) -> Mapping[str, Limit]:
    """Return the rows of ``/proc/PID/limits`` by name, 0 where there is no limit."""
    return {name: Limit(bound(soft), bound(hard)) for name, soft, hard in ROW.findall(text)}


def bound(text: str) -> int:
    """Return one limit."""
    return 0 if text == "unlimited" else int(text)


def areas(text: str, stack: int) -> list[tuple[str, Area]]:
    """Return what each area of ``maps`` or ``smaps`` is for."""
    return list(told_heaps(kinds(parse(text), stack or STACK)))


def told_heaps(found: Iterable[tuple[Kind, Area]]) -> Iterator[tuple[str, Area]]:
    """Tell the heaps that glibc made for threads from other private memory.

    Each begins at a multiple of 64 MiB and is followed by what it reserved up to the next one. Two
    that touch, or one beside another's memory, look like neither and stay private.
    """
    every = list(found)
    starts = {area.start: area for kind, area in every if kind == "reserved"}
    for kind, area in every:
        rest = starts.get(area.end)
        is_heap = kind == "private" and not area.start % HEAP and rest and not rest.end % HEAP
        yield ("thread heap" if is_heap else kind), area


def mapped(found: Iterable[tuple[str, Area]]) -> tuple[Mapped, ...]:
    """Add up the areas of each file, and those without one of the same kind and size."""
    sums: dict[tuple[object, ...], Mapped] = {}
    for kind, area in found:
        if kind in ("reserved", "kernel"):
            continue
        mine = kind in ("stack", "private", "thread heap")
        key = (kind, area.size) if mine else (kind, area.device, area.inode, area.path)
        sums[key] = joined(sums.get(key), one(kind, area))
    return tuple(sums.values())


def one(kind: str, area: Area) -> Mapped:
    """Return a single area."""
    path = area.path if area.inode else ""
    deleted = was_deleted(path) and kind != "shared"
    return Mapped(kind, stripped(path), 1, area.size, area.resident, deleted)


def joined(so_far: Mapped | None, more: Mapped) -> Mapped:
    """Return two entries as one."""
    if so_far is None:
        return more
    return more._replace(
        areas=so_far.areas + more.areas,
        size=so_far.size + more.size,
        resident=so_far.resident + more.resident,
    )


def resident_parts(found: Iterable[tuple[str, Area]]) -> Mapping[str, int]:
    """Return resident bytes by what they are, the largest first."""
    parts: Counter[str] = Counter()
    for kind, area in found:
        parts[PARTS[kind]] += area.resident
    return {name: size for name, size in parts.most_common() if size}


def was_deleted(path: str) -> bool:
    """Tell whether a path is that of a file which had a name and has none any more."""
    return path.endswith(DELETED) and not path.startswith(NO_FILES)


def stripped(path: str) -> str:
    """Return a path without the kernel's remark that it was deleted."""
    return path.removesuffix(DELETED)
