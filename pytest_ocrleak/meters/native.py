"""The functions in C by which allocators other than the C library's tell their bytes in use.

Nothing here knows which allocator serves the process: `allocators` finds out.
"""

import ctypes
import functools
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from pytest_ocrleak.meters import threads

ARENAS = b"stats.arenas.4096."  # MALLCTL_ARENAS_ALL: all arenas together (jemalloc(3))
PURGE = b"arena.4096.purge"
TWO_DIGITS = 10_000  # from here on a version is written 30403, below it 209
MOMENTS = (0.0, 0.001, 0.01)  # seconds that an ended thread may still be listed
IN_USE = b"generic.current_allocated_bytes"


@dataclass(frozen=True, slots=True)
class Allocator:
    """An allocator and how it tells what it has handed out.

    The sum of ``parts`` is the bytes in use; ``trim`` gives back what is cached; ``blind`` says why
    the figure does not do at this moment, or nothing.
    """

    name: str
    source: str
    parts: Callable[[], Mapping[str, int]]
    trim: Callable[[], object]
    blind: Callable[[], str] = str

    def used(self) -> int:
        """Return the bytes in use."""
        return sum(self.parts().values())


@dataclass(frozen=True, slots=True)
class Mallctl:
    """jemalloc's one function for everything (jemalloc(3), mallctl)."""

    call: Any

    def value(self, name: bytes, kind: type[Any] = ctypes.c_size_t, default: Any = None) -> Any:
        """Return a value by its name.

        Raises
        ------
        OSError
            This build does not have it, and there is no ``default``.

        """
        value, size = kind(), ctypes.c_size_t(ctypes.sizeof(kind))
        error = self.call(name, ctypes.byref(value), ctypes.byref(size), None, ctypes.c_size_t())
        if error and default is None:
            raise OSError(error, f"jemalloc has no {name.decode()}")
        return default if error else value.value

    def parts(self) -> Mapping[str, int]:
        """Return what was handed out, less what threads got back and keep for themselves.

        The figures are copies, brought up to date by writing the epoch.
        """
        epoch = ctypes.c_uint64(1)
        self.call(b"epoch", None, None, ctypes.byref(epoch), ctypes.c_size_t(8))
        kept = ("tcache_bytes", "tcache_stashed_bytes")
        cached = sum(self.value(ARENAS + name.encode(), default=0) for name in kept)
        return {"allocated": self.value(b"stats.allocated"), "thread caches": -cached}

    def blind(self) -> str:
        """Return that this build counts nothing, if so."""
        counts = self.value(b"config.stats", ctypes.c_bool, default=False)
        return "" if counts else "this jemalloc was built without statistics"

    def trim(self) -> None:
        """Empty this thread's cache and give unused pages back, where this build can."""
        for name in (b"thread.tcache.flush", PURGE):
            self.call(name, None, None, None, ctypes.c_size_t())


def jemalloc(call: Any) -> Allocator:
    """Return jemalloc, asked through its ``mallctl``."""
    control = Mallctl(call)
    version = control.value(b"version", ctypes.c_char_p, default=b"").decode()
    name = f"jemalloc {version.partition('-')[0]}".rstrip()
    source = "mallctl: stats.allocated less the threads' caches"
    return Allocator(name, source, control.parts, control.trim, control.blind)


class Area(ctypes.Structure):
    """mimalloc's ``mi_heap_area_t``: a page of blocks that are all of one size."""

    _fields_ = (
        ("blocks", ctypes.c_void_p),
        ("reserved", ctypes.c_size_t),
        ("committed", ctypes.c_size_t),
        ("used", ctypes.c_size_t),
        ("block_size", ctypes.c_size_t),
    )

    used: int
    block_size: int


_POINTER, _FLAG = ctypes.c_void_p, ctypes.c_bool
VISITOR = ctypes.CFUNCTYPE(
    _FLAG, _POINTER, ctypes.POINTER(Area), _POINTER, ctypes.c_size_t, _POINTER
)


def mimalloc(process: ctypes.PyDLL) -> Allocator:
    """Return mimalloc, its pages added up: release builds keep no statistics of blocks.

    Before 3.2 a heap belongs to one thread, and nobody else may look into it. What ended threads
    left joins the main thread's heap when that is trimmed, which each reading does first: a thread
    that ended after the last trimming would take all that others left with it, unseen.
    """
    name = f"mimalloc {mimalloc_version(process.mi_version())}"
    whole = hasattr(process, "mi_heap_main")
    heap = process.mi_heap_main if whole else process.mi_heap_get_default
    heap.restype = _POINTER
    process.mi_heap_visit_blocks.argtypes = (_POINTER, _FLAG, VISITOR, _POINTER)
    process.mi_collect.argtypes = (_FLAG,)
    total = [0]

    def add(_heap: int, area: Any, _block: int, _size: int, _argument: int) -> bool:
        total[0] += area[0].used * area[0].block_size
        return True

    visitor = VISITOR(add)

    trim = functools.partial(process.mi_collect, True)  # noqa: FBT003 - by force

    def parts() -> Mapping[str, int]:
        if not whole:
            trim()
        total[0] = 0
        process.mi_heap_visit_blocks(heap(), False, visitor, None)  # noqa: FBT003 - C knows no names
        return {"blocks": total[0]}

    blind = str if whole else functools.partial(other_threads, name)
    return Allocator(name, "mi_heap_visit_blocks", parts, trim, blind)


def mimalloc_version(number: int) -> str:
    """Return 209 as 2.0.9 and 30403 as 3.4.3: some versions write two digits each."""
    base = 100 if number >= TWO_DIGITS else 10
    return f"{number // base**2}.{number // base % base}.{number % base}"


def other_threads(name: str) -> str:
    """Return why the heap of one thread is not that of the process, or nothing.

    A thread that was joined is listed for a moment longer.
    """
    for pause in MOMENTS:
        if (running := len(threads.identifiers())) == 1:
            return ""
        time.sleep(pause)
    return f"{name} tells a thread its own heap only, and {running} threads run (3.2 tells all)"


def tcmalloc(process: ctypes.PyDLL) -> Allocator:
    """Return gperftools' tcmalloc; what its threads cache is not in its figure."""
    figure = ctypes.c_size_t()

    def parts() -> Mapping[str, int]:
        if not process.MallocExtension_GetNumericProperty(IN_USE, ctypes.byref(figure)):
            raise OSError(f"tcmalloc does not tell {IN_USE.decode()}")
        return {"allocated": figure.value}

    trim = process.MallocExtension_ReleaseFreeMemory
    return Allocator(
        f"tcmalloc of {tcmalloc_version(process)}", f"tcmalloc: {IN_USE.decode()}", parts, trim
    )


def tcmalloc_version(process: ctypes.PyDLL) -> str:
    """Return ``gperftools 2.10``, or the name alone."""
    if not hasattr(process, "tc_version"):
        return "gperftools"
    process.tc_version.restype = ctypes.c_char_p
    return bytes(process.tc_version(None, None, None)).decode()
