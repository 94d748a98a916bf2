"""What a process held at one moment, seen from outside, as frozen values.

Unlike the meters' snapshots these are of any process, so they lack what only a process itself can
tell (its allocator's account, Python's names of threads) and have what strangers ask for.
"""

from collections.abc import Mapping
from typing import NamedTuple

CORRECTED = 2.0  # seconds by which the system may correct its own start, and so all others


class Identity(NamedTuple):
    """Which process it is: a number is given out again, a number with a start (epoch) is not."""

    pid: int
    name: str
    command: str
    user: str
    started: float

    def is_same(self, other: "Identity") -> bool:
        """Tell whether it is the same process: starts may differ by a correction."""
        return self.pid == other.pid and abs(self.started - other.started) < CORRECTED


class Open(NamedTuple):
    """An open descriptor; descriptors of one file have the same device and inode.

    ``target`` is a file's path, or a socket's family. A ``deleted`` file has no name any more, but
    its ``size`` in bytes on disk until it is closed. ``state`` is a TCP socket's.
    """

    number: int
    kind: str
    target: str
    device: int = 0
    inode: int = 0
    deleted: bool = False
    size: int = 0
    state: str = ""
    local: str = ""
    remote: str = ""


class Mapped(NamedTuple):
    """Areas of the address space that are of the same file, or of the same kind and size.

    ``size`` and ``resident`` are the bytes of all of them together.
    """

    kind: str
    path: str
    areas: int
    size: int
    resident: int = 0
    deleted: bool = False


class Task(NamedTuple):
    """A thread: its state is a letter of proc(5), its CPU time and start are in seconds."""

    tid: int
    name: str
    state: str
    cpu: float
    started: float


class Child(NamedTuple):
    """A descendant; a ``zombie`` has ended, and its parent has not waited for it."""

    pid: int
    parent: int
    command: str
    zombie: bool
    resident: int
    started: float


class Memory(NamedTuple):
    """Resident bytes and what they are made of, and bytes in swap.

    ``pss`` counts what is shared by its share, ``uss`` what would be free if the process ended;
    they are 0 where they were not asked for.
    """

    resident: int
    swap: int
    parts: Mapping[str, int]
    pss: int = 0
    uss: int = 0


class Gpu(NamedTuple):
    """Bytes on all devices and on each, or the reason why they cannot be told."""

    used: int
    devices: Mapping[str, int]
    reason: str = ""


class Limit(NamedTuple):
    """How many descriptors the process may have: it may raise the soft limit up to the hard one.

    0 stands for no limit.
    """

    soft: int
    hard: int


class Holdings(NamedTuple):
    """All that a process held at the moment ``taken`` (epoch)."""

    process: Identity
    taken: float
    limit: Limit
    descriptors: tuple[Open, ...]
    mappings: tuple[Mapped, ...]
    threads: tuple[Task, ...]
    children: tuple[Child, ...]
    memory: Memory
    gpu: Gpu
