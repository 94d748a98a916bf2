"""The part of a library that is no file: its variables that start as zero."""

import functools
import mmap
import struct
from pathlib import Path

LOAD = 1  # PT_LOAD, elf(5)
PAGE = mmap.PAGESIZE


@functools.cache
def zeroed(path: str) -> int:
    """Return the bytes that loading a 64-bit library maps without a file, 0 if it is none.

    Each loadable segment may be longer in memory than in the file; the pages beyond the file's
    are mapped without it.
    """
    try:
        with Path(path).open("rb") as file:
            head = file.read(64)
            offset, size, count = struct.unpack_from("<Q14xHH", head, 32)
            file.seek(offset)
            table = file.read(size * count)
    except (OSError, struct.error):
        return 0
    if not head.startswith(b"\x7fELF\x02\x01"):
        return 0
    return sum(beyond(table[at : at + size]) for at in range(0, len(table), size))


def beyond(entry: bytes) -> int:
    """Return the bytes of a segment's whole pages that are not the file's."""
    kind, _, _, address, _, in_file, in_memory, _ = struct.unpack_from("<IIQQQQQQ", entry)
    if kind != LOAD:
        return 0
    return pages(address + in_memory) - pages(address + in_file)


def pages(address: int) -> int:
    """Return an address rounded up to whole pages."""
    return -(-address // PAGE) * PAGE
