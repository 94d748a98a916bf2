"""Resident memory of this process, in bytes."""

import ctypes
import gc
import sys
from pathlib import Path

import psutil

_STATUS = Path("/proc/self/status")


def resident() -> int:
    """Return what is resident now."""
    return int(psutil.Process().memory_info().rss)


def peak() -> int:
    """Return the most that was ever resident; where only the present is known, that."""
    if _STATUS.exists():
        lines = _STATUS.read_text().splitlines()
        return next(int(line.split()[1]) << 10 for line in lines if line.startswith("VmHWM"))
    info = psutil.Process().memory_info()
    return int(getattr(info, "peak_wset", info.rss))


def settle() -> None:
    """Collect garbage and give the allocator's free pages back to the system."""
    gc.collect()
    if hasattr(psutil, "heap_trim"):
        psutil.heap_trim()
    elif sys.platform == "linux":
        ctypes.CDLL(None).malloc_trim(0)
