"""The native heap: bytes that the C allocator has handed out and not got back.

On glibc every arena counts. The same allocation moves between ``heap_used`` and ``mmap_used``,
since the threshold between them adapts itself: only their sum is a figure (mallopt(3),
M_MMAP_THRESHOLD). Another allocator in the process makes psutil's figure meaningless, so the meter
is then unavailable rather than wrong.
"""

import ctypes
import functools
import sys
from types import MappingProxyType

import psutil

from pytest_ocrleak.snapshot import Amount, Reading, Unavailable

FOREIGN = MappingProxyType(
    {
        "mi_version": "mimalloc",
        "mallctl": "jemalloc",
        "MallocExtension_GetNumericProperty": "tcmalloc",
    }
)


def source() -> str:
    """Return whose figure it is."""
    return f"psutil.heap_info ({allocator()})"


def read() -> Reading:
    """Return the bytes in use, ``heap_used`` and ``mmap_used`` together."""
    if reason := hindrance():
        return Unavailable(reason)
    info = psutil.heap_info()
    parts = {"heap_used": info.heap_used, "mmap_used": info.mmap_used}
    return Amount(info.heap_used + info.mmap_used, "psutil.heap_info", parts)


@functools.cache
def hindrance() -> str:
    """Return why the heap cannot be read here, or nothing."""
    if not hasattr(psutil, "heap_info"):
        return "psutil has no heap_info here (it needs glibc, macOS or Windows)"
    if name := foreign_allocator():
        return f"the allocator is {name}, which psutil does not read"
    return ""


@functools.cache
def foreign_allocator() -> str:
    """Return the name of an allocator that took malloc's place in this process, or nothing."""
    if sys.platform == "win32":
        return ""
    process = ctypes.CDLL(None)
    return next((name for symbol, name in FOREIGN.items() if hasattr(process, symbol)), "")


@functools.cache
def allocator() -> str:
    """Return the name and version of the C allocator, as the report's environment states it."""
    if name := foreign_allocator():
        return name
    try:
        version = ctypes.CDLL(None).gnu_get_libc_version
    except (AttributeError, TypeError):
        return sys.platform
    version.restype = ctypes.c_char_p
    return f"glibc {version().decode()}"


def trim() -> None:
    """Give free pages back to the system, so that retained memory does not read as held."""
    if hasattr(psutil, "heap_trim"):
        psutil.heap_trim()
