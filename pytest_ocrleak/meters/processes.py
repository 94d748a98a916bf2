"""Children, grandchildren and zombies of this process, told by id and start.

A grandchild whose parent has ended belongs to init. It is still ours if it lies in our session and
began after us; one that made a session of its own (a daemon) is not seen. Workers of pytest-xdist
are in one session. Each has a name in its environment, which the programs that it starts inherit;
a process that was forked off has the addresses of its parent.
"""

import functools
import os

from pytest_ocrleak.inventory import Items, Process, Reading
from pytest_ocrleak.meters import procfs

INIT = 1
NAMES = "PYTEST_XDIST_TESTRUNUID", "PYTEST_XDIST_WORKER"
ENVIRONMENT = slice(47, 48)  # of `procfs.stat_of`: where it begins, by chance for each program


def source() -> str:
    """Return where the children are read from."""
    return "/proc/self/task/*/children" if procfs.LINUX else "psutil.Process.children"


def read() -> Reading:
    """Return every living descendant and every zombie child as `Process`."""
    if not procfs.LINUX:
        return Items(tuple(portable()))
    me, newest = os.getpid(), procfs.text("/proc/loadavg").split()[-1]
    family = descendants(me)
    parents = frozenset(process.pid for process in family if not process.zombie)
    orphans = (describe(pid) for pid in adopted(newest, me, parents))
    alive = (orphan for orphan in orphans if orphan and not orphan.zombie)  # else init's business
    return Items((*family, *alive))


@functools.lru_cache(maxsize=1)
def adopted(newest: str, me: int, parents: frozenset[int]) -> tuple[int, ...]:
    """Return the ids of the processes that init took over from a child of ours.

    All processes are looked at, once for each ``newest`` process on the system and each set of
    possible ``parents``: while both stay the same, none has begun, and none has lost its parent.
    """
    del newest, parents
    session, ours = os.getsid(0), procfs.stat_of(f"/proc/{me}/stat")[1]
    mates = (pid for pid in everybody() if pid != me and in_session(pid, session))
    return tuple(pid for pid in mates if is_adopted(pid, session, ours))


def everybody() -> list[int]:
    """Return the ids of all processes."""
    return [int(name) for name in os.listdir("/proc") if name.isdigit()]  # noqa: PTH208


def in_session(pid: int, session: int) -> bool:
    """Tell whether a process is in a session, in doubt that it is.

    Asking the kernel costs a tenth of reading the process's state.
    """
    try:
        return os.getsid(pid) == session
    except PermissionError:
        return True
    except OSError:  # ended meanwhile
        return False


def is_adopted(pid: int, session: int, ours: list[str]) -> bool:
    """Tell whether a process is init's child, in a session, and was begun by this one.

    ``ours`` are the fields of this process's state.
    """
    try:
        fields = procfs.stat_of(f"/proc/{pid}/stat")[1]
    except OSError:
        return False
    orphan = int(fields[procfs.PARENT]) == INIT and int(fields[procfs.SESSION]) == session
    later = procfs.start_of(fields) > procfs.start_of(ours)
    return orphan and later and (fields[ENVIRONMENT] == ours[ENVIRONMENT] or of_worker(pid))


def of_worker(pid: int) -> bool:
    """Tell whether a program was started by the same worker of pytest-xdist as this one, or none.

    ``/proc`` tells the environment that a program was started with; a worker gets its name later.
    """
    try:
        every = procfs.text(f"/proc/{pid}/environ").split("\0")
    except OSError:  # ended meanwhile, or another user's
        every = []
    theirs = dict(entry.split("=", 1) for entry in every if "=" in entry)
    return all(theirs.get(name) == os.environ.get(name) for name in NAMES)


def descendants(pid: int) -> list[Process]:
    """Walk the kernel's lists of children, which cost a hundredth of listing all processes."""
    found: list[Process] = []
    waiting = children_of(pid)
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
    zombie, parent = fields[0] == "Z", int(fields[procfs.PARENT])
    return Process(pid, procfs.start_of(fields), command or name, zombie, parent)


def portable() -> list[Process]:
    """Ask psutil, where there is no ``/proc``."""
    import psutil  # noqa: PLC0415 - takes its time, and few ask for it

    return [
        Process(
            child.pid,
            int(child.create_time()),
            " ".join(child.cmdline()),
            child.status() == psutil.STATUS_ZOMBIE,
        )
        for child in psutil.Process().children(recursive=True)
    ]
