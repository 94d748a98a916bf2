"""Reading any process that the user may look at: the one place that asks the system about others.

psutil does what it does well for other processes (who they are, their sockets, their memory);
``/proc`` tells the rest. Whatever stands in the way becomes one sentence.
"""

import contextlib
import os
import stat
import time
from collections.abc import Iterator, Mapping

import psutil

from pytest_ocrleak.cli.command import StopError
from pytest_ocrleak.cli.process import proctext
from pytest_ocrleak.cli.process.gpus import on_devices
from pytest_ocrleak.cli.process.holdings import Child, Holdings, Identity, Limit, Memory, Open, Task
from pytest_ocrleak.cli.process.sockets import Socket, sockets_of
from pytest_ocrleak.meters import procfs
from pytest_ocrleak.meters.fds import KINDS, special
from pytest_ocrleak.meters.processes import descendants

FILES, STACK = "Max open files", "Max stack size"
RESIDENT = {"RssAnon": "without a file", "RssFile": "of files", "RssShmem": "shared memory"}
KIB, BLOCK = 1024, 512
FLAGS = 9 - 3  # a field of stat, whose bits the kernel calls PF_EXITING and PF_KTHREAD
EXITING, KERNELS = 0x4, 0x200000
ENDED = "ZX"  # states of a process that is over: a zombie, or one that is just going


class EndedError(StopError):
    """The process is not there any more."""


def read(pid: int, *, whole: bool = True) -> Holdings:
    """Return what a process holds.

    Unless ``whole``, it is told without a walk through its page tables, which holds the process
    up: then no mapping has resident bytes, and memory no Pss and no Uss.

    Raises
    ------
    EndedError
        There is no such process, or it is a zombie.
    StopError
        It may not be looked at, or this system has no ``/proc``.

    """
    if not procfs.LINUX:
        raise StopError("what other processes hold is read from /proc, which only Linux has")
    try:
        process = psutil.Process(pid or None)
        refuse_thread(process.pid)
        refuse_kernels(process.pid)
        found = taken(process, whole=whole)
    except (psutil.Error, OSError) as error:
        raise hindrance(pid, error) from None
    if is_ending(process):
        raise EndedError(f"process {process.pid} ended while it was read")
    return found


def is_ending(process: psutil.Process) -> bool:
    """Tell whether a process has ended or is about to: then what was read of it is no whole.

    A process that ends is told as running for a while, and holds less and less.
    """
    try:
        fields = procfs.stat_of(f"/proc/{process.pid}/stat")[1]
    except OSError:
        return True
    ending = fields[0] in ENDED or int(fields[FLAGS]) & EXITING
    return bool(ending) or not process.is_running()


def refuse_thread(pid: int) -> None:
    """Raise `StopError` for a thread's number: ``/proc`` has a hidden folder for it, too."""
    owner = proctext.figures(procfs.text(f"/proc/{pid}/status")).get("Tgid", pid)
    if owner != pid:
        raise StopError(f"{pid} is a thread of process {owner}: ask for that one")


def refuse_kernels(pid: int) -> None:
    """Raise `StopError` for a thread of the kernel, which is listed like a process."""
    name, fields = procfs.stat_of(f"/proc/{pid}/stat")
    if int(fields[FLAGS]) & KERNELS:
        raise StopError(
            f"{pid} ({name}) is a kernel thread: it has neither memory nor files of its own"
        )


def taken(process: psutil.Process, *, whole: bool) -> Holdings:
    """Read everything, its identity first."""
    pid = process.pid
    bounds = proctext.limits(procfs.text(f"/proc/{pid}/limits"))
    nothing = Limit(0, 0)
    areas = proctext.areas(
        procfs.text(f"/proc/{pid}/{'smaps' if whole else 'maps'}"), bounds.get(STACK, nothing).soft
    )
    return Holdings(
        identity(process),
        time.time(),
        bounds.get(FILES, nothing),
        tuple(descriptors(process)),
        proctext.mapped(areas),
        tuple(threads(pid)),
        tuple(children(pid)),
        memory(process, proctext.resident_parts(areas) if whole else {}),
        on_devices(pid),
    )


def identity(process: psutil.Process) -> Identity:
    """Return which process it is."""
    with process.oneshot():
        command = " ".join(" ".join(process.cmdline()).split()) or process.name()
        return Identity(
            process.pid, process.name(), command, process.username(), process.create_time()
        )


def descriptors(process: psutil.Process) -> Iterator[Open]:
    """Yield the open descriptors; those that are closed meanwhile drop out."""
    folder = f"/proc/{process.pid}/fd"
    numbers = sorted(map(int, os.listdir(folder)))  # noqa: PTH208 - names, fast
    connected = sockets_of(process)
    for number in numbers:
        with contextlib.suppress(FileNotFoundError):
            yield descriptor(folder, number, connected)


def descriptor(folder: str, number: int, connected: Mapping[int, Socket]) -> Open:
    """Return the descriptor behind a number."""
    path = f"{folder}/{number}"
    status, target = os.stat(path), procfs.link(path)  # noqa: PTH116 - a link that is no path
    kind = KINDS.get(stat.S_IFMT(status.st_mode)) or special(target)
    kind = "memfd" if target.startswith("/memfd:") else kind
    found = Open(number, kind, target, status.st_dev, status.st_ino)
    if kind == "socket":
        end = connected.get(number, Socket())
        return found._replace(
            target=end.family, state=end.state, local=end.local, remote=end.remote
        )
    deleted = not status.st_nlink and kind in ("file", "folder")
    size = status.st_blocks * BLOCK if kind in ("file", "memfd") else 0
    named = target if status.st_nlink else proctext.stripped(target)
    return found._replace(target=named, deleted=deleted, size=size)


def threads(pid: int) -> Iterator[Task]:
    """Yield the threads; those that end meanwhile drop out."""
    for name in sorted(os.listdir(f"/proc/{pid}/task"), key=int):  # noqa: PTH208 - names, fast
        with contextlib.suppress(OSError):
            comm, fields = procfs.stat_of(f"/proc/{pid}/task/{name}/stat")
            yield Task(int(name), comm, fields[0], procfs.cpu_of(fields), since(fields))


def children(pid: int) -> Iterator[Child]:
    """Yield the children, their children and so on; those that go meanwhile drop out."""
    for child in descendants(pid):
        with contextlib.suppress(OSError):
            _, fields = procfs.stat_of(f"/proc/{child.pid}/stat")
            size = int(procfs.text(f"/proc/{child.pid}/statm").split()[1]) * os.sysconf(
                "SC_PAGE_SIZE"
            )
            yield Child(child.pid, child.parent, child.command, child.zombie, size, since(fields))


def since(fields: list[str]) -> float:
    """Return the start (epoch) from the fields of a ``stat`` file."""
    return psutil.boot_time() + procfs.start_of(fields) / os.sysconf("SC_CLK_TCK")


def memory(process: psutil.Process, parts: Mapping[str, int]) -> Memory:
    """Return resident memory by ``parts``; without them by what the kernel counts anyway."""
    if parts:
        full = process.memory_full_info()
        return Memory(sum(parts.values()), full.swap, parts, full.pss, full.uss)
    found = proctext.figures(procfs.text(f"/proc/{process.pid}/status"))
    told = {name: found.get(key, 0) * KIB for key, name in RESIDENT.items()}
    return Memory(sum(told.values()), found.get("VmSwap", 0) * KIB, told)


def hindrance(pid: int, error: Exception) -> StopError:
    """Return why a process could not be read, in a sentence."""
    who = f"process {pid or os.getpid()}"
    try:
        status = procfs.text(f"/proc/{pid or 'self'}/status")
    except OSError:
        return EndedError(f"there is no {who}")
    if any(f"\nState:\t{letter}" in status for letter in ENDED):
        return EndedError(
            f"{who} is a zombie: it ended and holds nothing but its number, until its parent,"
            f" process {proctext.figures(status).get('PPid')}, waits for it"
        )
    if isinstance(error, (PermissionError, psutil.AccessDenied)):
        return StopError(
            f"{who} {owner(pid)}may not be looked at: that takes its user's rights, or root's"
            " (CAP_SYS_PTRACE in a container)"
        )
    return StopError(f"{who} cannot be read: {error}")


def owner(pid: int) -> str:
    """Return whose process it is, as a part of a sentence; nothing where that is not told."""
    with contextlib.suppress(psutil.Error):
        process = psutil.Process(pid)
        return f"({process.name()}, of {process.username()}) "
    return ""


def ended_within(pid: int, seconds: float) -> bool:
    """Wait until a process has ended, for so many seconds at most; tell whether it has."""
    try:
        psutil.Process(pid).wait(max(0.0, seconds))
    except psutil.TimeoutExpired:
        return False
    except psutil.NoSuchProcess:
        pass
    return True
