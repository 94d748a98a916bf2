"""What each stack holds, read from a file that memray wrote; a process of its own does so.

``python -m pytest_ocrleak.causes.tracefile METER FILE...`` prints the rows of each file as JSON.
"""

import json
import sys
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from pytest_ocrleak.causes import frames
from pytest_ocrleak.causes.frames import Frames

SMALL = 512  # bytes of the largest block that Python's allocator does not take from the heap


class Held(NamedTuple):
    """What a stack allocated in one part and did not free: bytes, blocks, and the moved ones.

    A moved block came from ``realloc``: it may be an old one that has grown.
    """

    bytes: int = 0
    blocks: int = 0
    moved: int = 0


Part = Mapping[Frames, Held]
Row = tuple[Frames, Held]


def counted(memray: Any, records: Iterable[Any], meter: str) -> Iterator[Row]:
    """Return what each of memray's records tells of a meter, with its frames."""
    for record in records:
        name = memray.AllocatorType(record.allocator).name
        large = record.size > SMALL * record.n_allocations
        if meter in {"rss", growing_by(name)} and not (meter == "pyblocks" and large):
            moved = record.n_allocations if name.endswith("REALLOC") else 0
            yield frames.told(record), Held(record.size, record.n_allocations, moved)


def growing_by(allocator: str) -> str:
    """Return the meter that grows by what an allocator, as memray names it, gives out."""
    if allocator == "MMAP":
        return "maps"
    return "pyblocks" if allocator.startswith("PYMALLOC") else "heap"


def tally(found: Iterable[Row]) -> Part:
    """Add up what has the same frames; what has none is the plugin's and memray's own."""
    held: dict[Frames, Held] = {}
    for one, more in found:
        if one:
            held[one] = Held(*map(sum, zip(held.get(one, Held()), more, strict=True)))
    return held


def known(listed: Iterable[Any]) -> Part:
    """Return a part from its rows, as JSON has them."""
    return {tuple(stack): Held(*held) for stack, held in listed}


def rows(path: str, meter: str) -> list[Row]:
    """Return what is held at the end of a file."""
    import memray  # noqa: PLC0415 - an extra

    with memray.FileReader(path) as reader:
        records = reader.get_leaked_allocation_records(merge_threads=True)
        found = tally(counted(memray, records, meter))
    return list(found.items())


if __name__ == "__main__":
    json.dump([rows(path, sys.argv[1]) for path in sys.argv[2:]], sys.stdout)
