"""How much memory the allocators mapped for themselves: glibc's large blocks, Python's arenas.

Both are asked through ctypes, which costs tens of microseconds and allocates nothing that stays.
"""

import ctypes
import functools
import mmap
import os
import re
import struct
import sys
from collections.abc import Callable, Iterable

from pytest_ocrleak.meters import heap
from pytest_ocrleak.meters.areas import HEAP, Area

ARENAS = re.compile(rb"# arenas allocated current += +([\d,]+)\n *\d+ arenas \* (\d+) bytes/arena")
CHUNK = 16 << 10  # bytes of a Python thread's first frames


class Mallinfo2(ctypes.Structure):
    """glibc's ``struct mallinfo2`` (mallinfo(3)), bytes over all arenas."""

    _fields_ = tuple(
        (name, ctypes.c_size_t)
        for name in (
            "arena", "ordblks", "smblks", "hblks", "hblkhd",
            "usmblks", "fsmblks", "uordblks", "fordblks", "keepcost",
        )
    )  # fmt: skip

    arena: int
    hblkhd: int
    uordblks: int
    fordblks: int


@functools.cache
def libc() -> ctypes.CDLL:
    """Return the C library, its calls typed."""
    library = ctypes.CDLL(None)
    library.mallinfo2.restype = Mallinfo2
    library.open_memstream.restype = ctypes.c_void_p
    library.fclose.argtypes = (ctypes.c_void_p,)
    library.free.argtypes = (ctypes.c_void_p,)
    return library


def mallinfo() -> Mallinfo2 | None:
    """Return glibc's own account, ``None`` under another allocator or an older glibc."""
    try:
        return None if heap.hindrance() else libc().mallinfo2()
    except AttributeError:
        return None


def mapped(private: Iterable[Area]) -> int | None:
    """Return the bytes that glibc and Python mapped, ``None`` where one of them cannot tell."""
    info, arenas = mallinfo(), python_arenas()
    if info is None or arenas is None:
        return None
    return info.hblkhd + arenas + python_stacks() + sum(map(thread_heaps, private))


def thread_heaps(area: Area) -> int:
    """Return the bytes of an area that belong to the heaps glibc makes for threads.

    Each begins at a multiple of 64 MiB with a ``struct heap_info`` (malloc/arena.c): its arena,
    the heap before it, its size, the size that is accessible, the page size. It is read through
    ``/proc/self/mem``, which fails where a pointer would crash.
    """
    first = -(-area.start // HEAP) * HEAP
    return sum(accessible(start, area.end - start) for start in range(first, area.end, HEAP))


def accessible(start: int, most: int) -> int:
    """Return the accessible bytes of the heap that begins at an address, 0 if none does."""
    try:
        arena, _, size, reached, page = struct.unpack("<5Q", peek(start, 40))
    except (OSError, struct.error):
        return 0
    plausible = arena and page == mmap.PAGESIZE and 0 < size <= reached <= min(HEAP, most)
    return reached if plausible else 0


def peek(address: int, length: int) -> bytes:
    """Return bytes of this process's memory.

    Raises
    ------
    OSError
        Nothing is mapped there.

    """
    descriptor = os.open("/proc/self/mem", os.O_RDONLY)
    try:
        return os.pread(descriptor, length, address)
    finally:
        os.close(descriptor)


def python_arenas() -> int | None:
    """Return the bytes of the arenas that Python's own allocator holds.

    ``sys._debugmallocstats`` prints them to stderr; the function behind it takes any C stream.
    """
    write: Callable[[ctypes.c_void_p], int] | None
    write = getattr(ctypes.pythonapi, "_PyObject_DebugMallocStats", None)
    if write is None or sys.platform == "win32":
        return None
    text = streamed(write)
    found = ARENAS.search(text)
    return int(found[1].replace(b",", b"")) * int(found[2]) if found else None


def python_stacks() -> int:
    """Return the bytes that Python threads hold their frames in: one chunk each, at least.

    CPython maps them beside its arenas (DATA_STACK_CHUNK_SIZE in Python/pystate.c).
    """
    return CHUNK * len(sys._current_frames())  # noqa: SLF001 - documented, for debuggers


def streamed(write: Callable[[ctypes.c_void_p], int]) -> bytes:
    """Return what a C function writes to the stream that it is given."""
    text, length = ctypes.c_char_p(), ctypes.c_size_t()
    stream = ctypes.c_void_p(libc().open_memstream(ctypes.byref(text), ctypes.byref(length)))
    write(stream)
    libc().fclose(stream)
    try:
        return ctypes.string_at(text, length.value)
    finally:
        libc().free(text)
