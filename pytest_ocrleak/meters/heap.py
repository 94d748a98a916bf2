"""The native heap: bytes that the C allocator has handed out and not got back.

They are those of the allocator that really serves the process: the C library's, or mimalloc,
jemalloc or tcmalloc where one was preloaded or linked. Where none tells, the meter is unavailable
rather than wrong.
"""

import functools

from pytest_ocrleak.inventory import Amount, Reading, Unavailable
from pytest_ocrleak.meters.allocators import libc, serving


def source() -> str:
    """Return whose figure it is."""
    found = serving()
    return "" if isinstance(found, Unavailable) else f"{found.source} ({found.name})"


def read() -> Reading:
    """Return the bytes in use."""
    found = serving()
    if isinstance(found, Unavailable):
        return found
    if reason := found.blind():
        return Unavailable(reason)
    parts = found.parts()
    return Amount(sum(parts.values()), found.source, parts)


@functools.cache
def hindrance() -> str:
    """Return why the C library's own account is not that of the heap, or nothing."""
    found = serving()
    if isinstance(found, Unavailable):
        return found.reason
    return "" if found.name == libc() else f"the allocator is {found.name}"


def allocator() -> str:
    """Return the name and version of the C allocator, as the report's environment states it."""
    found = serving()
    return "unknown" if isinstance(found, Unavailable) else found.name


def trim() -> None:
    """Give free pages back to the system, so that retained memory does not read as held."""
    found = serving()
    if not isinstance(found, Unavailable):
        found.trim()
