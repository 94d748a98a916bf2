"""Resident memory: what the process has in RAM, by what backs it.

Alone it is no evidence of a leak, since an allocator keeps what was freed; the parts tell which.
"""

import psutil

from pytest_ocrleak.meters import procfs
from pytest_ocrleak.snapshot import Amount, Reading

PARTS = {"RssAnon": "anonymous", "RssFile": "file", "RssShmem": "shared"}


def source() -> str:
    """Return where the figure is read from."""
    return "/proc/self/status" if procfs.LINUX else "psutil.Process.memory_info"


def read() -> Reading:
    """Return the resident bytes; on Linux with the anonymous, file and shared parts."""
    if not procfs.LINUX:
        return Amount(psutil.Process().memory_info().rss, source())
    parts = resident_parts(procfs.text("/proc/self/status"))
    return Amount(sum(parts.values()), source(), parts)


def resident_parts(status: str) -> dict[str, int]:
    """Return the resident bytes by what backs them, from ``/proc/self/status`` (proc(5))."""
    lines = (line.partition(":") for line in status.splitlines())
    return {PARTS[key]: int(value.split()[0]) * 1024 for key, _, value in lines if key in PARTS}
