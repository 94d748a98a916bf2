"""The threads of this process, Python's and native ones, told by id and start."""

import os
import threading

from pytest_ocrleak.inventory import Items, Reading, Thread
from pytest_ocrleak.meters import procfs


def source() -> str:
    """Return where the threads are read from."""
    return "/proc/self/task" if procfs.LINUX else "psutil.Process.threads"


def read() -> Reading:
    """Return every thread as `Thread`."""
    names = {thread.native_id: thread.name for thread in threading.enumerate()}
    found = (describe(tid, names) for tid in identifiers())
    return Items(tuple(thread for thread in found if thread))


def identifiers() -> list[int]:
    """Return the ids of this process's threads."""
    if procfs.LINUX:
        return sorted(int(name) for name in os.listdir("/proc/self/task"))  # noqa: PTH208
    import psutil  # noqa: PLC0415 - takes its time, and few ask for it

    return sorted(thread.id for thread in psutil.Process().threads())


def describe(tid: int, names: dict[int | None, str]) -> Thread | None:
    """Return the thread behind an id, or ``None`` when it has ended by now."""
    if not procfs.LINUX:
        return Thread(tid, 0, names.get(tid, str(tid)), tid in names)
    try:
        name, fields = procfs.stat_of(f"/proc/self/task/{tid}/stat")
    except OSError:
        return None
    unnamed = name == procfs.stat_of("/proc/self/stat")[0]  # it has its maker's
    python, name = tid in names, names.get(tid, "without a name" if unnamed else name)
    return Thread(tid, procfs.start_of(fields), name, python, procfs.cpu_of(fields))
