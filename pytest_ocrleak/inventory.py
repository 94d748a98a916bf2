"""What a process held at one moment, as frozen values.

Everything later (comparing, judging, reporting) works on these values alone, so that a verdict
can be tested on literals and never depends on when the operating system is asked again.
"""

from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

BYTES = ("heap", "pyblocks", "rss", "gpu")  # the meters that read an `Amount`
COMMAND = 160  # characters of a command line that are told


class Item(Protocol):
    """One thing with an identity: it can be told from another one of the same name."""

    @property
    def key(self) -> Hashable:
        """The identity: equal in two snapshots only for the very same thing."""

    @property
    def what(self) -> str:
        """The thing's name for people."""


class Descriptor(NamedTuple):
    """An open descriptor, from ``fstat`` and its link in ``/proc/self/fd``.

    Number, device and inode together are the identity: a number alone is given out again, and an
    inode alone is shared by ``dup``.
    """

    number: int
    device: int
    inode: int
    kind: str
    target: str

    @property
    def key(self) -> Hashable:
        """Number, kind, device and inode."""
        return self.number, self.kind, self.device, self.inode

    @property
    def what(self) -> str:
        """The path or address as the kernel writes it, the kind where there is none."""
        return self.kind if self.target.startswith("anon_inode:") else self.target


class MappedFile(NamedTuple):
    """All mappings of one file (or one shared object without a name) in the address space.

    They are counted together by size in bytes, since neighbours merge into one line of
    ``/proc/self/maps`` and a change of protection splits one.
    """

    device: str
    inode: int
    path: str
    kind: str
    size: int

    @property
    def key(self) -> Hashable:
        """Device, inode and path."""
        return self.device, self.inode, self.path

    @property
    def what(self) -> str:
        """The path of the mapped file."""
        return self.path


class Thread(NamedTuple):
    """A thread of the process, with its start in clock ticks and its CPU time in seconds.

    A thread id is given out again, so the start belongs to the identity.
    """

    tid: int
    start: int
    name: str
    python: bool
    cpu: float = 0.0

    @property
    def key(self) -> Hashable:
        """Thread id and start."""
        return self.tid, self.start

    @property
    def what(self) -> str:
        """The name, and whether Python knows the thread."""
        return f"{'Python' if self.python else 'native'} thread {self.name}"


class Process(NamedTuple):
    """A descendant of the process; ``zombie`` when it ended and nobody waited for it."""

    pid: int
    start: int
    command: str
    zombie: bool
    parent: int = 0

    @property
    def key(self) -> Hashable:
        """Process id and start."""
        return self.pid, self.start

    @property
    def what(self) -> str:
        """The command line in one line, or that it ended unwaited for."""
        command = " ".join(self.command.split())
        command = command if len(command) <= COMMAND else f"{command[:COMMAND]} …"
        return f"{'zombie' if self.zombie else 'child'} process {command}"


class TempFile(NamedTuple):
    """A file or folder in a temp directory that this process made and that is still there."""

    device: int
    inode: int
    path: str

    @property
    def key(self) -> Hashable:
        """Device, inode and path."""
        return self.device, self.inode, self.path

    @property
    def what(self) -> str:
        """The path."""
        return self.path


@dataclass(frozen=True, slots=True)
class Items:
    """A reading of things that are judged exactly, by identity."""

    items: tuple[Item, ...]


@dataclass(frozen=True, slots=True)
class Amount:
    """A reading in bytes, with the parts that explain it.

    ``source`` says where the figure comes from; two amounts of different sources must not be
    subtracted, but one without a source (nothing is held) may be from any. ``other`` is what an
    independent meter counts, where there is one: growth that it does not show is not claimed.
    """

    value: int
    source: str = ""
    parts: Mapping[str, int] = field(default_factory=dict)
    other: int | None = None


@dataclass(frozen=True, slots=True)
class Unavailable:
    """A meter that cannot be read here, and why; never the same as "nothing there"."""

    reason: str


@dataclass(frozen=True, slots=True)
class Undecidable:
    """A meter that can be read, but whose figure says nothing about this process, and why."""

    reason: str


Reading = Items | Amount | Unavailable | Undecidable


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What each meter read at one moment, by meter name."""

    readings: Mapping[str, Reading]

    def __getitem__(self, meter: str) -> Reading:
        return self.readings[meter]

    def items(self, meter: str) -> tuple[Item, ...]:
        """Return the things that ``meter`` saw; none when it counts bytes or is unavailable."""
        reading = self.readings.get(meter)
        return reading.items if isinstance(reading, Items) else ()


class Cause(NamedTuple):
    """Why a thing is there: the stack that made it, and what keeps it, both in words.

    ``place`` is the file and function that made it, without its folder and line, which are others
    on the next machine and in the next version.
    """

    opened_at: tuple[str, ...] = ()
    kept_by: tuple[str, ...] = ()
    place: str = ""


UNKNOWN = Cause()


@dataclass(frozen=True, slots=True)
class Leak:
    """Something that stayed, in the words of the report.

    ``per_run`` is in things or in bytes. ``opened_at`` is the stack that made it: the user's
    frames, the innermost first (``tests/test_x.py:12 in load``), then what of a library was inside
    of them. ``kept_by`` is what refers to it. Both are empty where they are not known, and never
    guessed. The fingerprint names the same leak in another run of the suite, on another machine and
    in another version of the code. A leak that is ``known`` by the baseline fails nothing;
    ``remark`` is what the baseline says of it.
    """

    meter: str
    what: str
    count: int
    per_run: float
    opened_at: tuple[str, ...] = ()
    kept_by: tuple[str, ...] = ()
    fingerprint: str = ""
    known: bool = False
    remark: str = ""
