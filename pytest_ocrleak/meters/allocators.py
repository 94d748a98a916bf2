"""The C allocator that really serves this process.

That a library has an allocator's functions proves nothing: wheels bundle jemalloc for themselves.
So a block is taken from `malloc` itself, and the allocator whose figure moves by that much is the
one. All calls keep the interpreter's lock: no Python code runs while a figure is made up.
"""

import ctypes
import functools
import sys
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from pytest_ocrleak.inventory import Unavailable
from pytest_ocrleak.meters import native
from pytest_ocrleak.meters.native import Allocator

PROBE = 65_000  # bytes; freeing more than 128 KiB would move glibc's threshold (mallopt(3))
ATTEMPTS = 5  # other threads may allocate meanwhile
MALLCTLS = ("mallctl", "je_mallctl", "_rjem_mallctl")  # the prefix is chosen when it is built
CACHED_SIZES = range(24, 1033, 16)  # bytes that fit into the blocks glibc caches (TCACHE_MAX_BINS)
CACHED = 7  # blocks of each size (glibc.malloc.tcache_count)
CACHED_BLOCKS = [size for size in CACHED_SIZES for _ in range(CACHED)]
Probe = Callable[[Callable[[], int]], int]


@functools.cache
def serving() -> Allocator | Unavailable:
    """Return the allocator that serves `malloc`, or why its bytes in use cannot be told."""
    if sys.platform == "win32":
        return system() or Unavailable("psutil has no heap_info here")
    process = ctypes.PyDLL(None)
    found = tuple(candidates(process))
    return first_moved(found, probed) or unknown(found, library_of(process, process.malloc))


def candidates(process: ctypes.PyDLL) -> Iterator[Allocator]:
    """Return every allocator that has its functions in this process, the C library's last."""
    for name in MALLCTLS:
        if hasattr(process, name):
            yield native.jemalloc(process[name])
    if hasattr(process, "mi_heap_visit_blocks"):
        yield native.mimalloc(process)
    if hasattr(process, "MallocExtension_GetNumericProperty"):
        yield native.tcmalloc(process)
    if own := system():
        yield own


def system() -> Allocator | None:
    """Return the C library's own allocator, ``None`` where psutil cannot read it (musl)."""
    import psutil  # noqa: PLC0415 - takes its time, and few ask for it

    if not hasattr(psutil, "heap_info"):
        return None
    return Allocator(libc(), "psutil.heap_info", libc_parts, libc_trim)


def libc_parts() -> Mapping[str, int]:
    """Return the two figures that make one; on glibc every thread's arena counts.

    The same allocation moves between them, since the threshold between them adapts itself
    (mallopt(3), M_MMAP_THRESHOLD).
    """
    import psutil  # noqa: PLC0415 - takes its time, and few ask for it

    info = psutil.heap_info()
    return {"heap_used": info.heap_used, "mmap_used": info.mmap_used}


def libc_trim() -> None:
    """Bring this thread's cache to the same state each time, and give free pages back.

    glibc counts the freed blocks that it keeps for a thread as in use (tcache, malloc/malloc.c). A
    cache that fills and empties would look like a leak for tens of runs, or hide one; one that is
    full at every reading does neither.
    """
    if libc().startswith("glibc"):
        fill_thread_cache(*c_functions())
    import psutil  # noqa: PLC0415 - takes its time, and few ask for it

    psutil.heap_trim()


def fill_thread_cache(malloc: Any, free: Any) -> None:
    """Take and free as many blocks of each size as the cache holds."""
    taken = list(map(malloc, CACHED_BLOCKS))
    deque(map(free, taken), maxlen=0)


@functools.cache
def c_functions() -> tuple[Any, Any]:
    """Return the process's `malloc` and `free`, their types told to ctypes."""
    process = ctypes.PyDLL(None)
    malloc, free = process.malloc, process.free
    malloc.restype, malloc.argtypes = ctypes.c_void_p, (ctypes.c_size_t,)
    free.restype, free.argtypes = None, (ctypes.c_void_p,)
    return malloc, free


@functools.cache
def libc() -> str:
    """Return the C library's name and version, the platform's name where it does not tell."""
    try:
        version = ctypes.PyDLL(None).gnu_get_libc_version
    except (AttributeError, TypeError):
        return sys.platform
    version.restype = ctypes.c_char_p
    return f"glibc {version().decode()}"


def probed(figure: Callable[[], int]) -> int:
    """Return by how much a figure moves while a block is taken."""
    malloc, free = c_functions()
    before, block = figure(), malloc(PROBE)
    try:
        return figure() - before
    finally:
        free(block)


def first_moved(found: Iterable[Allocator], probe: Probe) -> Allocator | None:
    """Return the first allocator whose figure follows a block that `malloc` gives."""
    return next((each for each in found if moves(each, probe)), None)


def moves(allocator: Allocator, probe: Probe) -> bool:
    """Tell whether an allocator's figure moves by about a block's size."""
    try:
        return any(PROBE <= probe(allocator.used) < 2 * PROBE for _ in range(ATTEMPTS))
    except OSError:
        return False


def unknown(found: Iterable[Allocator], library: str) -> Unavailable:
    """Return why there is no figure: a reason that one gives, else who serves `malloc`."""
    reasons = filter(None, (each.blind() for each in found))
    asked = "jemalloc, mimalloc, tcmalloc and psutil.heap_info (glibc, macOS, Windows)"
    return Unavailable(next(reasons, f"malloc is that of {library}, which none of {asked} reads"))


def library_of(process: ctypes.PyDLL, function: Any) -> str:
    """Return the file that a C function is in (dladdr(3))."""
    told = (ctypes.c_char_p * 4)()  # Dl_info: file, base, symbol, address
    address = ctypes.cast(function, ctypes.c_void_p)
    if not hasattr(process, "dladdr") or not process.dladdr(address, ctypes.byref(told)):
        return "an unknown library"
    return (told[0] or b"").decode(errors="replace")
