"""Children, grandchildren and zombies of this process, told by id and start."""

import os

import psutil

from pytest_ocrleak.meters import procfs
from pytest_ocrleak.snapshot import Items, Process, Reading


def source() -> str:
    """Return where the children are read from."""
    return "/proc/self/task/*/children" if procfs.LINUX else "psutil.Process.children"


def read() -> Reading:
    """Return every living descendant and every zombie child as `Process`."""
    return Items(tuple(descendants() if procfs.LINUX else portable()))


def descendants() -> list[Process]:
    """Walk the kernel's lists of children, which cost a hundredth of listing all processes."""
    found: list[Process] = []
    waiting = children_of(os.getpid())
    while waiting:
        pid = waiting.pop()
        if process := describe(pid):
            found.append(process)
            waiting += children_of(pid)
    return sorted(found, key=lambda process: process.pid)


def children_of(pid: int) -> list[int]:
    """Return the ids of the children that any thread of ``pid`` started."""
    try:
        tasks = os.listdir(f"/proc/{pid}/task")  # noqa: PTH208 - names, fast
        lists = [procfs.text(f"/proc/{pid}/task/{task}/children") for task in tasks]
    except OSError:  # ended meanwhile
        return []
    return [int(child) for line in lists for child in line.split()]


def describe(pid: int) -> Process | None:
    """Return the process behind an id, or ``None`` when it is gone by now."""
    try:
        name, fields = procfs.stat_of(f"/proc/{pid}/stat")
        command = procfs.text(f"/proc/{pid}/cmdline").replace("\0", " ").strip()
    except OSError:
        return None
    return Process(pid, procfs.start_of(fields), command or name, fields[0] == "Z")


def portable() -> list[Process]:
    """Ask psutil, where there is no ``/proc``."""
    return [
        Process(
            child.pid,
            int(child.create_time()),
            " ".join(child.cmdline()),
            child.status() == psutil.STATUS_ZOMBIE,
        )
        for child in psutil.Process().children(recursive=True)
    ]
