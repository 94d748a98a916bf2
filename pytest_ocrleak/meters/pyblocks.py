"""Python's own allocator: how many blocks of up to 512 bytes it has handed out.

Most objects live there and never reach the C allocator that `heap` reads. The interpreter counts
blocks and not their bytes, so blocks are what is told.
"""

import functools
import sys

from pytest_ocrleak.inventory import Amount, Reading, Unavailable

PROBE = 1000  # objects


def source() -> str:
    """Return where the figure is read from."""
    return "sys.getallocatedblocks"


def read() -> Reading:
    """Return the blocks in use, or why they are not counted."""
    if reason := hindrance():
        return Unavailable(reason)
    forget_names()
    return Amount(sys.getallocatedblocks(), "sys.getallocatedblocks")


def forget_names() -> None:
    """Empty the interpreter's cache of attributes found on types, as CPython's own leak tests do.

    It keeps up to 4096 names alive, and attributes that C code asks for by new strings fill it over
    hundreds of calls: onnxruntime's as much as two a run.
    """
    if clear := getattr(sys, "_clear_type_cache", None):
        clear()


@functools.cache
def hindrance() -> str:
    """Return why the interpreter does not count its blocks, or nothing.

    With ``PYTHONMALLOC=malloc`` the figure is 0; other builds may not count either. So objects are
    made, and the figure must follow.
    """
    if not hasattr(sys, "getallocatedblocks"):
        return f"{sys.implementation.name} has no sys.getallocatedblocks"
    before = sys.getallocatedblocks()
    made = [object() for _ in range(PROBE)]
    if sys.getallocatedblocks() - before >= len(made):
        return ""
    return "sys.getallocatedblocks does not follow what is allocated (as with PYTHONMALLOC=malloc)"
