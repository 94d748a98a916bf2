"""Resident memory that never falls: the allocator keeps what the program gave back.

Run it with ``python retention.py leaky`` or ``fixed``.
"""

import sys

import psutil

LINES = 100_000


def resident() -> int:
    """Return resident memory in megabytes."""
    return int(psutil.Process().memory_info().rss) // 10**6


def leaky() -> bytes:
    """Make a page of many lines and keep its last one, behind which all the others lay."""
    lines = [bytes(1000) for _ in range(LINES)]
    return lines[-1]


def fixed() -> bytes:
    """Do the same, and have the allocator give the others' memory back."""
    last = leaky()
    psutil.heap_trim()
    return last


before = resident()
kept = {"leaky": leaky, "fixed": fixed}[sys.argv[1]]()
print(f"{before} MB, after the page {resident()} MB")
