"""The part of a library that is no file: its variables that start as zero."""

import functools
import mmap
import struct

MAGIC = b"\x7fELF\x02\x01"  # 64 bits, the lowest byte first
LOAD = 1  # PT_LOAD, elf(5)
SEGMENT = struct.Struct("<IIQQQQQQ")
FIRST = 4096  # bytes of a file, in which its table of segments nearly always lies
PAGE = mmap.PAGESIZE


@functools.cache
def zeroed(path: str) -> int:
    """Return the bytes that loading a 64-bit library maps without a file, 0 if it is none.

    Each loadable segment may be longer in memory than in the file; the pages beyond the file's
    are mapped without it.
    """
    try:
        with open(path, "rb", buffering=0) as file:  # noqa: PTH123 - a Path costs more than the read
            head = file.read(FIRST)
            if not head.startswith(MAGIC):
                return 0
            offset, size, count = struct.unpack_from("<Q14xHH", head, 32)
            if size != SEGMENT.size:
                return 0
            file.seek(offset)
            table = head[offset:] if len(head) >= offset + size * count else file.read(size * count)
        return beyond(table[: size * count])
    except (OSError, OverflowError, struct.error):
        return 0


def beyond(table: bytes) -> int:
    """Return the bytes of the segments' whole pages that are not the file's."""
    return sum(
        pages(address + in_memory) - pages(address + in_file)
        for kind, _, _, address, _, in_file, in_memory, _ in SEGMENT.iter_unpack(table)
        if kind == LOAD
    )


def pages(address: int) -> int:
    """Return an address rounded up to whole pages."""
    return -(-address // PAGE) * PAGE
